/** Faults that random use has found. */
import { assertEquals, assertRejects } from "@std/assert";
import { RioError } from "../../mod.ts";
import { openSelf, sessionTest, within } from "../session/harness.ts";

sessionTest(
  "queue.notify() leaves a wait alone that has fired and was not told yet",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = await openSelf(session);
    const queue = socket.completions;
    const first = queue.notify();
    // On Linux this completes and fires at once.
    socket.send(buffer.slice());
    const error = await assertRejects(() => queue.notify(), RioError);
    assertEquals(error.code, "WSAEALREADY");
    assertEquals(await within(first), true);
  },
);
