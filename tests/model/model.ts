/**
 * A model of the contract that uses a session at random and compares.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  RioBufferInUseError,
  RioClosedError,
  type RioCompletion,
  RioError,
  type RioReceiveOptions,
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
  writeDatagram,
} from "./parts.ts";
import type { Random } from "./random.ts";

const WSA_OPERATION_ABORTED = 995;
const WSAEMSGSIZE = 10040;
const WSAECONNABORTED = 10053;
const WSAECONNRESET = 10054;
const WSAENOBUFS = 10055;
const WSAESHUTDOWN = 10058;
const WSAETOOMANYREFS = 10059;
/** How requests on a connection end whose other end is gone. */
const BROKEN = [WSAECONNABORTED, WSAECONNRESET, WSAESHUTDOWN];

/** The garbage collector, where the program was started to show it. */
const collect = (globalThis as { gc?: () => void }).gc;

/** Uses one session at random. */
export class Model {
  readonly #session: RioSession;
  readonly #random: Random;
  readonly #buffers: Buffer[] = [];
  readonly #queues: Queue[] = [];
  readonly #sockets: Socket[] = [];
  readonly #requests = new Map<unknown, Request>();
  readonly #datagrams = new Set<number>();
  #posted = 0;
  #nextId = 1;
  /** Nothing was settled that the model did not see. */
  #exact = true;
  /** Steps made so far. */
  steps = 0;

  constructor(session: RioSession, random: Random) {
    this.#session = session;
    this.#random = random;
  }

  /** Makes so many steps, then disposes of everything in some order. */
  async run(steps: number): Promise<void> {
    this.#openBuffer();
    this.#openQueue();
    this.#openUdp();
    if (this.#random.oneIn(3)) await this.#openPair();
    while (this.steps < steps) {
      this.steps++;
      await this.#step();
      if (this.steps % 8 === 0) this.#compare();
    }
    this.#compare();
    await this.#end();
  }

  #step(): void | Promise<void> {
    const chance = this.#random.below(1000);
    if (chance < 280) return this.#receive();
    if (chance < 560) return this.#send();
    if (chance < 860) return this.#dequeue();
    if (chance < 890) return this.#commit();
    if (chance < 905) return this.#openBuffer();
    if (chance < 915) return this.#openQueue();
    if (chance < 935) return this.#openUdp();
    if (chance < 937) return this.#openPair();
    if (chance < 950) return this.#resizeQueue();
    if (chance < 963) return this.#resizeSocket();
    if (chance < 973) return this.#closeSocket();
    if (chance < 978) return this.#deregister();
    if (chance < 981) return this.#disposeBuffer();
    if (chance < 984) return this.#disposeSocket();
    if (chance < 987) return this.#closeQueue();
    if (chance < 991) return this.#notify();
    if (chance < 994) return this.#slice();
    if (chance < 995) return this.#forgetBuffer();
    return this.#useClosed();
  }

  #openBuffer(): void {
    if (this.#buffers.length >= 6) return;
    const real = this.#random.oneIn(3)
      ? this.#session.registerBuffer(new Uint8Array(PLACE * PLACES))
      : this.#session.registerBuffer(PLACE * PLACES);
    assertEquals(real.byteLength, PLACE * PLACES);
    const used = new Array<boolean>(PLACES).fill(false);
    this.#buffers.push({ real, used, uses: 0, closed: false });
  }

