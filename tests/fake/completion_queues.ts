/**
 * Completion queues: what completes waits there, and notifies.
 *
 * Pointers and handles are BigInt here, as they come from native frames.
 *
 * @module
 */
import {
  RIO_CORRUPT_CQ,
  RIO_EVENT_COMPLETION,
  RIO_IOCP_COMPLETION,
  RIO_MAX_CQ_SIZE,
} from "../../ffi/constants.ts";
import {
  WSAEALREADY,
  WSAEINVAL,
  WSAETOOMANYREFS,
} from "../../ffi/error_numbers.ts";
import { RIO_NOTIFICATION_COMPLETION, RIORESULT } from "../../ffi/layout.ts";
import type { Clock } from "./clock.ts";
import type { Handles } from "./handles.ts";
import { bytesAt, viewAt } from "./memory.ts";
import type { Oracle } from "./oracle.ts";
import {
  type Completion,
  type CompletionQueue,
  type Notification,
  type Request,
  slicesOf,
} from "./queues.ts";
import { release } from "./slots.ts";

/** What completion queues need of their system. */
export interface CompletionQueuesOptions {
  clock: Clock;
  oracle: Oracle;
  handles: Handles;
  /** Leaves a number for `WSAGetLastError`. */
  fail: (errno: number) => void;
}

/** The completion queues of one fake system. */
export class CompletionQueues {
  /** Every queue that was ever made, by its handle. */
  readonly all = new Map<bigint, CompletionQueue>();

  #options: CompletionQueuesOptions;
  // Has a word above the lower 32 bits, and no handle ever comes twice: those
  // of request queues start elsewhere.
  #next = 0x2A_9000_0000n;
  #held: (() => void)[] | null = null;

  constructor(options: CompletionQueuesOptions) {
    this.#options = options;
  }

  /** `RIOCreateCompletionQueue`; 0 if it fails. */
  create(size: number, descriptor: bigint): bigint {
    if (size < 1 || size > RIO_MAX_CQ_SIZE) return this.#fail(WSAEINVAL, 0n);
    const notification = descriptor === 0n
      ? null
      : readNotification(descriptor);
    if (notification === undefined) return this.#fail(WSAEINVAL, 0n);
    const handle = this.#next;
    this.#next += 64n;
    this.all.set(handle, {
      handle,
      notification,
      entries: [],
      size,
      reserved: 0,
      outstanding: 0,
      armed: false,
      corrupt: false,
      closed: false,
    });
    return handle;
  }

