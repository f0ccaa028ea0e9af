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
  RioNotification,
  RioNotificationKind,
} from "../contract.ts";
import { RIO_CORRUPT_CQ, RIO_MAX_CQ_SIZE } from "../constants.ts";
import {
  WSA_IO_PENDING,
  WSA_OPERATION_ABORTED,
  WSAEFAULT,
  WSAEINVAL,
  WSAEMFILE,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAETOOMANYREFS,
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

/** The number of `WSANOTINITIALISED`. */
const WSANOTINITIALISED = 10093;

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

class LinuxBackend implements RioBackend {
  readonly name = "linux";
  readonly capabilities = { reusePort: true, brokenPipe: true };
  readonly #kernel: Kernel;
  readonly #poller: Poller;
  readonly #calls: Sockets;
  readonly #registrations = new HandleTable<Registration>();
  readonly #completionQueues = new HandleTable<CompletionQueue>();
  readonly #requestQueues = new HandleTable<RequestQueue>();
  readonly #sockets = new HandleTable<LinuxSocket>();
  #closed = false;

  constructor(kernel: Kernel, poller: Poller) {
    this.#kernel = kernel;
    this.#poller = poller;
    this.#calls = new Sockets(kernel, poller);
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
    notification: RioNotification | null,
  ): RioHandle {
    if (this.#closed) return -WSANOTINITIALISED;
    if (!isQueueSize(size)) return -WSAEINVAL;
    const key = notification === null ? null : notification.key;
    const queue = new CompletionQueue(this.#poller, size, key);
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
    if (found === undefined) return RIO_CORRUPT_CQ;
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
    maxReceiveDataBuffers: number,
    maxOutstandingSend: number,
    maxSendDataBuffers: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
    socketContext: number,
  ): RioHandle {
    const owner = this.#sockets.get(socket);
    if (owner === undefined) return -WSAENOTSOCK;
    const receiving = this.#completionQueues.get(receiveQueue);
    const sending = this.#completionQueues.get(sendQueue);
    if (
      receiving === undefined || sending === undefined ||
      maxReceiveDataBuffers !== 1 || maxSendDataBuffers !== 1 ||
      !areMaxima(maxOutstandingReceive, maxOutstandingSend) ||
      owner.requestQueue !== null
    ) return -WSAEINVAL;
    const rings = makeRings(this.#kernel, owner, {
      receives: maxOutstandingReceive,
      sends: maxOutstandingSend,
      receiving,
      sending,
      socketContext,
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
    localAddress: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    return found === undefined ? WSAEINVAL : found.sendEx(
      data,
      localAddress,
      remoteAddress,
      controlContext,
      messageFlags,
      flags,
      requestContext,
    );
  }

  openSocket(family: number, type: number, protocol: number): RioHandle {
    if (this.#closed) return -WSANOTINITIALISED;
    return this.#adopt(this.#calls.open(family, type, protocol));
  }

  closeSocket(socket: RioHandle): number {
    const found = this.#sockets.get(socket);
    if (found === undefined) return WSAENOTSOCK;
    this.#sockets.remove(found);
    const { requestQueue } = found;
    if (requestQueue !== null) {
      this.#requestQueues.remove(requestQueue);
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
    return found ? this.#calls.connect(found, address, key) : WSAENOTSOCK;
  }

  connected(socket: RioHandle): number {
    const found = this.#sockets.get(socket);
    if (found === undefined) return WSAENOTSOCK;
    const outcome = this.#calls.connected(found);
    if (outcome !== WSA_IO_PENDING) found.connectKey = null;
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

  control(socket: RioHandle, code: number, input: Uint8Array): number {
    const found = this.#sockets.get(socket);
    return found ? this.#calls.control(found, code, input) : WSAENOTSOCK;
  }

  createNotification(
    kind: RioNotificationKind,
    key: number,
  ): RioNotification {
    return { kind, key };
  }

  closeNotification(_notification: RioNotification): void {
    // One eventfd serves all of them.
  }

  wait(): Promise<number> {
    return this.#poller.wait();
  }

  get fired(): Int32Array {
    return this.#poller.fired;
  }

  wake(): void {
    this.#poller.wake();
  }

  close(_keepNative: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets) this.closeSocket(socket.handle);
    for (const queue of this.#completionQueues) {
      this.closeCompletionQueue(queue.handle);
    }
    for (const registration of this.#registrations) {
      this.deregisterBuffer(registration.handle);
    }
    this.#poller.close();
  }

  /** Gives a new socket a handle; passes minus an error number. */
  #adopt(socket: LinuxSocket | number): RioHandle {
    if (typeof socket === "number") return socket;
    if (this.#sockets.add(socket) !== 0) return socket.handle;
    this.#kernel.symbols.close(socket.fd);
    return -WSAEMFILE;
  }
}

function isQueueSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= RIO_MAX_CQ_SIZE;
}

function areMaxima(receives: number, sends: number): boolean {
  return receives >>> 0 === receives && sends >>> 0 === sends &&
    (receives > 0 || sends > 0);
}
