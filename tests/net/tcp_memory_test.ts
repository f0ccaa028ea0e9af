import { assertEquals } from "@std/assert";
import {
  connect,
  listen,
  type RioSession,
  type RioTcpConn,
} from "../../mod.ts";
import { SlicePool } from "../../ffi/net/streams/slice_pool.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { HOST } from "./connection.ts";

/** Small slices in one slab. */
const SLAB = (1 << 20) / 2048;

async function openMany(
  session: RioSession,
  count: number,
): Promise<[clients: RioTcpConn[], servers: RioTcpConn[]]> {
  using listener = listen({ hostname: HOST, session });
  const { port } = listener.addr;
  const [clients, servers]: RioTcpConn[][] = [[], []];
  for (let i = 0; i < count; i++) {
    const accepted = listener.accept();
    clients!.push(await within(connect({ port, session })));
    servers!.push(await within(accepted));
  }
  return [clients!, servers!];
}

sessionTest(
  "queues grow with connections and shrink with them",
  async (openSession) => {
    using session = openSession();
    const [clients, servers] = await openMany(session, 200);
    const { completions, sendCompletions } = clients[0]!.socket;
    assertEquals(completions.reserved, 400);
    assertEquals(completions.capacity, 512);
    assertEquals(sendCompletions.capacity, 512);
    const all = [...clients, ...servers];
    const last = all.pop()!;
    for (const conn of all) conn.close();
    await until(
      () => completions.reserved === 1,
      "closed sockets to be drained",
    );
    assertEquals(completions.capacity, 256);
    assertEquals(sendCompletions.capacity, 256);
    last.close();
    await until(
      () => session.stats().completionQueues === 0,
      "queues to close",
    );
  },
  { requests: true },
);

sessionTest(
  "1,000 connections are served side by side",
  async (openSession) => {
    using session = openSession();
    const [clients, servers] = await openMany(session, 500);
    const echoes = servers.map(async (conn) => {
      const p = new Uint8Array(16);
      for (let count; (count = await conn.read(p)) !== null;) {
        await conn.write(p.subarray(0, count));
      }
      conn.close();
    });
    await Promise.all(clients.map(async (conn, i) => {
      const p = new Uint8Array(16);
      for (let round = 0; round < 5; round++) {
        const sent = new Uint8Array([i, i >> 8, round]);
        await conn.write(sent);
        assertEquals(await conn.read(p), 3);
        assertEquals(p.subarray(0, 3), sent);
      }
      conn.close();
    }));
    await Promise.all(echoes);
  },
  { only: ["linux"] },
);

sessionTest(
  "connections at rest hold no registered memory",
  async (openSession) => {
    using session = openSession();
    const [clients, servers] = await openMany(session, 20);
    assertEquals(session.stats().buffers, 0);
    const p = new Uint8Array(100_000);
    for (const [i, client] of clients.entries()) {
      await within(client.write(new Uint8Array(50_000)));
      for (let left = 50_000; left > 0;) {
        left -= (await within(servers[i]!.read(p)))!;
      }
    }
    // One slab of each size is kept for the next request.
    assertEquals(session.stats().buffers, 2);
    assertEquals(session.stats().outstanding, 0);
    for (const conn of [...clients, ...servers]) conn.close();
    await until(
      () => session.stats().buffers === 0,
      "slabs to be deregistered",
    );
  },
  { requests: true },
);

sessionTest(
  "slabs come with waiting reads and go with them",
  async (openSession) => {
    using session = openSession();
    const count = 20;
    const [clients, servers] = await openMany(session, count);
    const p = new Uint8Array(100_000);
    // Who filled a small slice takes a large one next, 16 of which are a slab.
    for (const [i, client] of clients.entries()) {
      await within(client.write(new Uint8Array(2048)));
      assertEquals(await within(servers[i]!.read(p)), 2048);
    }
    assertEquals(session.stats().buffers, 1);
    const reads = servers.map((conn) => conn.read(new Uint8Array(100_000)));
    await until(() => session.stats().buffers === 3, "every read to be posted");
    for (const client of clients) await within(client.write(new Uint8Array(1)));
    assertEquals(await within(Promise.all(reads)), new Array(count).fill(1));
    assertEquals(session.stats().buffers, 2);
    for (const conn of [...clients, ...servers]) conn.close();
  },
  { only: ["linux"], requests: true },
);

sessionTest(
  "a pool registers by the slab and keeps one that is unused",
  (openSession) => {
    using session = openSession();
    const pool = new SlicePool(session);
    const taken = Array.from({ length: 2 * SLAB + 1 }, () => pool.take(1));
    assertEquals(session.stats().registered, 3);
    const places = new Set(
      taken.map((slice) => {
        const { bufferId, offset } = slice.part(1);
        return `${bufferId} ${offset}`;
      }),
    );
    assertEquals(places.size, taken.length);
    for (const slice of taken) pool.give(slice);
    assertEquals(session.stats().buffers, 1);
    const again = Array.from({ length: SLAB }, () => pool.take(2048));
    assertEquals(session.stats().registered, 3);
    const large = pool.take(2049);
    assertEquals(large.part(100_000).length, 65536);
    assertEquals(session.stats().registered, 4);
    for (const slice of [...again, large]) pool.give(slice);
    assertEquals(session.stats().buffers, 2);
    pool.close();
    assertEquals(session.stats().buffers, 0);
  },
);
