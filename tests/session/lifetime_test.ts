import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type RioBuffer,
  RioClosedError,
  type RioCompletionQueue,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import {
  collect,
  openPair,
  openSelf,
  openUdp,
  put,
  sessionTest,
  until,
  within,
} from "./harness.ts";

sessionTest(
  "session[Symbol.dispose]() releases everything at the end of a block",
  async (open) => {
    let session: RioSession;
    {
      using inner = session = open();
      using buffer = inner.registerBuffer(64);
      using socket = await openSelf(inner);
      socket.receive(buffer.slice(0, 32));
      socket.send(put(buffer.slice(32), "once"));
      await collect(socket.completions, 2);
    }
    assert(session.closed);
    assertEquals(session.stats().posted, 2);
    assertEquals(session.stats().completed, 2);
  },
);

sessionTest(
  "session[Symbol.dispose]() deregisters each buffer exactly once",
  (open) => {
    let session: RioSession;
    {
      using inner = session = open();
      using _a = inner.registerBuffer(10);
      inner.registerBuffer(10);
      inner.registerBuffer(10).deregister();
    }
    const { registered, deregistered, calls } = session.stats();
    assertEquals([registered, deregistered, calls.RIODeregisterBuffer], [
      3,
      3,
      3,
    ]);
  },
);

sessionTest(
  "using lets an error of the block arrive as it is",
  async (open) => {
    const thrown = new Error("from the block");
    let session: RioSession | undefined;
    const caught = await assertRejects(async () => {
      using inner = session = open();
      using buffer = inner.registerBuffer(100);
      using socket = await openSelf(inner);
      socket.receive(buffer.slice());
      throw thrown;
    });
    assertStrictEquals(caught, thrown);
    assert(session?.closed);
  },
);

sessionTest(
  "using keeps an error of the block readable when a user's own dispose throws",
  (open) => {
    const [first, second] = [new Error("block"), new Error("dispose")];
    const caught = assertThrows(() => {
      using session = open();
      using buffer = session.registerBuffer(100);
      using _own = {
        [Symbol.dispose]() {
          throw second;
        },
      };
      using socket = openUdp(session);
      socket.receive(buffer.slice());
      throw first;
    });
    assertInstanceOf(caught, SuppressedError);
    assertStrictEquals(caught.error, second);
    assertStrictEquals(caught.suppressed, first);
  },
);

sessionTest(
  "await using lets an error of the block arrive as it is",
  async (open) => {
    const thrown = new Error("from the block");
    const caught = await assertRejects(async () => {
      await using session = open();
      using buffer = session.registerBuffer(100);
      const socket = openUdp(session);
      socket.receive(buffer.slice());
      throw thrown;
    });
    assertStrictEquals(caught, thrown);
  },
);

sessionTest("await using closes with requests in flight", async (open) => {
  let session: RioSession;
  {
    await using inner = session = open();
    const buffer = inner.registerBuffer(1000);
    const socket = openUdp(inner);
    for (let i = 0; i < 10; i++) socket.receive(buffer.slice(100 * i, 100));
  }
  assertEquals(session.stats().completed, 10);
});

interface Parts {
  session: RioSession;
  buffer: RioBuffer;
  socket: RioSocket;
  queue: RioCompletionQueue;
}

/** Every order of four things. */
function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [i, item] of items.entries()) {
    for (const rest of orders(items.toSpliced(i, 1))) yield [item, ...rest];
  }
}

const NAMES = ["session", "buffer", "socket", "queue"] as const;

