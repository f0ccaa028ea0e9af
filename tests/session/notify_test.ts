/**
 * Waiting for completions: notifications and iterators.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
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
import { openSender, sendNumbers, settle } from "./sender.ts";

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
  },
  { misuse: true },
);

sessionTest(
  'queue.notify() rejects with WSAEINVAL for notification "none"',
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ notification: "none" });
    assertEquals(queue.notification, "none");
    const error = await assertRejects(() => queue.notify(), RioError);
    assertEquals([error.code, error.syscall], ["WSAEINVAL", "RIONotify"]);
  },
  { misuse: true },
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

/** More sockets than the Linux backend tries one by one. */
const MANY = 9;

/** Has so many datagrams arrive at a socket. */
async function arriveAt(socket: RioSocket, session: RioSession, count: number) {
  using sender = openUdp(session, { sends: count });
  await sender.connect(socket.address);
  using buffer = session.registerBuffer(8);
  for (let i = 0; i < count; i++) sender.send(buffer.slice());
  await collect(sender.completions, count);
}

sessionTest(
  "queue.dequeue() takes all where only one of many sockets has something",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ capacity: 1024 });
    using buffer = session.registerBuffer(64);
    const options = { completions: queue, sends: 1 };
    using busy = openUdp(session, { ...options, receives: 130 });
    for (let i = 0; i < 130; i++) busy.receive(buffer.slice());
    const quiet = Array.from({ length: MANY }, () => openUdp(session, options));
    for (const socket of quiet) socket.receive(buffer.slice());
    await arriveAt(busy, session, 130);
    assertEquals(queue.dequeue(512).length, 130);
    for (const socket of quiet) socket[Symbol.dispose]();
  },
  { only: ["linux"] },
);

sessionTest(
  "queue.notify() tells of what arrived behind silent completions, with many sockets",
  async (open) => {
    using session = open();
    using queue = session.createCompletionQueue({ capacity: 1024 });
    using buffer = session.registerBuffer(64);
    const slice = buffer.slice();
    const options = { completions: queue, sends: 1 };
    using busy = openUdp(session, { ...options, receives: 129 });
    for (let i = 0; i < 129; i++) busy.receive(slice, { dontNotify: i < 128 });
    const quiet = Array.from({ length: MANY }, () => openUdp(session, options));
    for (const socket of quiet.slice(1)) socket.receive(slice);
    await arriveAt(busy, session, 129);
    assertEquals(queue.dequeue(64).length, 64);
    quiet[0]!.receive(slice);
    assertEquals(await within(queue.notify()), true);
    assertEquals(queue.dequeue(512).length, 65);
    for (const socket of quiet) socket[Symbol.dispose]();
  },
  { only: ["linux"] },
);
