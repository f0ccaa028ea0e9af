/** Waits that are paused, as a socket does that was unreferenced. */
import { assertEquals } from "@std/assert";
import { pauseNotify } from "../../ffi/session/queue.ts";
import { openSelf, openUdp, sessionTest, within } from "./harness.ts";

sessionTest(
  "queue.notify() resolves for what arrived while its wait was paused",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = await openSelf(session);
    using other = openUdp(session);
    socket.receive(buffer.slice(0, 8));
    const { completions } = socket;
    const paused = completions.notify();
    pauseNotify(completions);
    assertEquals(await within(paused), false);

    // The other queue's wait collects what fires for this one, too.
    other.receive(buffer.slice(8, 8));
    const others = other.completions.notify();
    socket.send(buffer.slice(16, 1));
    using sender = await openSelf(session);
    await sender.connect(other.address);
    sender.send(buffer.slice(24, 1));
    assertEquals(await within(others), true);

    const { RIONotify } = session.stats().calls;
    assertEquals(await within(completions.notify()), true);
    // It was armed all the time.
    assertEquals(session.stats().calls.RIONotify, RIONotify);
  },
);

sessionTest(
  "pausing a queue for which nobody waits does nothing",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = await openSelf(session);
    pauseNotify(socket.completions);
    socket.send(buffer.slice(0, 1));
    assertEquals(await within(socket.completions.notify()), true);
  },
);