for (const order of orders(NAMES)) {
  sessionTest(
    `dispose in flight leaves nothing in the order ${order.join(", ")}`,
    async (open) => {
      const session = open();
      const queue = session.createCompletionQueue();
      const socket = openUdp(session, { completions: queue });
      const buffer = session.registerBuffer(100);
      const parts: Parts = { session, buffer, socket, queue };
      socket.receive(buffer.slice(0, 50));
      socket.receive(buffer.slice(50), { defer: true });
      for (const name of order) parts[name][Symbol.dispose]();
      assert(buffer.closed && socket.closed && queue.closed && session.closed);
      for (const name of order) parts[name][Symbol.dispose]();
      await session.close();
      assertEquals(session.stats().calls.RIODeregisterBuffer, 1);
      assertEquals(session.stats().calls.RIOCloseCompletionQueue, 1);
    },
  );
}

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
  "session closes what was opened and never disposed",
  async (open) => {
    const session = open();
    const buffer = session.registerBuffer(4096);
    const [client, server] = await openPair(session);
    const udp = openUdp(session);
    server.receive(buffer.slice(0, 100));
    client.send(put(buffer.slice(100, 100), "bytes"));
    udp.receive(buffer.slice(200, 100));
    session[Symbol.dispose]();
    assert(client.closed && server.closed && udp.closed && buffer.closed);
  },
);

sessionTest("sessions side by side do not touch each other", async (open) => {
  using a = open();
  using b = open();
  using bufferB = b.registerBuffer(100);
  using socketB = await openSelf(b);
  {
    using bufferA = a.registerBuffer(100);
    const socketA = openUdp(a);
    socketA.receive(bufferA.slice());
  }
  a[Symbol.dispose]();
  socketB.receive(bufferB.slice(0, 50));
  socketB.send(put(bufferB.slice(50), "still here"));
  assertEquals((await collect(socketB.completions, 2)).length, 2);
});

sessionTest(
  "sessions opened one after the other leave nothing",
  async (open) => {
    for (let i = 0; i < 20; i++) {
      using session = open();
      using buffer = session.registerBuffer(100);
      openUdp(session).receive(buffer.slice());
      if (i % 2) await session.close();
    }
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

sessionTest(
  "a buffer in use survives the collector until its request ends",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using outbox = session.registerBuffer(64);
    (() => {
      const inbox = session.registerBuffer(1 << 20);
      inbox.bytes.fill(0xAB);
      socket.receive(inbox.slice(4096, 64));
    })();
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
      session.registerBuffer(1 << 20).deregister();
    }
    assertEquals(session.stats().deregistered, 5);
    socket.send(put(outbox.slice(), "unharmed"));
    const received = (await collect(socket.completions, 2))
      .find(({ kind }) => kind === "receive")!;
    const { slice, bytesTransferred } = received;
    assertEquals(bytesTransferred, 8);
    assertEquals(
      new TextDecoder().decode(slice!.bytes.subarray(0, 8)),
      "unharmed",
    );
    assertEquals([...slice!.bytes.subarray(8, 10)], [0xAB, 0xAB]);
    assertEquals(slice!.buffer.bytes[4095], 0xAB);
    slice!.buffer.deregister();
  },
);

sessionTest(
  "an array is free to be collected after its buffer was deregistered",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    const weak = await (async () => {
      const bytes = new Uint8Array(1 << 16);
      const buffer = session.registerBuffer(bytes);
      socket.receive(buffer.slice(0, 100));
      socket.send(put(buffer.slice(100, 100), "x"));
      await collect(socket.completions, 2);
      buffer.deregister();
      return new WeakRef(bytes);
    })();
    await until(() => {
      gc();
      return weak.deref() === undefined;
    }, "the array to be collected");
  },
);

declare const gc: () => void;

sessionTest(
  "session forgets completions of a queue that nobody holds",
  async (open) => {
    using session = open();
    using outbox = session.registerBuffer(8);
    const weak = await (async () => {
      const context = { some: "object" };
      const inbox = session.registerBuffer(8);
      const socket = openUdp(session);
      socket.receive(inbox.slice(), { context });
      socket.close();
      await until(() => {
        inbox[Symbol.dispose]();
        if (session.stats().outstanding === 0) return true;
        using other = session.registerBuffer(8);
        using prod = openUdp(session);
        prod.receive(other.slice());
        other[Symbol.dispose]();
        return false;
      }, "the request to end");
      return new WeakRef(context);
    })();
    assertEquals(session.stats().completionQueues, 0);
    await until(() => {
      gc();
      return weak.deref() === undefined;
    }, "the context to be collected");
    assertEquals(outbox.inFlight, 0);
  },
);
