/**
 * A backend with a registered block, and everything that an experiment opens
 * on it, released in the one clean order at its end.
 *
 * @module
 */
import {
  AF_INET,
  allocate,
  checkHandle,
  IPPROTO_TCP,
  IPPROTO_UDP,
  openBackend,
  type RioBackend,
  type RioBuf,
  type RioHandle,
  type RioMemory,
  type RioNotificationKind,
  RioResults,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOCKADDR_INET,
} from "../../ffi/mod.ts";
import { writeAddress } from "../../mod.ts";
import { errorOf, outcome, type Setting } from "./experiment.ts";

const BLOCK = 65536;
/** How long it waits for what loopback does at once, in milliseconds. */
export const A_WHILE = 1000;
const KEY = { connect: 1001, accept: 1002 } as const;

/** What native code may still write to: kept for the life of the process. */
const kept: RioMemory[] = [];

/** A socket with its request queue. */
export interface Endpoint {
  readonly socket: RioHandle;
  readonly requestQueue: RioHandle;
  /** Its local address, 28 bytes. */
  readonly address: Uint8Array;
}

/** One completion. */
export interface Completion {
  readonly status: number;
  readonly bytesTransferred: number;
  readonly context: number;
}

/** The tools of one experiment. */
export class Lab implements AsyncDisposable {
  readonly rio: RioBackend;
  readonly memory: RioMemory = allocate(BLOCK);
  readonly bufferId: RioHandle;
  /** Memory that is registered: perhaps nobody else has it. */
  #registered = new Map<RioHandle, RioMemory>();
  #results = new RioResults(64);
  #sockets = new Set<RioHandle>();
  #queues = new Set<RioHandle>();
  #notifications: number[] = [];
  #outstanding = 0;

  /** Opens the backend and registers 64 KiB. */
  constructor({ library }: Setting) {
    this.rio = openBackend(library === undefined ? {} : { library });
    this.bufferId = checkHandle(
      this.register(this.memory),
      "RIORegisterBuffer",
      `register ${BLOCK} bytes`,
    );
  }

  /** Registers memory, or returns minus an error number; keeps the memory. */
  register(memory: RioMemory): RioHandle {
    const id = this.rio.rings.registerBuffer(memory);
    if (errorOf(id) === 0) this.#registered.set(id, memory);
    return id;
  }

  /** Deregisters memory, which may be collected from then on. */
  deregister(id: RioHandle): void {
    this.rio.rings.deregisterBuffer(id);
    this.#registered.delete(id);
  }

  /** A slice of the block; what it names is not checked. */
  slice(offset: number, length: number): RioBuf {
    return { bufferId: this.bufferId, offset, length };
  }

  /** Copies a socket address into the block. */
  addressSlice(offset: number, address: Uint8Array): RioBuf {
    this.memory.bytes.set(address, offset);
    return this.slice(offset, SOCKADDR_INET.size);
  }

  /** Creates a completion queue. */
  queue(size = 64, notification = 0): RioHandle {
    const queue = checkHandle(
      this.rio.rings.createCompletionQueue(size, notification),
      "RIOCreateCompletionQueue",
      `create a completion queue of ${size} entries`,
    );
    this.#queues.add(queue);
    return queue;
  }

  /** Creates what a completion queue notifies through. */
  notification(kind: RioNotificationKind, key: number): number {
    const error = this.rio.waits.createNotification(kind, key);
    if (error !== 0) {
      throw new Error(`Cannot create a notification: ${outcome(error)}`);
    }
    this.#notifications.push(key);
    return key;
  }

  /** Closes a completion queue before the end. */
  closeQueue(queue: RioHandle): void {
    this.#queues.delete(queue);
    this.rio.rings.closeCompletionQueue(queue);
  }

  /** Opens a socket that is bound to loopback unless told otherwise. */
  socket(transport: "udp" | "tcp", bound = true): RioHandle {
    const socket = checkHandle(
      this.trySocket(transport),
      "WSASocketW",
      `open a ${transport.toUpperCase()} socket`,
    );
    if (bound) {
      const error = this.rio.sockets.bind(socket, loopback(0));
      if (error !== 0) throw new Error(`Cannot bind: ${outcome(error)}`);
    }
    return socket;
  }

  /** Opens a socket, or returns minus an error number. */
  trySocket(transport: "udp" | "tcp" = "udp", family: number = AF_INET) {
    const socket = transport === "udp"
      ? this.rio.sockets.open(family, SOCK_DGRAM, IPPROTO_UDP)
      : this.rio.sockets.open(family, SOCK_STREAM, IPPROTO_TCP);
    if (socket > 0) this.#sockets.add(socket);
    return socket;
  }

  /** The local address of a socket. */
  addressOf(socket: RioHandle): Uint8Array {
    const address = new Uint8Array(SOCKADDR_INET.size);
    this.rio.sockets.localAddress(socket, address);
    return address;
  }

  /** Creates the request queue of a socket. */
  requestQueue(socket: RioHandle, queue: RioHandle, size = 4): RioHandle {
    return checkHandle(
      this.tryRequestQueue(socket, queue, size),
      "RIOCreateRequestQueue",
      `create a request queue of ${size} receives and ${size} sends`,
    );
  }

