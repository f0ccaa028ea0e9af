/** Sessions that end with everything still open, in any order and side by side. */
import { assert, assertEquals } from "@std/assert";
import type {
  RioBuffer,
  RioCompletionQueue,
  RioSession,
  RioSocket,
} from "../../mod.ts";
import {
  collect,
  openPair,
  openSelf,
  openUdp,
  put,
  sessionTest,
} from "./harness.ts";

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
