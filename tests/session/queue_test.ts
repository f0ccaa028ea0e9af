import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  RioClosedError,
  type RioCompletion,
  type RioCompletionQueue,
  RioError,
  type RioNotificationMode,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import {
  collect,
  openSelf,
  openUdp,
  put,
  sessionTest,
  textOf,
  until,
  within,
} from "./harness.ts";

/** Sends so many numbered datagrams from a socket to itself. */
function sendNumbers(session: RioSession, socket: RioSocket, count: number) {
  const buffer = session.registerBuffer(count * 8);
  for (let i = 0; i < count; i++) {
    socket.send(put(buffer.slice(8 * i, 8), `${i}`), { context: i });
  }
  return buffer;
}

/** A socket whose sends complete in a queue of their own. */
async function openSender(session: RioSession, count: number) {
  const queue = session.createCompletionQueue({ capacity: 2 * count });
  const socket = await openSelf(session, {
    sends: count,
    receives: 1,
    completions: queue,
  });
  return { queue, socket };
}

/** Lets the session dequeue by itself, until everything has completed. */
async function settle(session: RioSession) {
  using socket = openUdp(session, { receives: 8192, sends: 0 });
  await until(() => {
    const buffer = session.registerBuffer(1);
    socket.receive(buffer.slice());
    // Disposing a buffer in use dequeues whatever has arrived.
    buffer[Symbol.dispose]();
    return session.stats().outstanding === socket.outstanding;
  }, "requests to complete");
}

sessionTest(
  "queue.dequeue() gives an empty array when nothing has arrived",
  (open) => {
    using session = open();
    using queue = session.createCompletionQueue();
    assertEquals(queue.dequeue(), []);
    assertEquals(queue.dequeue(1), []);
  },
);

sessionTest(
  "queue.dequeue() gives at most max completions, oldest first",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 10);
    using _buffer = sendNumbers(session, socket, 10);
    const contexts: unknown[] = [];
    await until(() => {
      const batch = queue.dequeue(3);
      assert(batch.length <= 3);
      contexts.push(...batch.map(({ context }) => context));
      return contexts.length === 10;
    }, "10 completions");
    assertEquals(contexts, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  },
);

sessionTest(
  "queue.dequeue() gives more than one native batch",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 200);
    using _buffer = sendNumbers(session, socket, 200);
    open.fake?.pump(2);
    const contexts: unknown[] = [];
    await until(() => {
      contexts.push(...queue.dequeue(200).map(({ context }) => context));
      return contexts.length === 200;
    }, "200 completions");
    assertEquals(contexts, Array.from({ length: 200 }, (_, i) => i));
  },
);

sessionTest(
  "queue.dequeue() loses nothing when the queue closes with its last completion",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    const socket = openUdp(session, { receives: 64, sends: 64 });
    const { completions } = socket;
    for (let i = 0; i < 64; i++) socket.receive(buffer.slice(i, 1));
    socket.close();
    open.fake?.pump(4);
    let taken: RioCompletion[] = [];
    await until(() => {
      taken = completions.dequeue(1000);
      return taken.length > 0;
    }, "completions");
    assertEquals(taken.length, 64);
    assert(completions.closed);
  },
);

sessionTest(
  "queue.dequeue() hands contexts back as they were given",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 16);
    using buffer = session.registerBuffer(16);
    const contexts = [
      { some: "object" },
      Symbol("context"),
      undefined,
      NaN,
      null,
      0,
      -0,
      2n ** 70n,
      "text",
      () => 1,
      queue,
      socket,
      [1, 2],
    ];
    for (const context of contexts) {
      socket.send(buffer.slice(0, 1), {
        context,
      });
    }
    socket.send(buffer.slice(0, 1));
    const completions = await collect(queue, contexts.length + 1);
    for (const [i, { context }] of completions.entries()) {
      assert(Object.is(context, contexts[i]), `context ${i}`);
    }
  },
);

