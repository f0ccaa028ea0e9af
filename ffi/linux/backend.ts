/**
 * Registered I/O over the kernel's sockets.
 *
 * The kernel holds no memory between calls: requests wait in rings of this
 * process until somebody looks for their completions, and every call returns
 * at once. See the rooms below: rings and their drivers (`ring.ts`,
 * `datagram.ts`, `stream.ts`), completion queues, and the poller that waits.
 *
 * @module
 */
import type {
  RioBackend,
  RioBuf,
  RioHandle,
  RioMemory,
  RioRings,
  RioSockets,
} from "../contract.ts";
import { RIO_CORRUPT_CQ, RIO_MAX_CQ_SIZE } from "../constants.ts";
import {
  WSA_OPERATION_ABORTED,
  WSAEFAULT,
  WSAEINVAL,
  WSAEMFILE,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAETOOMANYREFS,
  WSANOTINITIALISED,
} from "../error_numbers.ts";
import type { RioResults } from "../layout.ts";
import { CompletionQueue } from "./completion_queue.ts";
import { HandleTable } from "./handles.ts";
import { Kernel } from "./kernel.ts";
import type { LinuxLibrary } from "./library.ts";
import { Poller } from "./poller.ts";
import { Registration } from "./registration.ts";
import { RequestQueue } from "./request_queue.ts";
import { makeRings, resizeRings } from "./rings.ts";
import type { LinuxSocket } from "./socket.ts";
import { Sockets } from "./sockets.ts";

/** How the Linux backend reaches the kernel. */
export interface LinuxOptions {
  /**
   * Functions to call in place of the C library's, for example ones that fail.
   * The backend does not close them.
   */
  library?: LinuxLibrary;
}

/**
 * Opens Registered I/O over Linux sockets.
 *
 * @param options How it reaches the kernel.
 * @returns The backend.
 * @throws {Deno.errors.NotSupported} If this is not Linux, or the kernel or a
 * sandbox lacks a call.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 */
export function openLinux(options: LinuxOptions = {}): RioBackend {
  const kernel = new Kernel(options.library);
  try {
    return new LinuxBackend(kernel, new Poller(kernel));
  } catch (error) {
    kernel.release();
    throw error;
  }
}

class LinuxRings implements RioRings {
  readonly #kernel: Kernel;
  readonly #poller: Poller;
  readonly #calls: Sockets;
  readonly #registrations = new HandleTable<Registration>();
  readonly #completionQueues = new HandleTable<CompletionQueue>();
  readonly #requestQueues = new HandleTable<RequestQueue>();
  readonly #sockets: HandleTable<LinuxSocket>;
  #closed = false;

  constructor(
    kernel: Kernel,
    poller: Poller,
    calls: Sockets,
    sockets: HandleTable<LinuxSocket>,
  ) {
    this.#kernel = kernel;
    this.#poller = poller;
    this.#calls = calls;
    this.#sockets = sockets;
  }

  registerBuffer(memory: RioMemory): RioHandle {
    const { byteLength } = memory.bytes;
    if (byteLength === 0 || byteLength > 0xFFFFFFFF) return -WSAEINVAL;
    if (memory.address === 0n) return -WSAEFAULT;
    return this.#registrations.add(new Registration(memory)) || -WSAENOBUFS;
  }

  deregisterBuffer(bufferId: RioHandle): void {
    const registration = this.#registrations.get(bufferId);
    if (registration === undefined) return;
    this.#registrations.remove(registration);
    registration.end();
  }

