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
  type Request,
  type Socket,
  streamByte,
  writeDatagram,
} from "./parts.ts";
import type { Random } from "./random.ts";
import type { ModelSystem } from "./system.ts";
import {
  assertErrno,
  BROKEN,
  World,
  WSAENOBUFS,
  WSAETOOMANYREFS,
} from "./world.ts";
import { Workers } from "./workers.ts";

/** The garbage collector, where the program was started to show it. */
const collect = (globalThis as { gc?: () => void }).gc;

/** What a model may do beside its own session. */
export interface ModelOptions {
  /** The system that its workers use; by default it starts none. */
  system?: ModelSystem;
  /**
   * Tells its datagrams from those of other threads.
   *
   * @default {0}
   */
  owner?: number;
}

/** Uses one session at random. */
export class Model extends World {
  /** Steps made so far. */
  steps = 0;
  readonly #workers: Workers | undefined;
  /** Sockets of other threads. */
  #strangers: readonly Deno.NetAddr[] = [];

  constructor(session: RioSession, random: Random, options: ModelOptions = {}) {
    const { system, owner = 0 } = options;
    super(session, random, owner);
    if (system !== undefined) this.#workers = new Workers(this, system);
  }

  /** Learns where another thread receives. */
  meet(addresses: readonly Deno.NetAddr[]): void {
    this.#strangers = addresses;
  }

  /** Makes so many steps, then disposes of everything in some order. */
  async run(steps: number, each?: () => void): Promise<void> {
    this.openBuffer();
    this.openQueue();
    await this.openUdp();
    if (this.random.oneIn(3)) await this.openPair();
    while (this.steps < steps) {
      this.steps++;
      await this.#step();
      each?.();
      if (this.steps % 8 === 0) this.compare();
    }
    this.compare();
    await this.#workers?.endAll();
    await this.end();
  }

  /** Ends everything after a difference was seen. */
  async giveUp(): Promise<void> {
    await this.#workers?.giveUp();
    await this.session.close();
  }