sessionTest("completions tell kind, socket, slices and bytes", async (open) => {
  using session = open();
  using socket = openUdp(session);
  using buffer = session.registerBuffer(400);
  const [inbox, remote, local, to] = [0, 100, 150, 200].map((at) =>
    buffer.slice(at, 40)
  ) as [
    ReturnType<typeof buffer.slice>,
    ReturnType<typeof buffer.slice>,
    ReturnType<typeof buffer.slice>,
    ReturnType<typeof buffer.slice>,
  ];
  socket.writeAddress(to, socket.address);
  const outbox = put(buffer.slice(300), "whole");
  socket.receive(inbox, { remote, local, context: "in" });
  socket.send(outbox, { remote: to, context: "out" });
  const both = await collect(socket.completions, 2);
  const received = both.find(({ kind }) => kind === "receive")!;
  const sent = both.find(({ kind }) => kind === "send")!;
  assertStrictEquals(received.socket, socket);
  assertStrictEquals(received.slice, inbox);
  assertStrictEquals(received.remote, remote);
  assertStrictEquals(received.local, local);
  assertEquals([received.control, received.error], [null, null]);
  assertEquals([received.status, received.bytesTransferred], [0, 5]);
  assertEquals(received.context, "in");
  assertStrictEquals(sent.slice, outbox);
  assertStrictEquals(sent.remote, to);
  assertEquals([sent.local, sent.status, sent.bytesTransferred], [null, 0, 5]);
  assertEquals(sent.context, "out");
});

sessionTest("queue.walk() visits one object again and again", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 5);
  using _buffer = sendNumbers(session, socket, 5);
  const seen = new Set<RioCompletion>();
  const contexts: unknown[] = [];
  await until(() => {
    queue.walk((completion) => {
      seen.add(completion);
      contexts.push(completion.context);
    }, 2);
    return contexts.length === 5;
  }, "5 completions");
  assertEquals(contexts, [0, 1, 2, 3, 4]);
  assertEquals(seen.size, 1);
});

sessionTest(
  "queue.dequeue() gives a new object for each completion",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 3);
    using _buffer = sendNumbers(session, socket, 3);
    const [a, b] = await collect(queue, 3);
    assertNotStrictEquals(a, b);
  },
);

sessionTest("queue.walk() tells how many were visited", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 3);
  assertEquals(queue.walk(() => {}), 0);
  using _buffer = sendNumbers(session, socket, 3);
  let count = 0;
  let visits = 0;
  await until(() => {
    count += queue.walk(() => visits++);
    return count === 3;
  }, "3 completions");
  assertEquals(visits, 3);
});

sessionTest(
  "queue.walk() loses no completion when the visitor throws",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 6);
    using _buffer = sendNumbers(session, socket, 6);
    const seen: unknown[] = [];
    const thrown = new Error("from the visitor");
    const visit = ({ context }: RioCompletion) => {
      seen.push(context);
      if (context === 1 || context === 3) throw thrown;
    };
    await until(() => {
      try {
        queue.walk(visit);
      } catch (error) {
        assertStrictEquals(error, thrown);
      }
      return seen.length === 6;
    }, "6 completions");
    assertEquals(seen, [0, 1, 2, 3, 4, 5]);
    assertEquals(queue.dequeue(), []);
  },
);

sessionTest(
  "queue.walk() keeps the order when the visitor settles more and throws",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 8);
    using _first = sendNumbers(session, socket, 3);
    const later = session.registerBuffer(8);
    const seen: unknown[] = [];
    await until(() => {
      try {
        queue.walk(({ context }) => {
          seen.push(context);
          if (context !== 0) return;
          for (const context of ["a", "b"]) {
            socket.send(later.slice(0, 1), { context });
          }
          open.fake?.pump(4);
          later[Symbol.dispose]();
          throw new Error("after settling");
        });
      } catch {
        // The rest stays for the next visit.
      }
      return seen.length === 5;
    }, "5 completions");
    assertEquals(seen, [0, 1, 2, "a", "b"]);
  },
);

sessionTest(
  "queue.walk() lets the visitor dequeue, post and close",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 8);
    using buffer = sendNumbers(session, socket, 4);
    const seen: unknown[] = [];
    await until(() => {
      queue.walk(({ context }) => {
        seen.push(context);
        if (context === 1) {
          socket.send(buffer.slice(0, 1), { context: "posted" });
          seen.push(...queue.dequeue().map(({ context }) => context));
        }
        if (context === "posted") socket.close();
      }, 2);
      return seen.length === 5;
    }, "5 completions");
    assertEquals(seen.toSorted(), [0, 1, 2, 3, "posted"]);
  },
);

