/**
 * Peers that read slowly, stall, reset, or flood; they are Deno's own sockets.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type RioCompletion,
  RioError,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { Account } from "./account.ts";
import { type Part, turn } from "./part.ts";

const WSAENOBUFS = 10055;
const PART = 16 * 1024;

/** Meets one peer after the other. */
export async function soakPeers(
  session: RioSession,
  part: Part,
): Promise<void> {
  const account = new Account("peers", part.goal);
  while (!account.isOver) {
    for (const meet of [slowReader, stall, reset, flood]) {
      await meet(session, part, account);
      account.done++;
      account.sample();
    }
  }
  account.close(session);
}

/** Every byte arrives, however slowly it is read. */
async function slowReader(
  session: RioSession,
  { random, hostname }: Part,
  account: Account,
): Promise<void> {
  await using peer = await Peer.meet(session, hostname);
  const { socket, conn } = peer;
  using buffer = session.registerBuffer(8 * PART);
  const total = 1 << 21;
  let posted = 0;
  let sent = 0;
  let read = 0;
  const bytes = new Uint8Array(64 * 1024);
  while (read < total) {
    while (posted < total && socket.outstandingSends < 8) {
      socket.send(buffer.slice(posted / PART % 8 * PART, PART));
      posted += PART;
    }
    for (const completion of peer.collect(account)) {
      assertEquals(completion.status, 0);
      sent += completion.bytesTransferred;
    }
    if (random.oneIn(4)) await turn();
    read += await conn.read(bytes) ?? 0;
  }
  while (socket.outstanding > 0) {
    for (const { bytesTransferred } of peer.collect(account)) {
      sent += bytesTransferred;
    }
    await turn();
  }
  assertEquals([read, sent], [total, total]);
}

/** A peer that reads nothing fills every queue; closing ends all requests. */
async function stall(
  session: RioSession,
  { hostname }: Part,
  account: Account,
): Promise<void> {
  await using peer = await Peer.meet(session, hostname);
  using buffer = session.registerBuffer(PART);
  const slice = buffer.slice();
  try {
    for (;;) {
      peer.socket.send(slice);
      if (peer.socket.outstandingSends === peer.socket.sends) {
        peer.collect(account);
      }
    }
  } catch (error) {
    assert(error instanceof RioError && error.errno === WSAENOBUFS, `${error}`);
  }
}

/** A peer that goes away with bytes unread ends requests with an error. */
async function reset(
  session: RioSession,
  { hostname }: Part,
  account: Account,
): Promise<void> {
  await using peer = await Peer.meet(session, hostname);
  using buffer = session.registerBuffer(2 * PART);
  const { socket } = peer;
  socket.receive(buffer.slice(0, PART));
  socket.send(buffer.slice(PART));
  while (socket.outstandingSends > 0) {
    peer.collect(account);
    await turn();
  }
  // What was sent lies there unread: the system resets the connection.
  peer.conn.close();
  let ended: RioCompletion | undefined;
  while (ended === undefined) {
    ended = peer.collect(account).find(({ kind }) => kind === "receive");
    await turn();
  }
  assert(ended.status !== 0 || ended.bytesTransferred === 0);
}

/** A flood takes no more memory than was given, and every receive ends. */
async function flood(
  session: RioSession,
  { random, hostname }: Part,
  account: Account,
): Promise<void> {
  using buffer = session.registerBuffer(64 * 64);
  using queue = session.createCompletionQueue({ capacity: 128 });
  const socket = session.openSocket({
    transport: "udp",
    hostname,
    completions: queue,
  });
  const conn = Deno.listenDatagram({
    transport: "udp",
    hostname,
    port: 0,
  });
  const bytes = new Uint8Array(64);
  let received = 0;
  for (let i = 0; i < 64; i++) socket.receive(buffer.slice(64 * i, 64));
  const visit = (completion: RioCompletion) => {
    account.count(completion);
    if (completion.status !== 0) return;
    received++;
    if (!socket.closed) socket.receive(completion.slice);
  };
  const total = 2000;
  for (let sent = 0; sent < total; sent++) {
    await conn.send(bytes.subarray(0, 1 + random.below(64)), socket.address);
    if (random.oneIn(100)) queue.walk(visit, 16);
  }
  conn.close();
  socket.close();
  while (socket.outstanding > 0) {
    if (queue.walk(visit) === 0) await turn();
  }
  assert(received > 0 && received <= total);
}

/** A connection of the session with a socket of Deno's own. */
class Peer implements AsyncDisposable {
  readonly socket: RioSocket;
  readonly conn: Deno.TcpConn;
  #account: Account | null = null;

  constructor(socket: RioSocket, conn: Deno.TcpConn) {
    this.socket = socket;
    this.conn = conn;
  }

  static async meet(session: RioSession, hostname: string): Promise<Peer> {
    using listener = Deno.listen({ hostname, port: 0 });
    const socket = session.openSocket({
      transport: "tcp",
      receives: 8,
      sends: 8,
    });
    const accepted = listener.accept();
    await socket.connect(listener.addr as Deno.NetAddr);
    return new Peer(socket, await accepted);
  }

  /** What has completed by now. */
  collect(account: Account): RioCompletion[] {
    this.#account = account;
    const some = this.socket.completions.dequeue();
    for (const completion of some) account.count(completion);
    return some;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { socket } = this;
    // A buffer that ended before has had what completed kept for its queue.
    if (this.#account) this.collect(this.#account);
    socket.close();
    while (socket.outstanding > 0) {
      if (this.#account) this.collect(this.#account);
      await turn();
    }
    try {
      this.conn.close();
    } catch (error) {
      // The scenario has closed it already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
