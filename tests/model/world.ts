/**
 * What the model knows of a session, and how it compares.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  RioClosedError,
  type RioCompletion,
  RioError,
  type RioSession,
} from "../../mod.ts";
import {
  type Buffer,
  PLACE,
  type Place,
  PLACES,
  type Queue,
  readDatagram,
  type Request,
  type Socket,
  streamByte,
} from "./parts.ts";
import type { Random } from "./random.ts";

const WSA_OPERATION_ABORTED = 995;
const WSAEMSGSIZE = 10040;
const WSAECONNABORTED = 10053;
const WSAECONNRESET = 10054;
const WSAESHUTDOWN = 10058;
/** More is in use than there would be. */
export const WSAETOOMANYREFS = 10059;
/** A queue has no room. */
export const WSAENOBUFS = 10055;
/** How requests on a connection end whose other end is gone. */
export const BROKEN: readonly number[] = [
  WSAECONNABORTED,
  WSAECONNRESET,
  WSAESHUTDOWN,
];

/** What the model does. */
export const VERBS = [
  "register",
  "slice",
  "open a queue",
  "open a socket",
  "open a connection",
  "receive",
  "send",
  "defer",
  "commit",
  "notify",
  "dequeue",
  "walk",
  "resize a queue",
  "resize a socket",
  "close a socket",
  "abort",
  "dispose a socket",
  "close a queue",
  "deregister",
  "dispose a buffer",
  "use what was closed",
  "drop a buffer",
  "collect",
  "start a worker",
  "finish a worker",
  "terminate a worker",
  "dispose in any order",
] as const;

/** Something that the model does. */
export type Verb = (typeof VERBS)[number];

/** Bits of the number of a datagram that tell which thread has sent it. */
const OWNER_SHIFT = 24;
/** How long room that closed sockets had is waited for, in milliseconds. */
const ROOM_MS = 500;

/** A session, and what the model knows of it. */
export class World {
  /** How often each verb was used. */
  readonly verbs: Map<Verb, number> = new Map();
  protected readonly session: RioSession;
  readonly random: Random;
  protected readonly buffers: Buffer[] = [];
  protected readonly queues: Queue[] = [];
  protected readonly sockets: Socket[] = [];
  protected readonly requests: Map<unknown, Request> = new Map();
  readonly #datagrams = new Set<number>();
  protected posted = 0;
  protected nextId: number;
  readonly #owner: number;
  /** Nothing was settled that the model did not see. */
  protected exact = true;

  constructor(session: RioSession, random: Random, owner: number) {
    this.session = session;
    this.random = random;
    this.#owner = owner;
    this.nextId = owner * 2 ** OWNER_SHIFT + 1;
  }

  /** Where the UDP sockets that are open receive. */
  addresses(): Deno.NetAddr[] {
    return this.openSockets()
      .filter(({ isStream }) => !isStream)
      .map(({ real }) => real.address);
  }

  /** Remembers that something was done. */
  did(verb: Verb): void {
    this.verbs.set(verb, (this.verbs.get(verb) ?? 0) + 1);
  }