  #openQueue(): void {
    if (this.#queues.filter((queue) => !queue.closed).length >= 4) return;
    const capacity = 8 + this.#random.below(64);
    const notification = this.#random.pick(["iocp", "event", "none"] as const)!;
    const real = this.#session.createCompletionQueue({
      capacity,
      notification,
    });
    this.#queues.push({ real, capacity, closed: false, waiting: null });
  }

  #openUdp(): void {
    const queue = this.#random.pick(this.#queues);
    if (queue === undefined || this.#openSockets().length >= 8) return;
    const [receives, sends] = this.#limits();
    const open = () =>
      this.#session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue.real,
        receives,
        sends,
      });
    if (queue.closed) return void assertThrows(open, RioClosedError);
    // A real system gives entries of closed sockets back with a delay.
    if (this.#hasClosed(queue)) return;
    if (queue.real.reserved + receives + sends > queue.capacity) {
      return assertErrno(open, WSAENOBUFS);
    }
    this.#add(open(), queue, receives, sends);
  }

  async #openPair(): Promise<void> {
    const queue = this.#openQueues().at(0);
    if (queue === undefined || this.#openSockets().length >= 8) return;
    const [receives, sends] = [4, 4];
    if (queue.real.reserved + 16 > queue.capacity) return;
    if (this.#hasClosed(queue)) return;
    using listener = this.#session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const options = { receives, sends, completions: queue.real };
    const accepted = listener.accept(options);
    const real = this.#session.openSocket({ transport: "tcp", ...options });
    await real.connect(listener.address);
    const client = this.#add(real, queue, receives, sends);
    const server = this.#add(await accepted, queue, receives, sends);
    client.peer = server;
    server.peer = client;
  }

  #add(
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
    this.#sockets.push(socket);
    return socket;
  }

  #receive(): void {
    const socket = this.#random.pick(this.#openSockets());
    const data = this.#take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const remote = this.#random.oneIn(4) ? this.#take() : undefined;
    if (remote) {
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
    }
    if (this.#random.oneIn(6)) options.defer = true;
    if (this.#random.oneIn(12)) options.dontNotify = true;
    const size = this.#random.oneIn(8) ? 4 + this.#random.below(20) : PLACE;
    this.#post(socket, false, places, size, options);
  }

  #send(): void {
    const socket = this.#random.pick(this.#openSockets());
    const data = this.#take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const size = 4 + this.#random.below(PLACE - 3);
    const bytes = data.buffer.real.bytes.subarray(data.index * PLACE).subarray(
      0,
      size,
    );
    if (socket.isStream) {
      for (let i = 0; i < size; i++) bytes[i] = streamByte(socket.sent + i);
    } else {
      const target = this.#random.pick(
        this.#sockets.filter((other) => !other.isStream),
      );
      const remote = this.#take();
      if (remote === undefined || target === undefined) {
        return this.#free(places);
      }
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
      socket.real.writeAddress(options.remote, target.real.address);
      writeDatagram(bytes, this.#nextId);
    }
    if (this.#random.oneIn(6)) options.defer = true;
    this.#post(socket, true, places, size, options);
  }

  #post(
    socket: Socket,
    isSend: boolean,
    places: readonly Place[],
    size: number,
    options: RioReceiveOptions,
  ): void {
    const { buffer, index } = places[0]!;
    const slice = buffer.real.slice(index * PLACE, size);
    const id = this.#nextId++;
    const post = () =>
      isSend
        ? socket.real.send(slice, { ...options, context: id })
        : socket.real.receive(slice, { ...options, context: id });
    if (socket.queue.closed) {
      assertThrows(post, RioClosedError);
      return this.#free(places);
    }
    const outstanding = isSend
      ? socket.outstandingSends
      : socket.outstandingReceives;
    const limit = isSend ? socket.sends : socket.receives;
    try {
      post();
    } catch (error) {
      this.#free(places);
      assert(error instanceof RioError, `${error}`);
      if (error.errno === WSAENOBUFS) {
        assert(outstanding >= limit, `${error.message}, the model has fewer`);
      } else {
        assert(socket.isStream && BROKEN.includes(error.errno), error.message);
      }
      return;
    }
    if (this.#exact) assert(outstanding < limit, "accepted beyond the limit");
    this.#posted++;
    const request: Request = {
      id,
      socket,
      isSend,
      slice,
      remote: options.remote ?? null,
      places,
    };
    this.#requests.set(id, request);
    for (const place of places) place.buffer.uses++;
    if (isSend) {
      socket.outstandingSends++;
      socket.sent += size;
    } else {
      socket.outstandingReceives++;
      if (socket.isStream) socket.order.push(request);
    }
  }

  #commit(): void {
    const socket = this.#random.pick(this.#openSockets());
    if (socket === undefined) return;
    try {
      socket.real.commit(
        this.#random.pick([undefined, "send", "receive"] as const),
      );
    } catch (error) {
      assert(error instanceof RioError && socket.isStream, `${error}`);
    }
  }

  #dequeue(): void {
    const queue = this.#random.pick(this.#openQueues());
    if (queue === undefined) return;
    if (this.#random.oneIn(4)) {
      queue.real.walk((completion) => this.#complete(completion, queue));
      return;
    }
    const max = 1 + this.#random.below(64);
    const completions = queue.real.dequeue(max);
    assert(completions.length <= max);
    for (const completion of completions) this.#complete(completion, queue);
  }

  #complete(completion: RioCompletion, queue: Queue): void {
    const { context, kind, bytesTransferred } = completion;
    const request = this.#requests.get(context);
    assert(request, `request ${context} completed twice or was never posted`);
    this.#requests.delete(context);
    const { socket, isSend, slice, remote } = request;
    assertEquals(socket.queue, queue, "completed on another queue");
    assertEquals(kind, isSend ? "send" : "receive");
    assert(completion.slice === slice && completion.remote === remote);
    assert(completion.socket === socket.real);
    assert(bytesTransferred <= slice.length);
    this.#free(request.places);
    for (const place of request.places) place.buffer.uses--;
    if (isSend) socket.outstandingSends--;
    else socket.outstandingReceives--;
    if (socket.isStream) this.#completeStream(request, completion);
    else this.#completeDatagram(request, completion);
  }

  #completeDatagram(request: Request, completion: RioCompletion): void {
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
    if (request.remote) {
      const { port } = request.socket.real.readAddress(request.remote);
      assert(this.#sockets.some(({ real }) => real.address.port === port));
    }
  }

  #completeStream(request: Request, completion: RioCompletion): void {
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

  #resizeQueue(): void {
    const queue = this.#random.pick(this.#openQueues());
    if (queue === undefined || this.#hasClosed(queue)) return;
    const capacity = 1 + this.#random.below(96);
    const resize = () => queue.real.resize(capacity);
    if (capacity < queue.real.reserved) assertErrno(resize, WSAETOOMANYREFS);
    else {
      resize();
      queue.capacity = capacity;
    }
    assertEquals(queue.real.capacity, queue.capacity);
  }

  #resizeSocket(): void {
    const socket = this.#random.pick(this.#openSockets());
    if (socket === undefined) return;
    const { queue, real } = socket;
    if (queue.closed || this.#hasClosed(queue)) return;
    const [receives, sends] = this.#limits();
    const resize = () => real.resize({ receives, sends });
    const more = receives + sends - socket.receives - socket.sends;
    if (
      receives < real.outstandingReceives || sends < real.outstandingSends
    ) assertErrno(resize, WSAETOOMANYREFS);
    else if (queue.real.reserved + more > queue.capacity) {
      assertErrno(resize, WSAENOBUFS);
    } else {
      resize();
      Object.assign(socket, { receives, sends });
    }
    assertEquals([real.receives, real.sends], [socket.receives, socket.sends]);
  }

  #closeSocket(): void {
    const socket = this.#random.pick(this.#openSockets());
    if (socket === undefined) return;
    socket.real.close();
    socket.real.close();
    socket.closed = true;
  }

  #disposeSocket(): void {
    const socket = this.#random.pick(this.#openSockets());
    if (socket === undefined) return;
    socket.closed = true;
    this.#exact = false;
    socket.real[Symbol.dispose]();
    assertEquals(socket.real.outstanding, 0);
  }

  #deregister(): void {
    const buffer = this.#random.pick(this.#buffers);
    if (buffer === undefined) return;
    const { inFlight } = buffer.real;
    if (inFlight > 0) {
      const error = assertThrows(
        () => buffer.real.deregister(),
        RioBufferInUseError,
      );
      assertEquals(error.inFlight, inFlight);
      return;
    }
    buffer.real.deregister();
    this.#dropBuffer(buffer);
  }

  #disposeBuffer(): void {
    const buffer = this.#random.pick(this.#buffers);
    if (buffer === undefined) return;
    this.#exact = false;
    buffer.real[Symbol.dispose]();
    buffer.real[Symbol.dispose]();
    this.#dropBuffer(buffer);
  }

  /** Leaves a buffer to the garbage collector. */
  async #forgetBuffer(): Promise<void> {
    const buffer = this.#random.pick(this.#buffers);
    if (buffer === undefined) return;
    this.#exact = false;
    this.#buffers.splice(this.#buffers.indexOf(buffer), 1);
    if (collect === undefined || !this.#random.oneIn(4)) return;
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #dropBuffer(buffer: Buffer): void {
    buffer.closed = true;
    assert(buffer.real.closed);
    assertThrows(() => buffer.real.slice(), RioClosedError);
    // A view that was kept reads what is there, and crashes nothing.
    assertEquals(buffer.real.bytes.length, PLACE * PLACES);
    this.#buffers.splice(this.#buffers.indexOf(buffer), 1);
  }

  #closeQueue(): void {
    const queue = this.#random.pick(this.#openQueues());
    if (queue === undefined) return;
    queue.closed = true;
    this.#exact = false;
    queue.real.close();
    assertThrows(() => queue.real.dequeue(), RioClosedError);
    // Nobody is told of these any more.
    for (const [id, request] of this.#requests) {
      if (request.socket.queue === queue) this.#requests.delete(id);
    }
  }

  async #notify(): Promise<void> {
    const queue = this.#random.pick(this.#openQueues());
    if (queue === undefined || queue.real.notification === "none") return;
    if (queue.waiting) {
      // Refused, unless the first wait has just ended.
      const again = queue.real.notify().catch((error) => {
        assert(error instanceof RioError, `${error}`);
        assertEquals(error.code, "WSAEALREADY");
      });
      queue.waiting = Promise.all([queue.waiting, again]).then(() => {
        queue.waiting = null;
      });
      return;
    }
    queue.waiting = queue.real.notify().then(() => {
      queue.waiting = null;
    });
    if (this.#random.oneIn(4)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #slice(): void {
    const buffer = this.#random.pick(this.#buffers);
    if (buffer === undefined) return;
    const size = buffer.real.byteLength;
    const offset = this.#random.below(size + 8);
    const length = this.#random.below(size + 8);
    const slice = () => buffer.real.slice(offset, length);
    if (offset + length > size) assertThrows(slice, RangeError);
    else assertEquals(slice().bytes.length, length);
  }

  #useClosed(): void {
    const socket = this.#sockets.find(({ closed }) => closed);
    const buffer = this.#buffers.at(0);
    if (socket === undefined || buffer === undefined) return;
    const slice = buffer.real.slice(0, 4);
    assertThrows(() => socket.real.receive(slice), RioClosedError);
    assertThrows(() => socket.real.send(slice), RioClosedError);
    assertThrows(() => socket.real.commit(), RioClosedError);
    assertThrows(() => socket.real.resize({ sends: 1 }), RioClosedError);
  }

  /** What the session says of itself is what the model has counted. */
  #compare(): void {
    const stats = this.#session.stats();
    assertEquals(stats.posted, this.#posted);
    assert(stats.outstanding <= this.#posted && stats.outstanding >= 0);
    assertEquals(stats.registered - stats.deregistered, stats.buffers);
    assert(stats.buffers >= this.#buffers.length);
    for (const buffer of this.#buffers) {
      const { inFlight } = buffer.real;
      assert(inFlight >= 0);
      if (this.#exact) assertEquals(inFlight, buffer.uses);
      else assert(inFlight <= buffer.uses);
    }
    if (this.#exact) {
      assertEquals(stats.outstanding, this.#requests.size);
      assertEquals(stats.buffers, this.#buffers.length);
    }
    for (
      const { real, outstandingReceives, outstandingSends } of this.#sockets
    ) {
      if (!this.#exact) continue;
      assertEquals(real.outstandingReceives, outstandingReceives);
      assertEquals(real.outstandingSends, outstandingSends);
    }
    for (const queue of this.#openQueues()) {
      const reserved = this.#sockets
        .filter((one) => one.queue === queue && isAlive(one))
        .reduce((sum, one) => sum + one.receives + one.sends, 0);
      assertEquals(queue.real.reserved, reserved);
    }
  }

  /** Disposes of some things in some order, and of the session in any case. */
  async #end(): Promise<void> {
    const disposables: Disposable[] = [
      ...this.#buffers.map(({ real }) => real),
      ...this.#queues.map(({ real }) => real),
      ...this.#sockets.map(({ real }) => real),
    ];
    const chosen = this.#random.shuffle(disposables);
    if (this.#random.oneIn(2)) {
      chosen.length = this.#random.below(chosen.length);
    }
    for (const one of chosen) one[Symbol.dispose]();
    if (this.#random.oneIn(2)) this.#session[Symbol.dispose]();
    await this.#session.close();
    for (const queue of this.#queues) await queue.waiting;
    const stats = this.#session.stats();
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
    for (const { real } of this.#buffers) assert(real.closed);
  }

  #limits(): [receives: number, sends: number] {
    return [1 + this.#random.below(8), 1 + this.#random.below(8)];
  }

  #openQueues(): Queue[] {
    return this.#queues.filter(({ closed }) => !closed);
  }

  #openSockets(): Socket[] {
    return this.#sockets.filter(({ closed }) => !closed);
  }

  /** Whether closed sockets may have entries of a queue that are coming back. */
  #hasClosed(queue: Queue): boolean {
    return this.#sockets.some((one) => one.queue === queue && one.closed);
  }

  #take(): Place | undefined {
    const buffer = this.#random.pick(this.#buffers);
    const index = buffer?.used.indexOf(false) ?? -1;
    if (buffer === undefined || index < 0) return undefined;
    buffer.used[index] = true;
    return { buffer, index };
  }

  #free(places: readonly Place[]): void {
    for (const { buffer, index } of places) buffer.used[index] = false;
  }
}

/** Whether a socket still has entries of its queues. */
function isAlive(socket: Socket): boolean {
  return !socket.closed || socket.real.outstanding > 0;
}

function assertErrno(call: () => unknown, errno: number): void {
  const error = assertThrows(call, RioError);
  assertEquals(error.errno, errno, error.message);
}