  #step(): void | Promise<void> {
    const chance = this.random.below(1000);
    if (chance < 280) return this.#receive();
    if (chance < 560) return this.#send();
    if (chance < 860) return this.#dequeue();
    if (chance < 890) return this.#commit();
    if (chance < 905) return this.openBuffer();
    if (chance < 915) return this.openQueue();
    if (chance < 935) return this.openUdp();
    if (chance < 937) return this.openPair();
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
    if (chance < 999) return this.#useClosed();
    return this.#workers?.startOrEnd();
  }

  #receive(): void {
    const socket = this.random.pick(this.openSockets());
    const data = this.take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const remote = this.random.oneIn(4) ? this.take() : undefined;
    if (remote) {
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
    }
    if (this.random.oneIn(6)) options.defer = true;
    if (this.random.oneIn(12)) options.dontNotify = true;
    const size = this.random.oneIn(8) ? 4 + this.random.below(20) : PLACE;
    this.#post(socket, false, places, size, options);
  }

  #send(): void {
    const socket = this.random.pick(this.openSockets());
    const data = this.take();
    if (socket === undefined || data === undefined) return;
    const places = [data];
    const options: RioReceiveOptions = {};
    const size = 4 + this.random.below(PLACE - 3);
    const bytes = data.buffer.real.bytes.subarray(data.index * PLACE).subarray(
      0,
      size,
    );
    if (socket.isStream) {
      for (let i = 0; i < size; i++) bytes[i] = streamByte(socket.sent + i);
    } else {
      const target = this.random.pick(this.#targets());
      const remote = this.take();
      if (remote === undefined || target === undefined) {
        return this.free(places);
      }
      places.push(remote);
      options.remote = remote.buffer.real.slice(remote.index * PLACE, 28);
      socket.real.writeAddress(options.remote, target);
      writeDatagram(bytes, this.nextId);
    }
    if (this.random.oneIn(6)) options.defer = true;
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
    const id = this.nextId++;
    const post = () =>
      isSend
        ? socket.real.send(slice, { ...options, context: id })
        : socket.real.receive(slice, { ...options, context: id });
    if (socket.queue.closed) {
      assertThrows(post, RioClosedError);
      return this.free(places);
    }
    const outstanding = isSend
      ? socket.outstandingSends
      : socket.outstandingReceives;
    const limit = isSend ? socket.sends : socket.receives;
    try {
      post();
    } catch (error) {
      this.free(places);
      assert(error instanceof RioError, `${error}`);
      if (error.errno === WSAENOBUFS) {
        assert(outstanding >= limit, `${error.message}, the model has fewer`);
      } else {
        assert(socket.isStream && BROKEN.includes(error.errno), error.message);
      }
      return;
    }
    if (this.exact) assert(outstanding < limit, "accepted beyond the limit");
    this.posted++;
    this.did(isSend ? "send" : "receive");
    if (options.defer) this.did("defer");
    const request: Request = {
      id,
      socket,
      isSend,
      slice,
      remote: options.remote ?? null,
      places,
    };
    this.requests.set(id, request);
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
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    try {
      socket.real.commit(
        this.random.pick([undefined, "send", "receive"] as const),
      );
      this.did("commit");
    } catch (error) {
      assert(error instanceof RioError && socket.isStream, `${error}`);
    }
  }

  #dequeue(): void {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined) return;
    if (this.random.oneIn(4)) {
      queue.real.walk((completion) => this.#complete(completion, queue));
      return this.did("walk");
    }
    const max = 1 + this.random.below(64);
    const completions = queue.real.dequeue(max);
    assert(completions.length <= max);
    for (const completion of completions) this.#complete(completion, queue);
    this.did("dequeue");
  }

  #complete(completion: RioCompletion, queue: Queue): void {
    const { context, kind, bytesTransferred } = completion;
    const request = this.requests.get(context);
    assert(request, `request ${context} completed twice or was never posted`);
    this.requests.delete(context);
    const { socket, isSend, slice, remote } = request;
    assertEquals(socket.queue, queue, "completed on another queue");
    assertEquals(kind, isSend ? "send" : "receive");
    assert(completion.slice === slice && completion.remote === remote);
    assert(completion.socket === socket.real);
    assert(bytesTransferred <= slice.length);
    this.free(request.places);
    for (const place of request.places) place.buffer.uses--;
    if (isSend) socket.outstandingSends--;
    else socket.outstandingReceives--;
    if (socket.isStream) this.completeStream(request, completion);
    else this.completeDatagram(request, completion);
  }

  async #resizeQueue(): Promise<void> {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined) return;
    const capacity = 1 + this.random.below(96);
    const resize = () => {
      queue.real.resize(capacity);
      queue.capacity = capacity;
      this.did("resize a queue");
    };
    if (capacity < queue.real.reserved) this.withoutRoom(queue, resize);
    else await this.withRoom(queue, resize);
    assertEquals(queue.real.capacity, queue.capacity);
  }

  async #resizeSocket(): Promise<void> {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    const { queue, real } = socket;
    if (queue.closed) return;
    const [receives, sends] = this.limits();
    const resize = () => {
      real.resize({ receives, sends });
      Object.assign(socket, { receives, sends });
      this.did("resize a socket");
    };
    const more = receives + sends - socket.receives - socket.sends;
    if (
      receives < real.outstandingReceives || sends < real.outstandingSends
    ) assertErrno(resize, WSAETOOMANYREFS);
    else if (queue.real.reserved + more > queue.capacity) {
      this.withoutRoom(queue, resize);
    } else await this.withRoom(queue, resize);
    assertEquals([real.receives, real.sends], [socket.receives, socket.sends]);
  }

  #closeSocket(): void {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    this.did(socket.real.outstanding > 0 ? "abort" : "close a socket");
    socket.real.close();
    socket.real.close();
    socket.closed = true;
  }

  #disposeSocket(): void {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    socket.closed = true;
    this.exact = false;
    socket.real[Symbol.dispose]();
    // A busy Windows may take longer than a dispose waits.
    if (Deno.build.os !== "windows") assertEquals(socket.real.outstanding, 0);
    this.did("dispose a socket");
  }

  #deregister(): void {
    const buffer = this.random.pick(this.buffers);
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
    this.did("deregister");
  }

  #disposeBuffer(): void {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    this.exact = false;
    buffer.real[Symbol.dispose]();
    buffer.real[Symbol.dispose]();
    this.#dropBuffer(buffer);
    this.did("dispose a buffer");
  }

  /** Leaves a buffer to the garbage collector. */
  async #forgetBuffer(): Promise<void> {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    this.exact = false;
    this.buffers.splice(this.buffers.indexOf(buffer), 1);
    this.did("drop a buffer");
    if (collect === undefined || !this.random.oneIn(4)) return;
    collect();
    this.did("collect");
    await new Promise((resolve) => setImmediate(resolve));
  }

  #dropBuffer(buffer: Buffer): void {
    buffer.closed = true;
    assert(buffer.real.closed);
    assertThrows(() => buffer.real.slice(), RioClosedError);
    // A view that was kept reads what is there, and crashes nothing.
    assertEquals(buffer.real.bytes.length, PLACE * PLACES);
    this.buffers.splice(this.buffers.indexOf(buffer), 1);
  }

  #closeQueue(): void {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined) return;
    queue.closed = true;
    this.exact = false;
    queue.real.close();
    assertThrows(() => queue.real.dequeue(), RioClosedError);
    // Nobody is told of these any more.
    for (const [id, request] of this.requests) {
      if (request.socket.queue === queue) this.requests.delete(id);
    }
    this.did("close a queue");
  }

  async #notify(): Promise<void> {
    const queue = this.random.pick(this.openQueues());
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
    this.did("notify");
    if (this.random.oneIn(4)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #slice(): void {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    const size = buffer.real.byteLength;
    const offset = this.random.below(size + 8);
    const length = this.random.below(size + 8);
    const slice = () => buffer.real.slice(offset, length);
    if (offset + length > size) assertThrows(slice, RangeError);
    else {
      assertEquals(slice().bytes.length, length);
      this.did("slice");
    }
  }

  #useClosed(): void {
    const socket = this.sockets.find(({ closed }) => closed);
    const buffer = this.buffers.at(0);
    if (socket === undefined || buffer === undefined) return;
    const slice = buffer.real.slice(0, 4);
    assertThrows(() => socket.real.receive(slice), RioClosedError);
    assertThrows(() => socket.real.send(slice), RioClosedError);
    assertThrows(() => socket.real.commit(), RioClosedError);
    assertThrows(() => socket.real.resize({ sends: 1 }), RioClosedError);
    this.did("use what was closed");
  }

  /** Where a datagram may go. */
  #targets(): Deno.NetAddr[] {
    const own = this.sockets.filter(({ isStream }) => !isStream);
    return [...own.map(({ real }) => real.address), ...this.#strangers];
  }
}