  /**
   * Does what needs room in a queue, which a real system gives back with a
   * delay when sockets were closed.
   */
  protected async withRoom<T>(queue: Queue, act: () => T): Promise<T> {
    const end = performance.now() + ROOM_MS;
    for (;;) {
      try {
        return act();
      } catch (error) {
        const late = isRoomError(error) && this.hasClosed(queue);
        if (!late || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  protected openBuffer(): void {
    if (this.buffers.length >= 6) return;
    // The memory of a worker that is terminated is freed and used again, with
    // requests in flight or not, if the worker made it itself.
    const isOwn = this.random.oneIn(3) && this.#owner === 0;
    const real = isOwn
      ? this.session.registerBuffer(new Uint8Array(PLACE * PLACES))
      : this.session.registerBuffer(PLACE * PLACES);
    assertEquals(real.byteLength, PLACE * PLACES);
    const used = new Array<boolean>(PLACES).fill(false);
    this.buffers.push({ real, used, uses: 0, closed: false });
    this.did("register");
  }

  protected openQueue(): void {
    if (this.queues.filter((queue) => !queue.closed).length >= 4) return;
    const capacity = 8 + this.random.below(64);
    const notification = this.random.pick(["iocp", "event", "none"] as const)!;
    const real = this.session.createCompletionQueue({
      capacity,
      notification,
    });
    this.queues.push({ real, capacity, closed: false, waiting: null });
    this.did("open a queue");
  }

  protected async openUdp(): Promise<void> {
    const queue = this.random.pick(this.queues);
    if (queue === undefined || this.openSockets().length >= 8) return;
    const [receives, sends] = this.limits();
    const open = () =>
      this.session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue.real,
        receives,
        sends,
      });
    if (queue.closed) return void assertThrows(open, RioClosedError);
    const needed = queue.real.reserved + receives + sends;
    const real = needed > queue.capacity
      ? this.withoutRoom(queue, open)
      : await this.withRoom(queue, open);
    if (real === undefined) return;
    this.add(real, queue, receives, sends);
    this.did("open a socket");
  }

  protected async openPair(): Promise<void> {
    // An accept that waits for room would keep its connection waiting.
    const queue = this.openQueues().find((one) => !this.hasClosed(one));
    if (queue === undefined || this.openSockets().length >= 8) return;
    const [receives, sends] = [4, 4];
    if (queue.real.reserved + 16 > queue.capacity) return;
    using listener = this.session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const options = { receives, sends, completions: queue.real };
    const accepted = listener.accept(options);
    const real = this.session.openSocket({ transport: "tcp", ...options });
    await real.connect(listener.address);
    const client = this.add(real, queue, receives, sends);
    const server = this.add(await accepted, queue, receives, sends);
    client.peer = server;
    server.peer = client;
    this.did("open a connection");
  }

  protected add(
    real: Socket["real"],
    queue: Queue,
    receives: number,
    sends: number,
  ): Socket {
    const socket: Socket = {
      real,
      queue,
      isStream: real.transport === "tcp",
      receives,
      sends,
      outstandingReceives: 0,
      outstandingSends: 0,
      closed: false,
      peer: null,
      sent: 0,
      received: 0,
      order: [],
    };
    this.sockets.push(socket);
    return socket;
  }

  /**
   * Does what there is no room for: it fails, unless a system has given back
   * already what a closed socket has not used.
   */
  protected withoutRoom<T>(queue: Queue, act: () => T): T | undefined {
    try {
      const done = act();
      assert(this.hasClosed(queue), "there was no room for it");
      return done;
    } catch (error) {
      if (!isRoomError(error)) throw error;
      return undefined;
    }
  }

  /** What the session says of itself is what the model has counted. */
  protected compare(): void {
    const stats = this.session.stats();
    assertEquals(stats.posted, this.posted);
    assert(stats.outstanding <= this.posted && stats.outstanding >= 0);
    assertEquals(stats.registered - stats.deregistered, stats.buffers);
    assert(stats.buffers >= this.buffers.length);
    for (const buffer of this.buffers) {
      const { inFlight } = buffer.real;
      assert(inFlight >= 0);
      if (this.exact) assertEquals(inFlight, buffer.uses);
      else assert(inFlight <= buffer.uses);
    }
    if (this.exact) {
      assertEquals(stats.outstanding, this.requests.size);
      assertEquals(stats.buffers, this.buffers.length);
    }
    for (
      const { real, outstandingReceives, outstandingSends } of this.sockets
    ) {
      if (!this.exact) continue;
      assertEquals(real.outstandingReceives, outstandingReceives);
      assertEquals(real.outstandingSends, outstandingSends);
    }
    for (const queue of this.openQueues()) {
      const reserved = this.sockets
        .filter((one) => one.queue === queue && isAlive(one))
        .reduce((sum, one) => sum + one.receives + one.sends, 0);
      assertEquals(queue.real.reserved, reserved);
    }
  }

  /** Disposes of some things in some order, and of the session in any case. */
  protected async end(): Promise<void> {
    const disposables: Disposable[] = [
      ...this.buffers.map(({ real }) => real),
      ...this.queues.map(({ real }) => real),
      ...this.sockets.map(({ real }) => real),
    ];
    const chosen = this.random.shuffle(disposables);
    if (this.random.oneIn(2)) {
      chosen.length = this.random.below(chosen.length);
    }
    for (const one of chosen) one[Symbol.dispose]();
    if (this.random.oneIn(2)) this.session[Symbol.dispose]();
    this.did("dispose in any order");
    await this.session.close();
    for (const queue of this.queues) await queue.waiting;
    const stats = this.session.stats();
    assertEquals(
      {
        buffers: stats.buffers,
        queues: stats.completionQueues,
        sockets: stats.sockets,
        outstanding: stats.outstanding,
        abandoned: stats.abandoned,
        registered: stats.registered - stats.deregistered,
      },
      {
        buffers: 0,
        queues: 0,
        sockets: 0,
        outstanding: 0,
        abandoned: 0,
        registered: 0,
      },
    );
    for (const { real } of this.buffers) assert(real.closed);
  }

  protected limits(): [receives: number, sends: number] {
    return [1 + this.random.below(8), 1 + this.random.below(8)];
  }

  protected openQueues(): Queue[] {
    return this.queues.filter(({ closed }) => !closed);
  }

  protected openSockets(): Socket[] {
    return this.sockets.filter(({ closed }) => !closed);
  }

  /** Whether closed sockets may have entries of a queue that are coming back. */
  protected hasClosed(queue: Queue): boolean {
    return this.sockets.some((one) => one.queue === queue && one.closed);
  }

  protected take(): Place | undefined {
    const buffer = this.random.pick(this.buffers);
    const index = buffer?.used.indexOf(false) ?? -1;
    if (buffer === undefined || index < 0) return undefined;
    buffer.used[index] = true;
    return { buffer, index };
  }

  protected free(places: readonly Place[]): void {
    for (const { buffer, index } of places) buffer.used[index] = false;
  }

  protected completeDatagram(
    request: Request,
    completion: RioCompletion,
  ): void {
    const { status, bytesTransferred, slice } = completion;
    if (status === WSA_OPERATION_ABORTED) {
      assert(request.socket.closed, "aborted on an open socket");
      return;
    }
    assert(status === 0 || status === WSAEMSGSIZE, `status ${status}`);
    if (request.isSend) {
      assertEquals(bytesTransferred, slice!.length);
      return;
    }
    const id = readDatagram(slice!.bytes.subarray(0, bytesTransferred));
    assert(id > 0, "a datagram holds bytes of another one");
    assert(!this.#datagrams.has(id), `datagram ${id} arrived twice`);
    this.#datagrams.add(id);
    const isOwn = id >>> OWNER_SHIFT === this.#owner;
    if (request.remote && isOwn) {
      const { port } = request.socket.real.readAddress(request.remote);
      assert(this.sockets.some(({ real }) => real.address.port === port));
    }
  }

  protected completeStream(request: Request, completion: RioCompletion): void {
    const { status, bytesTransferred, slice } = completion;
    const { socket } = request;
    if (!request.isSend) {
      assertEquals(socket.order.shift(), request, "receives out of order");
    }
    if (status !== 0) {
      const expected = socket.closed
        ? [WSA_OPERATION_ABORTED, ...BROKEN]
        : BROKEN;
      assert(expected.includes(status), `status ${status} of a connection`);
      return;
    }
    if (request.isSend) {
      assertEquals(bytesTransferred, slice!.length);
      return;
    }
    if (bytesTransferred === 0) assert(socket.peer!.closed, "an early end");
    for (let i = 0; i < bytesTransferred; i++) {
      const expected = streamByte(socket.received + i);
      if (slice!.bytes[i] !== expected) assertEquals(slice!.bytes[i], expected);
    }
    socket.received += bytesTransferred;
  }
}

/** Whether something failed because a queue has no room. */
function isRoomError(error: unknown): boolean {
  return error instanceof RioError &&
    [WSAENOBUFS, WSAETOOMANYREFS].includes(error.errno);
}

/** Whether a socket still has entries of its queues. */
function isAlive(socket: Socket): boolean {
  return !socket.closed || socket.real.outstanding > 0;
}

/** Calls what must fail with a number. */
export function assertErrno(call: () => unknown, errno: number): void {
  const error = assertThrows(call, RioError);
  assertEquals(error.errno, errno, error.message);
}