  /** `RIOCloseCompletionQueue`. */
  close(handle: bigint): void {
    const queue = this.get(handle);
    if (!queue) return;
    this.#options.oracle.expect(
      queue.outstanding === 0,
      `RIOCloseCompletionQueue: ${queue.outstanding} requests are outstanding`,
    );
    queue.closed = true;
    for (const completion of queue.entries.splice(0)) this.#collect(completion);
  }

  /** `RIOResizeCompletionQueue`: 1 if it has the new size, 0 if not. */
  resize(handle: bigint, size: number): number {
    const queue = this.get(handle);
    if (!queue || size < 1 || size > RIO_MAX_CQ_SIZE) {
      return this.#fail(WSAEINVAL, 0);
    }
    if (size < queue.reserved || size < queue.entries.length) {
      // Entries of closed sockets come back with time.
      this.#options.clock.polled();
      return this.#fail(WSAETOOMANYREFS, 0);
    }
    queue.size = size;
    return 1;
  }

  /** `RIODequeueCompletion`. */
  dequeue(handle: bigint, array: bigint, size: number): number {
    this.#options.clock.polled();
    const queue = this.get(handle);
    if (!queue || queue.corrupt) return RIO_CORRUPT_CQ;
    const completions = queue.entries.splice(0, size);
    if (completions.length === 0) return 0;
    const view = viewAt(array, RIORESULT.size * size);
    completions.forEach((completion, i) => {
      const { status, bytesTransferred, request } = completion;
      const at = RIORESULT.size * i;
      view.setInt32(at + RIORESULT.status, status, true);
      view.setUint32(at + RIORESULT.bytesTransferred, bytesTransferred, true);
      view.setBigUint64(
        at + RIORESULT.socketContext,
        request.queue.context,
        true,
      );
      view.setBigUint64(at + RIORESULT.requestContext, request.context, true);
      this.#collect(completion);
    });
    return completions.length;
  }

  /** `RIONotify`; 0, or the number of an error. */
  notify(handle: bigint): number {
    const queue = this.get(handle);
    if (!queue?.notification) return WSAEINVAL;
    if (queue.armed) {
      this.#options.oracle.record("RIONotify: the queue is armed already");
      return WSAEALREADY;
    }
    const { notification } = queue;
    if (notification.kind === "event" && notification.reset) {
      this.#options.handles.signal(notification.event, false);
    }
    queue.armed = true;
    if (queue.entries.some(notifies)) {
      this.#options.clock.later(() => this.#fire(queue));
    }
    return 0;
  }

  /** The queue of a handle, unless it was closed. */
  get(handle: bigint): CompletionQueue | undefined {
    const queue = this.all.get(handle);
    return queue?.closed ? undefined : queue;
  }

  /** Puts the completion of a request on its queue, or holds it back. */
  complete(request: Request, status: number, bytesTransferred: number): void {
    if (this.#held) {
      this.#held.push(() => this.complete(request, status, bytesTransferred));
      return;
    }
    const queue = request.queue.queues[request.direction];
    const completion = { request, status, bytesTransferred };
    if (queue.closed) {
      this.#collect(completion);
      return;
    }
    this.#options.oracle.expect(
      queue.entries.push(completion) <= queue.size,
      "a completion queue has more completions than entries",
    );
    if (notifies(completion)) this.#fire(queue);
  }

  /** Completes nothing until {@linkcode CompletionQueues.resume}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Completes what was held back. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const complete of held) this.#options.clock.later(complete);
  }

  /** A completion was dequeued: its slices and its slot are free again. */
  #collect({ request }: Completion): void {
    const { queue, direction } = request;
    for (const slice of slicesOf(request)) {
      slice.registration.inUse.delete(slice);
    }
    queue.outstanding[direction]--;
    queue.queues[direction].outstanding--;
    release(queue);
  }

  #fire(queue: CompletionQueue): void {
    const { notification } = queue;
    if (!queue.armed || queue.closed || !notification) return;
    queue.armed = false;
    const { handles, oracle } = this.#options;
    const done = notification.kind === "event"
      ? handles.signal(notification.event, true)
      : handles.post(
        notification.port,
        notification.key,
        notification.overlapped,
      );
    oracle.expect(done === 1, `a queue notifies through a closed handle`);
  }

  #fail<T>(errno: number, answer: T): T {
    this.#options.fail(errno);
    return answer;
  }
}

/** Reads a `RIO_NOTIFICATION_COMPLETION`; `undefined` if it is invalid. */
function readNotification(address: bigint): Notification | undefined {
  const at = RIO_NOTIFICATION_COMPLETION;
  const view = new DataView(bytesAt(address, at.size).buffer);
  const type = view.getUint32(at.type, true);
  const handle = view.getBigUint64(at.eventHandle, true);
  if (type === RIO_EVENT_COMPLETION && handle !== 0n) {
    const reset = view.getUint32(at.notifyReset, true) !== 0;
    return { kind: "event", event: handle, reset };
  }
  const key = view.getBigUint64(at.completionKey, true);
  const overlapped = view.getBigUint64(at.overlapped, true);
  if (type === RIO_IOCP_COMPLETION && handle !== 0n && overlapped !== 0n) {
    return { kind: "iocp", port: handle, key, overlapped };
  }
  return undefined;
}

function notifies({ request }: Completion): boolean {
  return (request.flags & 1) === 0;
}