  createCompletionQueue(
    size: number,
    notification: number,
  ): RioHandle {
    if (this.#closed) return -WSANOTINITIALISED;
    if (!isQueueSize(size)) return -WSAEINVAL;
    const queue = new CompletionQueue(this.#poller, size, notification);
    return this.#completionQueues.add(queue) || -WSAENOBUFS;
  }

  closeCompletionQueue(queue: RioHandle): void {
    const found = this.#completionQueues.get(queue);
    if (found === undefined) return;
    this.#completionQueues.remove(found);
    found.close();
  }

  resizeCompletionQueue(queue: RioHandle, size: number): number {
    const found = this.#completionQueues.get(queue);
    if (found === undefined || !isQueueSize(size)) return WSAEINVAL;
    // Queued results are among the reserved ones.
    if (size < found.reserved) return WSAETOOMANYREFS;
    found.size = size;
    return 0;
  }

  dequeueCompletion(
    queue: RioHandle,
    results: RioResults,
    max: number,
  ): number {
    const found = this.#completionQueues.get(queue);
    if (found === undefined) return -RIO_CORRUPT_CQ;
    const room = Math.min(max, results.capacity);
    if (this.#poller.blocked > 0) this.#poller.collect();
    if (found.count < room) found.pump(room);
    return found.take(results, room);
  }

  notify(queue: RioHandle): number {
    return this.#completionQueues.get(queue)?.notify() ?? WSAEINVAL;
  }

  createRequestQueue(
    socket: RioHandle,
    maxOutstandingReceive: number,
    maxOutstandingSend: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
  ): RioHandle {
    const owner = this.#sockets.get(socket);
    if (owner === undefined) return -WSAENOTSOCK;
    const receiving = this.#completionQueues.get(receiveQueue);
    const sending = this.#completionQueues.get(sendQueue);
    if (
      receiving === undefined || sending === undefined ||
      !areMaxima(maxOutstandingReceive, maxOutstandingSend) ||
      owner.requestQueue !== null
    ) return -WSAEINVAL;
    const rings = makeRings(this.#kernel, owner, {
      receives: maxOutstandingReceive,
      sends: maxOutstandingSend,
      receiving,
      sending,
    });
    if (rings === null) return -WSAENOBUFS;
    const requestQueue = new RequestQueue(
      owner,
      rings,
      this.#registrations,
      { sockets: this.#calls, poller: this.#poller },
    );
    // As many request queues fit as sockets do.
    owner.requestQueue = requestQueue;
    return this.#requestQueues.add(requestQueue);
  }

  resizeRequestQueue(
    requestQueue: RioHandle,
    maxOutstandingReceive: number,
    maxOutstandingSend: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    if (
      found === undefined ||
      !areMaxima(maxOutstandingReceive, maxOutstandingSend)
    ) return WSAEINVAL;
    if (
      maxOutstandingReceive < found.receives.outstanding ||
      maxOutstandingSend < found.sends.outstanding
    ) return WSAETOOMANYREFS;
    return resizeRings(found, maxOutstandingReceive, maxOutstandingSend)
      ? 0
      : WSAENOBUFS;
  }

  receive(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    return found === undefined
      ? WSAEINVAL
      : found.receive(data, flags, requestContext);
  }

  receiveEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    localAddress: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    return found === undefined ? WSAEINVAL : found.receiveEx(
      data,
      localAddress,
      remoteAddress,
      controlContext,
      messageFlags,
      flags,
      requestContext,
    );
  }

  send(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    return found === undefined
      ? WSAEINVAL
      : found.send(data, flags, requestContext);
  }

  sendEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    return found === undefined ? WSAEINVAL : found.sendEx(
      data,
      remoteAddress,
      controlContext,
      flags,
      requestContext,
    );
  }

  forget(requestQueue: RequestQueue): void {
    this.#requestQueues.remove(requestQueue);
  }

  close(): void {
    this.#closed = true;
    for (const queue of this.#completionQueues) {
      this.closeCompletionQueue(queue.handle);
    }
    for (const registration of this.#registrations) {
      this.deregisterBuffer(registration.handle);
    }
  }
}

class LinuxSockets implements RioSockets {
  readonly #kernel: Kernel;
  readonly #poller: Poller;
  readonly #calls: Sockets;
  readonly #rings: LinuxRings;
  readonly #sockets: HandleTable<LinuxSocket>;

  constructor(
    kernel: Kernel,
    poller: Poller,
    calls: Sockets,
    rings: LinuxRings,
    sockets: HandleTable<LinuxSocket>,
  ) {
    this.#kernel = kernel;
    this.#poller = poller;
    this.#calls = calls;
    this.#rings = rings;
    this.#sockets = sockets;
  }

