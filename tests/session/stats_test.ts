import { assertEquals } from "@std/assert";
import type { RioStats } from "../../mod.ts";
import {
  collect,
  openPair,
  openSelf,
  openUdp,
  put,
  sessionTest,
} from "./harness.ts";

/** The RIO functions that were called, and how often. */
function called(stats: RioStats): Record<string, number> {
  return Object.fromEntries(
    Object.entries(stats.calls).filter(([, count]) => count > 0),
  );
}

const NOTHING = {
  registered: 0,
  deregistered: 0,
  buffers: 0,
  completionQueues: 0,
  sockets: 0,
  posted: 0,
  completed: 0,
  outstanding: 0,
  abandoned: 0,
};

sessionTest("session.stats() starts at zero, for all 13 functions", (open) => {
  using session = open();
  const { calls, ...counters } = session.stats();
  assertEquals(counters, NOTHING);
  assertEquals(Object.keys(calls).length, 13);
  assertEquals(Object.values(calls).filter((count) => count !== 0), []);
});

sessionTest("session.stats() is a snapshot", (open) => {
  using session = open();
  const before = session.stats();
  using _buffer = session.registerBuffer(10);
  assertEquals([before.registered, before.calls.RIORegisterBuffer], [0, 0]);
});

sessionTest("session.stats() counts registrations", (open) => {
  using session = open();
  const a = session.registerBuffer(10);
  using _b = session.registerBuffer(10);
  a.deregister();
  const { calls, ...counters } = session.stats();
  assertEquals(counters, {
    ...NOTHING,
    registered: 2,
    deregistered: 1,
    buffers: 1,
  });
  assertEquals([calls.RIORegisterBuffer, calls.RIODeregisterBuffer], [2, 1]);
});

sessionTest("session.stats() counts sockets and queues", (open) => {
  using session = open();
  const queue = session.createCompletionQueue();
  const shared = openUdp(session, { completions: queue });
  const own = openUdp(session);
  using _listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 1,
  });
  let { calls, ...counters } = session.stats();
  assertEquals(counters, { ...NOTHING, completionQueues: 2, sockets: 3 });
  assertEquals(called(session.stats()), {
    RIOCreateCompletionQueue: 2,
    RIOCreateRequestQueue: 2,
  });
  own.close();
  shared.close();
  queue.close();
  ({ calls, ...counters } = session.stats());
  assertEquals(counters, { ...NOTHING, sockets: 1 });
  assertEquals(calls.RIOCloseCompletionQueue, 2);
});

sessionTest(
  "session.stats() counts requests until they are dequeued",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(100);
    socket.receive(buffer.slice(0, 50));
    socket.send(put(buffer.slice(50), "x"));
    let stats = session.stats();
    assertEquals([stats.posted, stats.completed, stats.outstanding], [2, 0, 2]);
    await collect(socket.completions, 2);
    stats = session.stats();
    assertEquals([stats.posted, stats.completed, stats.outstanding], [2, 2, 0]);
  },
);

sessionTest(
  "session.stats() counts the calls of each function",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue();
    using socket = await openSelf(session, { completions: queue });
    using buffer = session.registerBuffer(400);
    const [remote, to] = [buffer.slice(100, 28), buffer.slice(150, 28)];
    socket.writeAddress(to, socket.address);
    socket.receive(buffer.slice(0, 20));
    socket.receive(buffer.slice(20, 20), { defer: true });
    socket.receive(buffer.slice(40, 20), { remote });
    socket.send(buffer.slice(200, 1));
    socket.send(buffer.slice(201, 1));
    socket.send(buffer.slice(202, 1), { remote: to });
    socket.commit();
    socket.commit("send");
    queue.resize(300);
    socket.resize({ sends: 65 });
    const { calls } = session.stats();
    assertEquals(calls, {
      RIOReceive: 3,
      RIOReceiveEx: 1,
      RIOSend: 4,
      RIOSendEx: 1,
      RIOCloseCompletionQueue: 0,
      RIOCreateCompletionQueue: 1,
      RIOCreateRequestQueue: 1,
      RIODequeueCompletion: 0,
      RIODeregisterBuffer: 0,
      RIONotify: 0,
      RIORegisterBuffer: 1,
      RIOResizeCompletionQueue: 1,
      RIOResizeRequestQueue: 1,
    });
    await queue.notify();
    assertEquals(session.stats().calls.RIONotify, 1);
    const before = session.stats().calls.RIODequeueCompletion;
    const first = queue.dequeue(2).length;
    assertEquals(session.stats().calls.RIODequeueCompletion, before + 1);
    await collect(queue, 6 - first);
  },
);

sessionTest(
  "session.stats() counts the calls that the system counts",
  async (open) => {
    const session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    server.receive(buffer.slice(0, 50));
    client.send(put(buffer.slice(50), "x"));
    await collect(server.completions, 1);
    await collect(client.completions, 1);
    await session.close();
    const { counts } = open.fake!;
    for (const [name, count] of Object.entries(session.stats().calls)) {
      assertEquals(counts[name] ?? 0, count, name);
    }
  },
  { only: ["fake"] },
);

sessionTest(
  "session.stats() does not count a request that was refused",
  async (open) => {
    using session = open();
    using socket = await openSelf(session, { sends: 1, receives: 1 });
    using buffer = session.registerBuffer(10);
    open.fake!.fail("RIOSend", 10055);
    try {
      socket.send(buffer.slice());
    } catch {
      // WSAENOBUFS, as scripted.
    }
    const { posted, outstanding, calls } = session.stats();
    assertEquals([posted, outstanding, calls.RIOSend], [0, 0, 1]);
    assertEquals(buffer.inFlight, 0);
  },
  { only: ["fake"] },
);
