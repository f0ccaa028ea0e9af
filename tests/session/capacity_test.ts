/**
 * Room in queues: reservations, limits and changing them.
 *
 * @module
 */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { RioError } from "../../mod.ts";
import { collect, openSelf, openUdp, put, sessionTest } from "./harness.ts";
import { openSender, sendNumbers } from "./sender.ts";

sessionTest(
  "queue.reserved counts what sockets may have outstanding",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ capacity: 10 });
    assertEquals([queue.capacity, queue.reserved], [10, 0]);
    const a = openUdp(session, { completions: queue, receives: 3, sends: 2 });
    assertEquals(queue.reserved, 5);
    const b = openUdp(session, { completions: queue, receives: 5, sends: 0 });
    assertEquals(queue.reserved, 10);
    using buffer = session.registerBuffer(10);
    a.receive(buffer.slice());
    a.close();
    assertEquals(queue.reserved, 10);
    await collect(queue, 1);
    assertEquals(queue.reserved, 5);
    b.close();
    assertEquals(queue.reserved, 0);
  },
);

sessionTest("queue.reserved counts each direction on its own queue", (open) => {
  using session = open();
  using receive = session.createCompletionQueue({ capacity: 3 });
  using send = session.createCompletionQueue({ capacity: 7 });
  using socket = openUdp(session, {
    completions: { receive, send },
    receives: 3,
    sends: 7,
  });
  assertEquals([receive.reserved, send.reserved], [3, 7]);
  assertStrictEquals(socket.completions, receive);
  assertStrictEquals(socket.sendCompletions, send);
});

sessionTest(
  "socket completes each direction on its own queue",
  async (open) => {
    using session = open();
    using receive = session.createCompletionQueue();
    using send = session.createCompletionQueue();
    using socket = await openSelf(session, { completions: { receive, send } });
    using buffer = session.registerBuffer(64);
    socket.receive(buffer.slice(0, 32));
    socket.send(put(buffer.slice(32), "x"));
    assertEquals((await collect(send, 1))[0]?.kind, "send");
    assertEquals((await collect(receive, 1))[0]?.kind, "receive");
  },
);

sessionTest(
  "session.openSocket() throws WSAENOBUFS when the queue has no room",
  (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ capacity: 10 });
    using _socket = openUdp(session, {
      completions: queue,
      receives: 4,
      sends: 4,
    });
    const error = assertThrows(
      () => openUdp(session, { completions: queue, receives: 2, sends: 1 }),
      RioError,
      "a request queue of 2 receives and 1 sends on completion queues with 2 and 2 free entries",
    );
    assertEquals([error.code, error.syscall], [
      "WSAENOBUFS",
      "RIOCreateRequestQueue",
    ]);
    assertEquals([queue.reserved, session.stats().sockets], [8, 1]);
    using _fits = openUdp(session, {
      completions: queue,
      receives: 1,
      sends: 1,
    });
  },
);

sessionTest("queue.resize() makes room and takes it back", (open) => {
  using session = open();
  using queue = session.createCompletionQueue({ capacity: 4 });
  using _a = openUdp(session, { completions: queue, receives: 2, sends: 2 });
  queue.resize(8);
  assertEquals(queue.capacity, 8);
  const b = openUdp(session, { completions: queue, receives: 2, sends: 2 });
  const error = assertThrows(() => queue.resize(7), RioError);
  assertEquals(
    [error.code, error.syscall],
    ["WSAETOOMANYREFS", "RIOResizeCompletionQueue"],
  );
  assertEquals(queue.capacity, 8);
  b.close();
  open.fake?.pump();
  queue.resize(4);
  assertEquals(queue.capacity, 4);
});

sessionTest("queue.resize() keeps what is queued", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 8);
  using _buffer = sendNumbers(session, socket, 8);
  open.fake?.pump(4);
  queue.resize(100);
  const taken = await collect(queue, 8);
  assertEquals(taken.map(({ context }) => context), [0, 1, 2, 3, 4, 5, 6, 7]);
});

sessionTest(
  "socket.send() throws WSAENOBUFS above the limit until a completion is dequeued",
  async (open) => {
    using session = open();
    using socket = await openSelf(session, { sends: 2, receives: 1 });
    using buffer = session.registerBuffer(8);
    socket.send(buffer.slice(0, 1));
    socket.send(buffer.slice(1, 1));
    open.fake?.pump(4);
    const error = assertThrows(
      () => socket.send(buffer.slice(2, 1)),
      RioError,
      "Cannot send 1 bytes with 2 of 2 sends outstanding: RIOSend failed with WSAENOBUFS",
    );
    assertEquals(error.errno, 10055);
    assertEquals([socket.outstandingSends, buffer.inFlight], [2, 2]);
    await collect(socket.completions, 2);
    socket.send(buffer.slice(2, 1));
    await collect(socket.completions, 1);
  },
);

sessionTest("socket.receive() throws WSAENOBUFS above the limit", (open) => {
  using session = open();
  using socket = openUdp(session, { receives: 1, sends: 1 });
  using buffer = session.registerBuffer(8);
  socket.receive(buffer.slice(0, 4), { defer: true });
  const error = assertThrows(() => socket.receive(buffer.slice(4)), RioError);
  assertEquals([error.code, error.syscall], ["WSAENOBUFS", "RIOReceive"]);
  assertEquals([socket.outstandingReceives, buffer.inFlight], [1, 1]);
});

sessionTest(
  "socket.resize() changes how much can be outstanding",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ capacity: 4 });
    using socket = await openSelf(session, {
      completions: queue,
      receives: 2,
      sends: 2,
    });
    using buffer = session.registerBuffer(16);
    const noRoom = assertThrows(() => socket.resize({ sends: 3 }), RioError);
    assertEquals(
      [noRoom.code, noRoom.syscall],
      ["WSAENOBUFS", "RIOResizeRequestQueue"],
    );
    assertEquals([socket.receives, socket.sends, queue.reserved], [2, 2, 4]);
    queue.resize(10);
    socket.resize({ sends: 5 });
    assertEquals([socket.receives, socket.sends, queue.reserved], [2, 5, 7]);
    for (let i = 0; i < 5; i++) socket.send(buffer.slice(i, 1));
    const inUse = assertThrows(() => socket.resize({ sends: 4 }), RioError);
    assertEquals(inUse.code, "WSAETOOMANYREFS");
    await collect(queue, 5);
    socket.resize({ receives: 1, sends: 1 });
    assertEquals(queue.reserved, 2);
    socket.send(buffer.slice(0, 1));
    assertThrows(
      () => socket.send(buffer.slice(0, 1)),
      RioError,
      "1 of 1 sends",
    );
    await collect(queue, 1);
  },
);

sessionTest(
  "session.openSocket() closes the queue that it made, and no other, where it gets no request queue",
  (open) => {
    using session = open();
    using given = session.createCompletionQueue();
    for (const completions of [undefined, given]) {
      open.fake!.fail("RIOCreateRequestQueue", 10055);
      assertThrows(
        () => openUdp(session, completions ? { completions } : {}),
        RioError,
        "RIOCreateRequestQueue",
      );
    }
    assertEquals(given.closed, false);
    const { sockets, completionQueues } = session.stats();
    assertEquals([sockets, completionQueues], [0, 1]);
  },
  { only: ["fake"] },
);