  open(family: number, type: number, protocol: number): RioHandle {
    if (this.#calls.closed) return -WSANOTINITIALISED;
    return this.#adopt(this.#calls.open(family, type, protocol));
  }

  close(socket: RioHandle): number {
    const found = this.#sockets.get(socket);
    if (found === undefined) return WSAENOTSOCK;
    this.#sockets.remove(found);
    const { requestQueue } = found;
    if (requestQueue !== null) {
      this.#rings.forget(requestQueue);
      requestQueue.sends.closed = true;
      this.#poller.unblock(requestQueue.sends);
      requestQueue.receives.close(WSA_OPERATION_ABORTED);
      requestQueue.sends.close(WSA_OPERATION_ABORTED);
    }
    this.#poller.forget(found);
    // Whoever waits for a connection looks again and finds the socket closed.
    if (found.acceptKey !== null) this.#poller.fire(found.acceptKey);
    if (found.connectKey !== null) this.#poller.fire(found.connectKey);
    this.#kernel.symbols.close(found.fd);
    return 0;
  }

  bind(socket: RioHandle, address: Uint8Array): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.bind(found, address) : WSAENOTSOCK;
  }

  listen(socket: RioHandle, backlog: number): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.listen(found, backlog) : WSAENOTSOCK;
  }

  localAddress(socket: RioHandle, address: Uint8Array): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.localAddress(found, address) : WSAENOTSOCK;
  }

  remoteAddress(socket: RioHandle, address: Uint8Array): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.remoteAddress(found, address) : WSAENOTSOCK;
  }

  connect(socket: RioHandle, address: Uint8Array, key: number): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.connect(found, address, key) : -WSAENOTSOCK;
  }

  connected(socket: RioHandle): number {
    const found = this.#sockets.get(socket);
    if (found === undefined) return -WSAENOTSOCK;
    const outcome = this.#calls.connected(found);
    if (outcome !== 0) found.connectKey = null;
    return outcome;
  }

  accept(listener: RioHandle, key: number): RioHandle {
    const found = this.#sockets.get(listener);
    return found ? this.#adopt(this.#calls.accept(found, key)) : -WSAENOTSOCK;
  }

  shutdown(socket: RioHandle, how: number): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.shutdown(found, how) : WSAENOTSOCK;
  }

  setOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const found = this.#sockets.get(socket);
    return found
      ? this.#calls.setOption(found, level, name, value)
      : WSAENOTSOCK;
  }

  getOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number {
    const found = this.#sockets.get(socket);
    return found
      ? this.#calls.getOption(found, level, name, value)
      : -WSAENOTSOCK;
  }

  ioctl(socket: RioHandle, code: number, input: Uint8Array): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.control(found, code, input) : WSAENOTSOCK;
  }

  /** Gives a new socket a handle; passes minus an error number. */
  #adopt(socket: LinuxSocket | number): RioHandle {
    if (typeof socket === "number") return socket;
    if (this.#sockets.add(socket) !== 0) return socket.handle;
    this.#kernel.symbols.close(socket.fd);
    return -WSAEMFILE;
  }

  closeAll(): void {
    for (const socket of this.#sockets) this.close(socket.handle);
  }
}

class LinuxBackend implements RioBackend {
  readonly name = "linux";
  readonly capabilities = { reusePort: true, brokenPipe: true };
  readonly rings: LinuxRings;
  readonly sockets: LinuxSockets;
  readonly waits: Poller;
  readonly #calls: Sockets;

  constructor(kernel: Kernel, poller: Poller) {
    this.waits = poller;
    const calls = this.#calls = new Sockets(kernel, poller);
    const table = new HandleTable<LinuxSocket>();
    const rings = this.rings = new LinuxRings(kernel, poller, calls, table);
    this.sockets = new LinuxSockets(kernel, poller, calls, rings, table);
  }

  close(_keepNative: boolean): void {
    if (this.#calls.closed) return;
    this.#calls.closed = true;
    this.sockets.closeAll();
    this.rings.close();
    this.waits.close();
  }
}

function isQueueSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= RIO_MAX_CQ_SIZE;
}

function areMaxima(receives: number, sends: number): boolean {
  return receives >>> 0 === receives && sends >>> 0 === sends &&
    (receives > 0 || sends > 0);
}
