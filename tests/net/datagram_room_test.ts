/** Registered room: busy datagram sockets share large blocks of it. */
import { assert, assertEquals } from "@std/assert";
import { Shelf } from "../../ffi/net/shelf.ts";
import {
  listenDatagram,
  type RioDatagramBatch,
  type RioDatagramConn,
  type RioSession,
} from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";

const HOST = "127.0.0.1";
const only = ["linux"] as const;

/** Sockets that have received many, each `datagram`. */
async function busy(
  session: RioSession,
  count: number,
  datagramSize = 256,
): Promise<RioDatagramConn[]> {
  const conns: RioDatagramConn[] = [];
  for (let i = 0; i < count; i++) {
    const conn = listenDatagram({ hostname: HOST, session, datagramSize });
    conns.push(conn);
    using _batch = await receiveMany(conn, i);
  }
  return conns;
}

/** So many at a time are taken without slots. */
const FEW = 8;

/** What it takes to have a socket use slots: the batch that is in some. */
async function receiveMany(
  conn: RioDatagramConn,
  text: number,
): Promise<RioDatagramBatch> {
  for (let i = 0; i <= FEW; i++) {
    await conn.send(new Uint8Array(8).fill(text), conn.addr);
  }
  for (let taken = 0;;) {
    const batch = await within(conn.receiveMany());
    taken += batch.length;
    if (taken > FEW) return batch;
    batch[Symbol.dispose]();
  }
}

function text(batch: RioDatagramBatch): number[] {
  return [...batch].flatMap(({ data }) => [...data]);
}

sessionTest(
  "200 busy sockets have 8 registrations, and give them back",
  async (openSession) => {
    using session = openSession();
    const conns = await busy(session, 200);
    // 1, 2, 4, and so on to 128.
    assertEquals(session.stats().buffers, 8);
    for (const conn of conns) conn.close();
    assertEquals(session.stats().buffers, 0);
  },
  { only },
);

sessionTest(
  "sockets that come and go register once as long as one is left",
  async (openSession) => {
    using session = openSession();
    const [first] = await busy(session, 1);
    const { registered } = session.stats();
    for (let i = 0; i < 20; i++) (await busy(session, 1))[0]!.close();
    assertEquals(session.stats().registered, registered + 1);
    first!.close();
    assertEquals(session.stats().buffers, 0);
  },
  { only },
);

sessionTest(
  "sockets of other sizes share nothing",
  async (openSession) => {
    using session = openSession();
    const [small] = await busy(session, 1, 64);
    const [large] = await busy(session, 1, 65535);
    assertEquals(session.stats().buffers, 2);
    small!.close();
    assertEquals(session.stats().buffers, 1);
    large!.close();
    assertEquals(session.stats().buffers, 0);
  },
  { only },
);

sessionTest(
  "a batch that is read after its socket was closed has what had arrived",
  async (openSession) => {
    using session = openSession();
    const [first] = await busy(session, 1);
    const conn = listenDatagram({ hostname: HOST, session, datagramSize: 256 });
    const batch = await receiveMany(conn, 7);
    conn.close();
    // They take the room of others that were closed, but not this one.
    const others = await busy(session, 40);
    assertEquals(new Set(text(batch)), new Set([7]));
    batch[Symbol.dispose]();
    for (const one of [first!, ...others]) one.close();
    assertEquals(session.stats().buffers, 0);
  },
);

sessionTest(
  "a session that is closed first ends the room of its sockets",
  async (openSession) => {
    const session = openSession();
    const conns = await busy(session, 5);
    const batch = await receiveMany(conns[0]!, 9);
    await session.close();
    for (const conn of conns) conn[Symbol.dispose]();
    assertEquals(new Set(text(batch)), new Set([9]));
    const { buffers, registered, deregistered } = session.stats();
    assertEquals([buffers, deregistered], [0, registered]);
  },
);

sessionTest(
  "shelf.give() retires a slab that may still be read, and serves from others",
  (openSession) => {
    using session = openSession();
    const shelf = new Shelf(session, { piece: 64, slab: () => 128 });
    const [a, b, c] = [shelf.take(), shelf.take(), shelf.take()];
    assert(a!.buffer === b!.buffer && a!.buffer !== c!.buffer);
    shelf.give(a!, true);
    assert(!shelf.unused);
    const d = shelf.take();
    assert(d.buffer === c!.buffer, "the retired slab serves again");
    const e = shelf.take();
    assert(e.buffer !== a!.buffer, "the retired slab serves again");
    shelf.give(b!);
    assert(a!.buffer.closed, "the retired slab is still registered");
    for (const piece of [c!, d, e]) shelf.give(piece);
    assert(shelf.unused);
    shelf.close();
    assertEquals(session.stats().buffers, 0);
  },
);

sessionTest(
  "shelf.take() registers no more than a piece where there is no room for more",
  (openSession) => {
    using session = openSession();
    const shelf = new Shelf(session, { piece: 64, slab: () => 2 ** 40 });
    const [a, b] = [shelf.take(), shelf.take()];
    assertEquals([a!, b!].map(({ buffer }) => buffer.byteLength), [64, 64]);
    shelf.give(a!);
    shelf.give(b!);
    shelf.close();
    assertEquals(session.stats().buffers, 0);
  },
);

sessionTest(
  "many sockets that lock memory of their own have smaller ones by default",
  async (openSession) => {
    using session = openSession();
    const conns: RioDatagramConn[] = [];
    const registered = () =>
      conns.reduce((sum, { socket }) => sum + socket.receives, 0) * 65536;
    for (let i = 0; i < 80; i++) {
      conns.push(listenDatagram({ hostname: HOST, session }));
    }
    const slots = conns.map(({ socket }) => socket.receives);
    assertEquals(slots.slice(0, 20), Array(20).fill(64));
    assertEquals(slots.toSorted((a, b) => b - a), slots);
    assertEquals(slots.at(-1)! < 32, true);
    assert(registered() < 256 << 20);
    // What a program asks for it gets.
    using asked = listenDatagram({ hostname: HOST, session, receives: 65 });
    assertEquals(asked.socket.receives, 65);
    const last = conns.pop()!;
    await last.send(new Uint8Array([7]), last.addr);
    assertEquals([...(await within(last.receive()))[0]], [7]);
    last.close();
    for (const conn of conns) conn.close();
    using first = listenDatagram({ hostname: HOST, session });
    assertEquals(first.socket.receives, 64);
  },
  { only: ["fake", "windows"] },
);
