/**
 * Taking completions from a queue: one by one, in batches, in a visitor.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { RioClosedError, type RioCompletion, RioError } from "../../mod.ts";
import {
  collect,
  openSelf,
  openUdp,
  put,
  sessionTest,
  until,
} from "./harness.ts";
import { openSender, sendNumbers, settle } from "./sender.ts";

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
    const taken: RioCompletion[] = [];
    await until(() => {
      taken.push(...completions.dequeue(1000));
      return completions.closed;
    }, "completions");
    assertEquals(taken.length, 64);
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
  "queue.dequeue() throws RioClosedError when the queue was closed, whatever it kept",
  async (open) => {
    using session = open();
    const { queue, socket } = await openSender(session, 2);
    using _buffer = sendNumbers(session, socket, 2);
    await settle(session);
    queue.close();
    assertThrows(
      () => queue.dequeue(),
      RioClosedError,
      "the completion queue was closed",
    );
    assertThrows(() => queue.walk(() => {}), RioClosedError);
  },
);
