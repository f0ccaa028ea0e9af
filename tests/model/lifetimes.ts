/**
 * Lifetimes in the model: it opens, resizes, closes and drops things at random.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { WSAETOOMANYREFS } from "../../ffi/error_numbers.ts";
import { RioBufferInUseError, RioClosedError, RioError } from "../../mod.ts";
import {
  type Buffer,
  PLACE,
  PLACES,
  type Queue,
  type Socket,
} from "./parts.ts";
import { Requests } from "./requests.ts";

import {
  howMany,
  stateOfBuffer,
  stateOfQueue,
  stateOfSocket,
} from "./verbs.ts";

/** The garbage collector, where the program was started to show it. */
const collect = (globalThis as { gc?: () => void }).gc;

/** A session in which things are opened, resized and closed. */
export class Lifetimes extends Requests {
  protected openBuffer(): void {
    if (this.buffers.length >= 6) return;
    this.does("register", howMany(this.buffers));
    // The memory of a worker that is terminated is freed and used again, with
    // requests in flight or not, if the worker made it itself.
    const isOwn = this.random.oneIn(3) && this.owner === 0;
    const real = isOwn
      ? this.session.registerBuffer(new Uint8Array(PLACE * PLACES))
      : this.session.registerBuffer(PLACE * PLACES);
    assertEquals(real.byteLength, PLACE * PLACES);
    const used = new Array<boolean>(PLACES).fill(false);
    this.buffers.push({ real, used, uses: 0, closed: false });
  }

  protected openQueue(): void {
    if (this.queues.filter((queue) => !queue.closed).length >= 4) return;
    this.does("open a queue", howMany(this.openQueues()));
    const capacity = 8 + this.random.below(64);
    const notification = this.random.pick(["iocp", "event", "none"] as const)!;
    const real = this.session.createCompletionQueue({
      capacity,
      notification,
    });
    this.queues.push({ real, capacity, closed: false, waiting: null });
  }

  protected async openUdp(): Promise<void> {
    const queue = this.random.pick(this.queues);
    if (queue === undefined || this.openSockets().length >= 8) return;
    const [receives, sends] = this.#limits();
    const open = () =>
      this.session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: queue.real,
        receives,
        sends,
      });
    if (queue.closed) return void assertThrows(open, RioClosedError);
    this.does("open a socket", stateOfQueue(queue));
    const needed = queue.real.reserved + receives + sends;
    const real = needed > queue.capacity
      ? this.withoutRoom(queue, open)
      : await this.withRoom(queue, open);
    if (real === undefined) return;
    this.#add(real, queue, receives, sends);
  }

  protected async openPair(): Promise<void> {
    // An accept that waits for room would keep its connection waiting.
    const queue = this.openQueues().find((one) => !this.hasClosed(one));
    if (queue === undefined || this.openSockets().length >= 8) return;
    const [receives, sends] = [3, 3];
    if (queue.real.reserved + 12 > queue.capacity) return;
    this.does("open a connection", stateOfQueue(queue));
    using listener = this.session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const options = { receives, sends, completions: queue.real };
    const accepted = listener.accept(options);
    const real = this.session.openSocket({ transport: "tcp", ...options });
    await real.connect(listener.address);
    const client = this.#add(real, queue, receives, sends);
    const server = this.#add(await accepted, queue, receives, sends);
    client.peer = server;
    server.peer = client;
  }

  protected async resizeQueue(): Promise<void> {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined) return;
    this.does("resize a queue", stateOfQueue(queue));
    const { reserved } = queue.real;
    // To all that is reserved, or to anything.
    const capacity = reserved > 0 && this.random.oneIn(3)
      ? reserved
      : 1 + this.random.below(96);
    const resize = () => {
      queue.real.resize(capacity);
      queue.capacity = capacity;
    };
    if (capacity < queue.real.reserved) this.withoutRoom(queue, resize);
    else await this.withRoom(queue, resize);
    assertEquals(queue.real.capacity, queue.capacity);
  }

  protected async resizeSocket(): Promise<void> {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    const { queue, real } = socket;
    if (queue.closed) return;
    const [receives, sends] = this.#limits();
    this.does("resize a socket", stateOfSocket(socket));
    const resize = () => {
      real.resize({ receives, sends });
      Object.assign(socket, { receives, sends });
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

  protected closeSocket(): void {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    this.does("close a socket", stateOfSocket(socket));
    socket.real.close();
    socket.real.close();
    socket.closed = true;
  }

  /** Ends what goes on, as a program does that ends well. */
  protected finish(): void {
    for (const socket of this.openSockets()) {
      socket.real.close();
      socket.closed = true;
    }
    for (const queue of this.openQueues()) this.dequeue(queue);
  }

  protected disposeSocket(): void {
    const socket = this.random.pick(this.openSockets());
    if (socket === undefined) return;
    this.does("dispose a socket", stateOfSocket(socket));
    socket.closed = true;
    this.exact = false;
    socket.real[Symbol.dispose]();
    // A busy Windows may take longer than a dispose waits.
    if (Deno.build.os !== "windows") assertEquals(socket.real.outstanding, 0);
  }

  protected deregister(): void {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    this.does("deregister", stateOfBuffer(buffer));
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

  protected disposeBuffer(): void {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    this.exact = false;
    this.does("dispose a buffer", stateOfBuffer(buffer));
    buffer.real[Symbol.dispose]();
    buffer.real[Symbol.dispose]();
    this.#dropBuffer(buffer);
  }

  /** Leaves a buffer to the garbage collector. */
  protected async forgetBuffer(): Promise<void> {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    this.exact = false;
    this.buffers.splice(this.buffers.indexOf(buffer), 1);
    const state = stateOfBuffer(buffer);
    this.does("drop a buffer", state);
    // It takes longer than anything else here.
    if (state === "in use" && !this.random.oneIn(3)) return;
    if (collect === undefined) return;
    this.does("collect", state);
    collect();
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

  protected closeQueue(): void {
    const queues = this.openQueues();
    const full = queues.filter(({ real }) => real.reserved === real.capacity);
    // Rarely one is.
    const queue = this.random.pick(full.length > 0 ? full : queues);
    if (queue === undefined) return;
    this.does("close a queue", stateOfQueue(queue));
    queue.closed = true;
    this.exact = false;
    queue.real.close();
    assertThrows(() => queue.real.dequeue(), RioClosedError);
    // Nobody is told of these any more.
    for (const [id, request] of this.requests) {
      if (request.socket.queue === queue) this.requests.delete(id);
    }
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
    this.sockets.push(socket);
    return socket;
  }

  #limits(): [receives: number, sends: number] {
    return [1 + this.random.below(8), 1 + this.random.below(8)];
  }
}

/** Calls what must fail with a number. */
function assertErrno(call: () => unknown, errno: number): void {
  const error = assertThrows(call, RioError);
  assertEquals(error.errno, errno, error.message);
}
