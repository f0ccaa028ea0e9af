/** What is left to be told when something was closed with requests in flight. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RioClosedError } from "../../mod.ts";
import { openUdp, sessionTest } from "./harness.ts";

sessionTest(
  "queue.dequeue() gives what was settled before the queue closed with its socket",
  (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const socket = openUdp(session);
    const queue = socket.completions;
    socket.receive(buffer.slice(0, 32), { context: 1 });
    socket.receive(buffer.slice(32), { context: 2 });
    socket.close();
    open.fake?.pump(4);
    // Settles what has arrived, and with it the socket and its queue end.
    buffer[Symbol.dispose]();
    assert(queue.closed);
    assertEquals(queue.dequeue().map(({ context }) => context), [1, 2]);
    assertThrows(() => queue.dequeue(), RioClosedError);
  },
);
