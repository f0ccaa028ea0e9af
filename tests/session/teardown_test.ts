/** What is left to be told when something was closed with requests in flight. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RioClosedError } from "../../mod.ts";
import { openUdp, sessionTest, within } from "./harness.ts";

sessionTest(
  "queue.dequeue() gives what was settled before the queue closed with its socket",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const socket = openUdp(session);
    const queue = socket.completions;
    socket.receive(buffer.slice(), { context: 1 });
    const arrived = queue.notify();
    socket.close();
    await within(arrived);
    // Settles what has arrived, and with it the socket and its queue end.
    buffer[Symbol.dispose]();
    assert(queue.closed);
    assertEquals(queue.dequeue().map(({ context }) => context), [1]);
    assertThrows(() => queue.dequeue(), RioClosedError);
  },
);
