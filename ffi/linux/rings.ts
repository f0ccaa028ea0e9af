/**
 * The 13 functions over `recvmmsg`, `sendmmsg` and epoll; with `io_uring` it
 * carries the requests of connections out, see `uring/requests.ts`.
 *
 * Elsewhere the kernel holds no memory between calls: requests wait in rings of
 * this process until somebody looks for their completions. Every call returns
 * at once.
 *
 * @module
 */
import type { RioBuf, RioHandle, RioMemory, RioRings } from "../contract.ts";
import { RIO_CORRUPT_CQ, RIO_MAX_CQ_SIZE } from "../constants.ts";
import * as wsa from "../error_numbers.ts";
import type { RioResults } from "../layout.ts";
import { CompletionQueue } from "./completion_queue.ts";
import { HandleTable } from "./handles.ts";
import { Registration } from "./registration.ts";
import { RequestQueue } from "./request_queue.ts";
import type { RingSystem } from "./ring.ts";
import type { LinuxSockets } from "./sockets.ts";

/** Registered memory, completion queues and request queues, by handle. */
export class LinuxRings implements RioRings {
  readonly #system: RingSystem;
  readonly #sockets: LinuxSockets;
  readonly #completionQueues = new HandleTable<CompletionQueue>();
  readonly #requestQueues = new HandleTable<RequestQueue>();
  #closed = false;

  /** Takes the sockets, and what rings on them share. */
  constructor(sockets: LinuxSockets, system: RingSystem) {
    this.#sockets = sockets;
    this.#system = system;
  }

  registerBuffer(memory: RioMemory): RioHandle {
    const { byteLength } = memory.bytes;
    if (byteLength === 0 || byteLength > 0xFFFFFFFF) return -wsa.WSAEINVAL;
    if (memory.address === 0n) return -wsa.WSAEFAULT;
    const registration = new Registration(memory);
    return this.#system.registrations.add(registration) || -wsa.WSAENOBUFS;
  }

  deregisterBuffer(bufferId: RioHandle): void {
    this.#system.registrations.take(bufferId)?.end();
  }

  createCompletionQueue(size: number, notification: number): RioHandle {
    if (this.#closed) return -wsa.WSANOTINITIALISED;
    if (!isQueueSize(size)) return -wsa.WSAEINVAL;
    const queue = new CompletionQueue(this.#system.poll, size, notification);
    return this.#completionQueues.add(queue) || -wsa.WSAENOBUFS;
  }

  closeCompletionQueue(queue: RioHandle): void {
    this.#completionQueues.take(queue)?.close();
  }

  resizeCompletionQueue(queue: RioHandle, size: number): number {
    const found = this.#completionQueues.get(queue);
    if (found === undefined || !isQueueSize(size)) return wsa.WSAEINVAL;
    return found.resize(size);
  }

  dequeueCompletion(
    queue: RioHandle,
    results: RioResults,
    max: number,
  ): number {
    const found = this.#completionQueues.get(queue);
    if (found === undefined) return -RIO_CORRUPT_CQ;
    const { blocked, poll } = this.#system;
    if (blocked.size > 0) poll.collect();
    return found.dequeue(results, Math.min(max, results.capacity));
  }

  notify(queue: RioHandle): number {
    return this.#completionQueues.get(queue)?.notify() ?? wsa.WSAEINVAL;
  }

  createRequestQueue(
    socket: RioHandle,
    receives: number,
    sends: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
  ): RioHandle {
    const owner = this.#sockets.find(socket);
    if (owner === undefined) return -wsa.WSAENOTSOCK;
    const receiving = this.#completionQueues.get(receiveQueue);
    const sending = this.#completionQueues.get(sendQueue);
    if (
      receiving === undefined || sending === undefined ||
      !areLimits(receives, sends) || owner.user !== null
    ) return -wsa.WSAEINVAL;
    const made = new RequestQueue(this.#system, {
      socket: owner,
      receiveQueue: receiving,
      sendQueue: sending,
      onClosing: ({ handle }) => void this.#requestQueues.take(handle),
    });
    const errno = made.resize(receives, sends);
    if (errno !== 0) {
      made.closing();
      return -errno;
    }
    owner.user = made;
    // As many request queues fit as sockets do.
    return this.#requestQueues.add(made);
  }

  resizeRequestQueue(
    requestQueue: RioHandle,
    receives: number,
    sends: number,
  ): number {
    const found = this.#requestQueues.get(requestQueue);
    if (found === undefined || !areLimits(receives, sends)) {
      return wsa.WSAEINVAL;
    }
    return found.resize(receives, sends);
  }

  receive(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const receives = this.#requestQueues.get(requestQueue)?.receives;
    if (receives === undefined) return wsa.WSAEINVAL;
    return receives.stage(data, true, flags, context) ||
      receives.push(flags);
  }

  receiveEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    local: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const receives = this.#requestQueues.get(requestQueue)?.receives;
    if (receives === undefined) return wsa.WSAEINVAL;
    const plain = (local ?? remote ?? control ?? messageFlags) ===
      null;
    let errno = receives.stage(data, plain, flags, context);
    if (errno === 0 && !plain) {
      errno = receives.setSlices(
        local,
        remote,
        control,
        messageFlags,
      );
    }
    return errno || receives.push(flags);
  }

  send(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const sends = this.#requestQueues.get(requestQueue)?.sends;
    if (sends === undefined) return wsa.WSAEINVAL;
    return sends.stage(data, true, flags, context) || sends.push(flags);
  }

  sendEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    remote: RioBuf | null,
    control: RioBuf | null,
    flags: number,
    context: number,
  ): number {
    const sends = this.#requestQueues.get(requestQueue)?.sends;
    if (sends === undefined) return wsa.WSAEINVAL;
    const plain = (remote ?? control) === null;
    let errno = sends.stage(data, plain, flags, context);
    if (errno === 0 && !plain) {
      errno = sends.setSlices(remote, control);
    }
    return errno || sends.push(flags);
  }

  /** Ends every registration and completion queue; no more can be created. */
  closeAll(): void {
    this.#closed = true;
    for (const queue of this.#completionQueues) {
      this.closeCompletionQueue(queue.handle);
    }
    for (const registration of this.#system.registrations) {
      this.deregisterBuffer(registration.handle);
    }
  }
}

function isQueueSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= RIO_MAX_CQ_SIZE;
}

function areLimits(receives: number, sends: number): boolean {
  return receives >>> 0 === receives && sends >>> 0 === sends &&
    (receives > 0 || sends > 0);
}