sessionTest(
  "queue.walk() visits the rest when the visitor closes the queue",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 4);
    using _buffer = sendNumbers(session, socket, 4);
    open.fake?.pump(4);
    const seen: unknown[] = [];
    await until(() => {
      if (!queue.closed) {
        queue.walk(({ context }) => {
          seen.push(context);
          queue.close();
        });
      }
      return queue.closed;
    }, "a completion");
    assertEquals(seen, [0, 1, 2, 3].slice(0, seen.length));
    assert(seen.length > 0);
  },
);

for (const what of ["session", "socket", "buffer", "queue"] as const) {
  sessionTest(
    `queue.walk() lets the visitor dispose the ${what}`,
    async (open) => {
      using session = open();
      const queue = session.createCompletionQueue();
      const socket = await openSelf(session, { completions: queue });
      const buffer = session.registerBuffer(64);
      for (let i = 0; i < 4; i++) {
        socket.send(buffer.slice(i, 1), { context: i });
      }
      socket.receive(buffer.slice(32, 8), { context: "in" });
      open.fake?.pump(2);
      const things = { session, socket, buffer, queue };
      let seen = 0;
      await until(() => {
        queue.walk(() => {
          seen++;
          things[what][Symbol.dispose]();
        });
        return seen > 0;
      }, "a completion");
      assert(things[what].closed);
    },
  );

  sessionTest(`for await lets its body dispose the ${what}`, async (open) => {
    using session = open();
    const queue = session.createCompletionQueue();
    const socket = await openSelf(session, { completions: queue });
    const buffer = session.registerBuffer(64);
    for (let i = 0; i < 4; i++) socket.send(buffer.slice(i, 1), { context: i });
    let batches = 0;
    for await (const batch of queue) {
      assert(batch.length > 0);
      batches++;
      ({ session, socket, buffer, queue })[what][Symbol.dispose]();
      if (what === "socket" || what === "buffer") break;
    }
    assertEquals(batches, 1);
  });
}

for (const mode of ["iocp", "event"] satisfies RioNotificationMode[]) {
  sessionTest(
    `queue.notify() waits until something arrives, notification "${mode}"`,
    async (open) => {
      using session = open();
      using queue = session.createCompletionQueue({ notification: mode });
      using socket = await openSelf(session, { completions: queue });
      using buffer = session.registerBuffer(64);
      socket.receive(buffer.slice(0, 32));
      assertEquals(queue.notification, mode);
      const waiting = queue.notify();
      socket.send(put(buffer.slice(32), "ping"), { dontNotify: true });
      assertEquals(await within(waiting), true);
      const both = await collect(queue, 2);
      assertEquals(
        both.find(({ kind }) => kind === "receive")?.bytesTransferred,
        4,
      );
    },
  );

  sessionTest(
    `queue.notify() can be armed again and again, notification "${mode}"`,
    async (open) => {
      using session = open();
      using queue = session.createCompletionQueue({ notification: mode });
      using socket = await openSelf(session, { completions: queue });
      using buffer = session.registerBuffer(64);
      for (let i = 0; i < 5; i++) {
        const waiting = queue.notify();
        socket.send(buffer.slice(0, 1), { context: i });
        assertEquals(await within(waiting), true);
        assertEquals((await collect(queue, 1))[0]?.context, i);
      }
      assertEquals(session.stats().calls.RIONotify, 5);
    },
  );

  sessionTest(
    `queue.notify() resolves at once for what has arrived, notification "${mode}"`,
    async (open) => {
      using session = open();
      using queue = session.createCompletionQueue({ notification: mode });
      using socket = await openSelf(session, { completions: queue });
      using buffer = session.registerBuffer(64);
      socket.send(buffer.slice(0, 1));
      open.fake?.pump(4);
      assertEquals(await within(queue.notify()), true);
      await collect(queue, 1);
    },
  );
}

sessionTest(
  "queue.notify() resolves for what another call has settled already",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 4);
    using _buffer = sendNumbers(session, socket, 2);
    await settle(session);
    assertEquals(await within(queue.notify()), true);
    assertEquals((await collect(queue, 2)).map((c) => c.context), [0, 1]);
  },
);

