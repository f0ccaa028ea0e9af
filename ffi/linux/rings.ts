/**
 * The 13 functions over `recvmmsg`, `sendmmsg` and epoll.
 *
 * The kernel holds no memory between calls: requests wait in rings of this
 * process until somebody looks for their completions, and every call returns
 * at once.
 *
 * @module
 */
import type { RioBuf, RioHandle, RioMemory, RioRings } from "../contract.ts";
import { RIO_CORRUPT_CQ, RIO_MAX_CQ_SIZE } from "../constants.ts";
import {
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAETOOMANYREFS,
  WSANOTINITIALISED,
} from "../error_numbers.ts";
import type { RioResults } from "../layout.ts";
import { Arena } from "./arena.ts";
import { CompletionQueue } from "./completion_queue.ts";
import { HandleTable } from "./handles.ts";
import type { LinuxLibrary } from "./library.ts";
import type { Poll } from "./poll.ts";
import { Registration, Registrations } from "./registration.ts";
import { RequestQueue, reserving } from "./request_queue.ts";
import type { RingSystem } from "./ring.ts";
import type { Scratch } from "./scratch.ts";
import type { LinuxSockets } from "./sockets.ts";

/** Registered memory, completion queues and request queues, by handle. */
export class LinuxRings implements RioRings {
  readonly #system: RingSystem;
  readonly #sockets: LinuxSockets;
  readonly #completionQueues = new HandleTable<CompletionQueue>();
  readonly #requestQueues = new HandleTable<RequestQueue>();
  #closed = false;

  /** Takes the sockets, and what calls on them need. */
  constructor(
    sockets: LinuxSockets,
    options: { library: LinuxLibrary; poll: Poll; scratch: Scratch },
  ) {
    this.#sockets = sockets;
    this.#system = {
      ...options,
      arena: new Arena(),
      registrations: new Registrations(),
      blocked: new Set(),
    };
  }

  registerBuffer(memory: RioMemory): RioHandle {
    const { byteLength } = memory.bytes;
    if (byteLength === 0 || byteLength > 0xFFFFFFFF) return -WSAEINVAL;
    if (memory.address === 0n) return -WSAEFAULT;
    const registration = new Registration(memory);
    return this.#system.registrations.add(registration) || -WSAENOBUFS;
  }

  deregisterBuffer(bufferId: RioHandle): void {
    const { registrations } = this.#system;
    const registration = registrations.get(bufferId);
    if (registration === undefined) return;
    registrations.remove(registration);
    registration.end();
  }

  createCompletionQueue(size: number, notification: number): RioHandle {
    if (this.#closed) return -WSANOTINITIALISED;
    if (!isQueueSize(size)) return -WSAEINVAL;
    const queue = new CompletionQueue(this.#system.poll, size, notification);
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
    return this.#completionQueues.get(queue)?.notify() ?? WSAEINVAL;
  }

  createRequestQueue(
    socket: RioHandle,
    receives: number,
    sends: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
  ): RioHandle {
    const owner = this.#sockets.find(socket);
    if (owner === undefined) return -WSAENOTSOCK;
    const receiving = this.#completionQueues.get(receiveQueue);
    const sending = this.#completionQueues.get(sendQueue);
    if (
      receiving === undefined || sending === undefined ||
      !areLimits(receives, sends) || owner.user !== null
    ) return -WSAEINVAL;
    let made: RequestQueue | undefined;
    reserving(
      { queue: receiving, change: receives },
      { queue: sending, change: sends },
      () => {
        made = new RequestQueue(this.#system, {
          socket: owner,
          receives: { queue: receiving, limit: receives },
          sends: { queue: sending, limit: sends },
          onClosing: (closing) => this.#requestQueues.remove(closing),
        });
      },
    );
    if (made === undefined) return -WSAENOBUFS;
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
    if (found === undefined || !areLimits(receives, sends)) return WSAEINVAL;
    if (
      receives < found.receives.outstanding || sends < found.sends.outstanding
    ) return WSAETOOMANYREFS;
    return found.resize(receives, sends) ? 0 : WSAENOBUFS;
  }

  receive(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    return this.receiveEx(
      requestQueue,
      data,
      null,
      null,
      null,
      null,
      flags,
      requestContext,
    );
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
    if (found === undefined) return WSAEINVAL;
    return found.receives.post(
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
    return this.sendEx(requestQueue, data, null, null, flags, requestContext);
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
    if (found === undefined) return WSAEINVAL;
    return found.sends.post(
      data,
      null,
      remoteAddress,
      controlContext,
      null,
      flags,
      requestContext,
    );
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