  /** Creates a request queue, or returns minus an error number. */
  tryRequestQueue(socket: RioHandle, queue: RioHandle, size: number): number {
    const { rio } = this;
    return rio.rings.createRequestQueue(socket, size, size, queue, queue);
  }

  /** Opens a UDP socket on loopback with a request queue. */
  udp(queue: RioHandle): Endpoint {
    return this.endpoint(this.socket("udp"), queue);
  }

  /** Gives a socket a request queue. */
  endpoint(socket: RioHandle, queue: RioHandle): Endpoint {
    const requestQueue = this.requestQueue(socket, queue);
    return { socket, requestQueue, address: this.addressOf(socket) };
  }

  /** Opens a TCP connection over loopback: the client, then the server. */
  async connection(queue: RioHandle): Promise<[Endpoint, Endpoint]> {
    const { rio } = this;
    const listener = this.socket("tcp");
    const listening = rio.sockets.listen(listener, 1);
    if (listening !== 0) {
      throw new Error(`Cannot listen: ${outcome(listening)}`);
    }
    const client = this.socket("tcp");
    let accepted = rio.sockets.accept(listener, KEY.accept);
    let connected = rio.sockets.connect(
      client,
      this.addressOf(listener),
      KEY.connect,
    );
    const deadline = performance.now() + A_WHILE;
    while (accepted === 0 || connected === 0) {
      if (performance.now() > deadline) throw new Error("Cannot connect: late");
      await this.fired(20);
      if (connected === 0) connected = rio.sockets.connected(client);
      if (accepted === 0) {
        accepted = rio.sockets.accept(listener, KEY.accept);
      }
    }
    if (accepted > 0) this.#sockets.add(accepted);
    for (const made of [connected, accepted]) {
      if (made < 0) throw new Error(`Cannot connect: ${outcome(-made)}`);
    }
    return [this.endpoint(client, queue), this.endpoint(accepted, queue)];
  }

  /** Counts a post: 0 promises one completion. */
  posted(error: number): number {
    if (error === 0) this.#outstanding++;
    return error;
  }

  /** Posts a receive; returns an error number. */
  receive(queue: RioHandle, slice: RioBuf | null, flags = 0, context = 0) {
    return this.posted(this.rio.rings.receive(queue, slice, flags, context));
  }

  /** Posts a send; returns an error number. */
  send(queue: RioHandle, slice: RioBuf | null, to?: RioBuf) {
    return this.posted(
      to
        ? this.rio.rings.sendEx(queue, slice, to, null, 0, 0)
        : this.rio.rings.send(queue, slice, 0, 0),
    );
  }

  /** What is in a queue now. */
  poll(queue: RioHandle): Completion[] {
    const results = this.#results;
    const count = this.rio.rings.dequeueCompletion(
      queue,
      results,
      results.capacity,
    );
    if (count < 0) {
      throw new Error("RIODequeueCompletion says that the queue is corrupt");
    }
    this.#outstanding -= count;
    return Array.from({ length: count }, (_, i) => ({
      status: results.status(i),
      bytesTransferred: results.bytesTransferred(i),
      context: results.requestContext(i),
    }));
  }

  /** The next `count` completions, or fewer when they do not come in time. */
  async dequeue(
    queue: RioHandle,
    count: number,
    milliseconds: number = A_WHILE,
  ): Promise<Completion[]> {
    const completions = this.poll(queue);
    const deadline = performance.now() + milliseconds;
    while (completions.length < count && performance.now() < deadline) {
      await pause(1);
      completions.push(...this.poll(queue));
    }
    return completions;
  }

  /** Waits once, at most that long, and returns the keys that fired. */
  async fired(milliseconds: number): Promise<number[]> {
    const timer = setTimeout(() => this.rio.waits.wake(), milliseconds);
    const count = await this.rio.waits.wait();
    clearTimeout(timer);
    if (count < 0) throw new Error(`Cannot wait: ${outcome(-count)}`);
    return Array.from(this.rio.waits.fired.subarray(0, count));
  }

  /** Waits until a key fires; false when it does not in that time. */
  async fires(key: number, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    for (
      let left = milliseconds;
      left > 0;
      left = deadline - performance.now()
    ) {
      if ((await this.fired(left)).includes(key)) return true;
    }
    return false;
  }

  /** Closes a socket before the end; returns an error number. */
  close(socket: RioHandle): number {
    this.#sockets.delete(socket);
    return this.rio.sockets.close(socket);
  }

  /**
   * Releases everything. What native code may still write to is kept, and
   * neither deregistered nor collected.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { rio } = this;
    for (const socket of this.#sockets) rio.sockets.close(socket);
    const deadline = performance.now() + A_WHILE;
    while (this.#outstanding > 0 && performance.now() < deadline) {
      for (const queue of this.#queues) this.poll(queue);
      await pause(1);
    }
    const clean = this.#outstanding <= 0;
    if (clean) this.deregister(this.bufferId);
    else kept.push(this.memory);
    for (const queue of this.#queues) rio.rings.closeCompletionQueue(queue);
    for (const one of this.#notifications) rio.waits.closeNotification(one);
    rio.close(!clean);
  }
}

/** A socket address on loopback. */
export function loopback(port: number): Uint8Array {
  const address = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(address, { hostname: "127.0.0.1", port });
  return address;
}

/** Lets other things happen. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