sessionTest(
  "queue.notify() resolves when another call settles what it waits for",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 4);
    using buffer = session.registerBuffer(64);
    using outbox = session.registerBuffer(8);
    socket.receive(buffer.slice(), { context: "in" });
    const waiting = queue.notify();
    socket.send(put(outbox.slice(), "x"), { dontNotify: true, context: "out" });
    await settle(session);
    assertEquals(await within(waiting), true);
    await collect(queue, 2);
  },
);

sessionTest(
  "queue.notify() rejects with WSAEALREADY when it is armed already",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue();
    const first = queue.notify();
    const error = await assertRejects(() => queue.notify(), RioError);
    assertEquals(
      [error.code, error.errno, error.syscall],
      ["WSAEALREADY", 10037, "RIONotify"],
    );
    queue.close();
    assertEquals(await within(first), false);
    open.fake?.takeViolations();
  },
);

sessionTest(
  'queue.notify() rejects with WSAEINVAL for notification "none"',
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ notification: "none" });
    assertEquals(queue.notification, "none");
    const error = await assertRejects(() => queue.notify(), RioError);
    assertEquals([error.code, error.syscall], ["WSAEINVAL", "RIONotify"]);
    open.fake?.takeViolations();
  },
);

sessionTest(
  "queue.notify() resolves to false when the queue is closed",
  async (open) => {
    using session = open();
    const queue = session.createCompletionQueue();
    const waiting = queue.notify();
    queue.close();
    assertEquals(await within(waiting), false);
  },
);

sessionTest(
  "queue.notify() stays armed for a completion posted with dontNotify",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 4);
    using buffer = session.registerBuffer(8);
    let fired = false;
    const waiting = queue.notify().then((value) => {
      fired = true;
      return value;
    });
    socket.send(buffer.slice(0, 1), { dontNotify: true, context: "silent" });
    const [silent] = await collect(queue, 1);
    assertEquals([silent?.context, fired], ["silent", false]);
    socket.send(buffer.slice(0, 1), { context: "loud" });
    assertEquals(await within(waiting), true);
    assertEquals((await collect(queue, 1))[0]?.context, "loud");
  },
);

sessionTest("many queues wait through one waiter", async (open) => {
  using session = open();
  using buffer = session.registerBuffer(200);
  const queues = Array.from(
    { length: 100 },
    (_, i) =>
      session.createCompletionQueue({
        capacity: 4,
        notification: i % 2 ? "iocp" : "event",
      }),
  );
  const sockets: RioSocket[] = [];
  for (const completions of queues) {
    sockets.push(
      await openSelf(session, { completions, receives: 1, sends: 1 }),
    );
  }
  const fired: number[] = [];
  const waits = queues.map((queue, i) =>
    queue.notify().then((value) => value && fired.push(i))
  );
  for (const i of [99, 3, 42]) {
    sockets[i]!.send(buffer.slice(i, 1));
    await within(waits[i]!);
    await collect(queues[i]!, 1);
  }
  assertEquals(fired, [99, 3, 42]);
  await session.close();
  await within(Promise.all(waits));
  assertEquals(fired.length, 3);
});

for (const mode of ["iocp", "event", "none"] satisfies RioNotificationMode[]) {
  sessionTest(
    `for await yields what arrives, notification "${mode}"`,
    async (open) => {
      using session = open();
      using socket = await openSelf(session, { notification: mode });
      using buffer = session.registerBuffer(100);
      const texts: string[] = [];
      socket.receive(buffer.slice(0, 50));
      setTimeout(() => socket.send(put(buffer.slice(50), "0")), 5);
      for await (const batch of socket.completions) {
        assert(batch.length >= 1 && batch.length <= 64);
        for (const completion of batch) {
          if (completion.kind === "send" || completion.status !== 0) continue;
          texts.push(textOf(completion));
          if (texts.length === 5) {
            socket.close();
          } else {
            socket.receive(buffer.slice(0, 50));
            socket.send(put(buffer.slice(50), `${texts.length}`));
          }
        }
      }
      assertEquals(texts, ["0", "1", "2", "3", "4"]);
      assert(socket.completions.closed);
    },
  );

  sessionTest(
    `for await ends when the queue is closed from elsewhere, notification "${mode}"`,
    async (open) => {
      using session = open();
      const queue = session.createCompletionQueue({ notification: mode });
      setTimeout(() => queue.close(), 5);
      const batches: RioCompletion[][] = [];
      await within((async () => {
        for await (const batch of queue) batches.push(batch);
      })());
      assertEquals(batches, []);
    },
  );

  sessionTest(
    `for await ends when the session is closed from elsewhere, notification "${mode}"`,
    async (open) => {
      using session = open();
      using socket = openUdp(session, { notification: mode });
      using buffer = session.registerBuffer(10);
      socket.receive(buffer.slice());
      setTimeout(() => session.close(), 5);
      await within((async () => {
        for await (const batch of socket.completions) {
          assertEquals(batch.map(({ status }) => status), [995]);
        }
      })());
    },
  );
}

