/** What `close()` of a session, a socket and a queue ends, and when. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { RioClosedError } from "../../mod.ts";
import { collect, openUdp, sessionTest, within } from "./harness.ts";

sessionTest(
  "session.close() can be called again, and again after dispose",
  async (open) => {
    const session = open();
    session.registerBuffer(10);
    const [a, b] = [session.close(), session.close()];
    assertStrictEquals(a, b);
    await within(a);
    session[Symbol.dispose]();
    await within(session.close());
    assertEquals(session.stats().calls.RIODeregisterBuffer, 1);
  },
);

sessionTest("session.close() works inside a using block", async (open) => {
  using session = open();
  using buffer = session.registerBuffer(10);
  using socket = openUdp(session);
  socket.receive(buffer.slice());
  await within(session.close());
  assertEquals(session.stats().deregistered, 1);
});

sessionTest(
  "session[Symbol.dispose]() is quiet while close() goes on",
  async (open) => {
    const session = open();
    const buffer = session.registerBuffer(10);
    openUdp(session).receive(buffer.slice());
    const closing = session.close();
    session[Symbol.dispose]();
    await within(closing);
    assertEquals(session.stats().calls.RIODeregisterBuffer, 1);
  },
);

sessionTest("session.close() lets a pending notify() end", async (open) => {
  const session = open();
  const queue = session.createCompletionQueue();
  const waiting = queue.notify();
  await within(session.close());
  assertEquals(await within(waiting), false);
});

sessionTest(
  "session[Symbol.dispose]() lets a pending notify() end",
  async (open) => {
    const session = open();
    const waiting = session.createCompletionQueue().notify();
    session[Symbol.dispose]();
    assertEquals(await within(waiting), false);
  },
);

sessionTest(
  "session.close() rejects pending accept() and connect() with RioClosedError",
  async (open) => {
    const session = open();
    const listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const accepts = [listener.accept(), listener.accept()];
    const rejected = accepts.map((one) =>
      assertRejects(() => one, RioClosedError)
    );
    await within(session.close());
    await within(Promise.all(rejected));
  },
);

sessionTest(
  "socket.close() completes outstanding requests with WSA_OPERATION_ABORTED",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue();
    using buffer = session.registerBuffer(100);
    const socket = openUdp(session, { completions: queue });
    socket.receive(buffer.slice(0, 50), { context: "first" });
    socket.receive(buffer.slice(50), { context: "second", defer: true });
    socket.close();
    const completions = await collect(queue, 2);
    assertEquals(
      completions.map(({ status, bytesTransferred, context }) => [
        status,
        bytesTransferred,
        context,
      ]).toSorted(),
      [[995, 0, "first"], [995, 0, "second"]],
    );
    const [{ error, socket: from }] = completions as [typeof completions[0]];
    assertEquals(error?.code, "WSA_OPERATION_ABORTED");
    assertEquals(error?.syscall, "RIOReceive");
    assertStrictEquals(from, socket);
    assertEquals([buffer.inFlight, socket.outstanding], [0, 0]);
  },
);

sessionTest("socket.close() does nothing the second time", (open) => {
  using session = open();
  using socket = openUdp(session);
  socket.close();
  socket.close();
  assert(socket.closed);
});

sessionTest(
  "socket.close() closes its own queue with the last completion",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const socket = openUdp(session);
    const { completions } = socket;
    socket.receive(buffer.slice());
    socket.close();
    assertEquals(session.stats().completionQueues, 1);
    assertEquals((await collect(completions, 1))[0]?.status, 995);
    assert(completions.closed);
    assertEquals(session.stats().completionQueues, 0);
    assertEquals(session.stats().sockets, 0);
  },
);

sessionTest(
  "queue.close() keeps the native queue until its sockets are drained",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const queue = session.createCompletionQueue();
    const socket = openUdp(session, { completions: queue });
    socket.receive(buffer.slice());
    queue.close();
    assert(queue.closed);
    assertEquals(session.stats().completionQueues, 1);
    socket.close();
    await session.close();
    assertEquals(session.stats().calls.RIOCloseCompletionQueue, 1);
  },
);