sessionTest("for await can be left and entered again", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 8);
  using buffer = session.registerBuffer(8);
  for (let i = 0; i < 3; i++) {
    socket.send(buffer.slice(0, 1), { context: i });
    for await (const batch of queue) {
      assertEquals(batch.map(({ context }) => context), [i]);
      break;
    }
  }
});

sessionTest("two iterators of one queue share what arrives", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 64);
  using buffer = session.registerBuffer(8);
  const seen: unknown[] = [];
  const read = async () => {
    for await (const batch of queue) {
      seen.push(...batch.map(({ context }) => context));
    }
  };
  const readers = [read(), read()];
  for (let i = 0; i < 20; i++) {
    socket.send(buffer.slice(0, 1), { context: i });
    if (i % 5 === 0) await until(() => seen.length === i + 1, "its reader");
  }
  await until(() => seen.length === 20, "20 completions");
  queue.close();
  await within(Promise.all(readers));
  assertEquals(
    seen.toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

sessionTest("for await yields what another call has settled", async (open) => {
  using session = open();
  const { queue, socket } = await openSender(session, 4);
  using _buffer = sendNumbers(session, socket, 3);
  const seen: unknown[] = [];
  const reader = (async () => {
    for await (const batch of queue) {
      seen.push(...batch.map(({ context }) => context));
    }
  })();
  await settle(session);
  await until(() => seen.length === 3, "3 completions");
  queue.close();
  await within(reader);
  assertEquals(seen, [0, 1, 2]);
});

sessionTest(
  "queue.dequeue() gives what was settled first, in its order",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 20);
    using _buffer = sendNumbers(session, socket, 5);
    await settle(session);
    using more = session.registerBuffer(8);
    for (const context of ["a", "b"]) {
      socket.send(more.slice(0, 1), {
        context,
      });
    }
    const taken = await collect(queue, 7);
    assertEquals(taken.map(({ context }) => context), [
      0,
      1,
      2,
      3,
      4,
      "a",
      "b",
    ]);
  },
);

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
  "queue.dequeue() throws RIO_CORRUPT_CQ for a damaged queue",
  (open) => {
    const session = open();
    const queue = session.createCompletionQueue();
    open.fake!.corrupt();
    const error = assertThrows(() => queue.dequeue(), RioError);
    assertEquals(
      [error.code, error.syscall],
      ["RIO_CORRUPT_CQ", "RIODequeueCompletion"],
    );
    session[Symbol.dispose]();
  },
  { only: ["fake"] },
);

sessionTest(
  "for await throws RIO_CORRUPT_CQ for a damaged queue",
  async (open) => {
    const session = open();
    const queue: RioCompletionQueue = session.createCompletionQueue();
    open.fake!.corrupt();
    await assertRejects(
      async () => {
        for await (const _ of queue);
      },
      RioError,
      "RIO_CORRUPT_CQ",
    );
    session[Symbol.dispose]();
  },
  { only: ["fake"] },
);

sessionTest(
  "queue.dequeue() throws RioClosedError when the queue was closed",
  (open) => {
    using session = open();
    const queue = session.createCompletionQueue();
    queue.close();
    assertThrows(
      () => queue.dequeue(),
      RioClosedError,
      "the completion queue was closed",
    );
    assertThrows(() => queue.walk(() => {}), RioClosedError);
  },
);
