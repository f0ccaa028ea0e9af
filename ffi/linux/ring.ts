/**
 * The requests of one direction of a socket, in the order in which they were
 * posted.
 *
 * A request is in one of these states:
 *
 * | state    | where                   | left when                             |
 * | -------- | ----------------------- | ------------------------------------- |
 * | deferred | `committed` to `tail`   | it, or a later one, is committed      |
 * | pending  | `head` to `committed`   | the kernel took it or refused it      |
 * | ended    | in the completion queue | it is dequeued; its place is free now |
 *
 * A ring as a whole:
 *
 * | state   | that is                       | left when                         |
 * | ------- | ----------------------------- | --------------------------------- |
 * | idle    | nothing is pending            | a commit: ready, or still waiting |
 * | ready   | the next call may get through | a call finds nothing: waiting;    |
 * |         |                               | all have ended: idle              |
 * | waiting | the kernel has nothing to     | epoll tells of a change: ready    |
 * |         | give, or no room              |                                   |
 * | closed  | all have ended                | never                             |
 *
 * Receives wait in `receives.ts`, sends in `sends.ts`; with `io_uring` those of
 * connections do so in the kernel, see `uring/requests.ts`. Closing the socket
 * ends everything from any state.
 *
 * @module
 */
import {
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
} from "../constants.ts";
import type { RioBuf } from "../contract.ts";
import * as wsa from "../error_numbers.ts";
import type { CompletionQueue } from "./completion_queue.ts";
import type { LinuxLibrary } from "./library.ts";
import { type MessageMemory, Messages } from "./messages.ts";
import { BATCH } from "./msghdr.ts";
import type { Poll } from "./poll.ts";
import type { HandleTable } from "./handles.ts";
import { findSlice, type Registration } from "./registration.ts";
import { Request } from "./request.ts";
import type { ResultOwner } from "./result_queue.ts";
import type { LinuxSocket } from "./socket.ts";
import type { Uring } from "./uring/uring.ts";

/** What the rings of a backend share. */
export interface RingSystem extends MessageMemory {
  readonly library: LinuxLibrary;
  readonly poll: Poll;
  readonly registrations: HandleTable<Registration>;
  /** Rings with sends that wait for room. */
  readonly blocked: Set<Ring>;
  /** The io_uring that carries requests of connections out; `null` for none. */
  uring(): Uring | null;
}

/** The flags that any request can have. */
export const REQUEST_FLAGS: number = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER;

/** The requests of one direction; none fits before {@linkcode Ring.resize}. */
export abstract class Ring implements ResultOwner {
  readonly system: RingSystem;
  readonly socket: LinuxSocket;
  /** Where completions go. */
  readonly queue: CompletionQueue;
  /** Whether it holds sends; otherwise receives. */
  abstract readonly sends: boolean;
  /** The flags that a request can have. */
  protected readonly allowed: number = REQUEST_FLAGS;

  #messages: Messages | null = null;
  #requests: Request[] = [];
  #limit = 0;
  #outstanding = 0;
  // These three wrap around at 32 bits.
  #head = 0;
  #committed = 0;
  #tail = 0;
  #closed = false;

  /** Makes an empty ring. */
  constructor(
    system: RingSystem,
    options: { socket: LinuxSocket; queue: CompletionQueue },
  ) {
    this.system = system;
    this.socket = options.socket;
    this.queue = options.queue;
  }

  /** The requests as the kernel takes them. */
  get messages(): Messages {
    return this.#messages!;
  }

  /** The most requests from post to dequeue. */
  get limit(): number {
    return this.#limit;
  }

  /** Requests that may run. */
  get pending(): number {
    return (this.#committed - this.#head) | 0;
  }

  /** The request in a slot. */
  request(slot: number): Request {
    return this.#requests[slot]!;
  }

  /** The slot of the request at the head. */
  get slot(): number {
    return this.messages.slot(this.#head);
  }

  /** The slot of the request that is staged. */
  protected get staged(): number {
    return this.messages.slot(this.#tail);
  }

  /**
   * Changes the limit; requests in the ring stay.
   *
   * @returns 0, or an error number: then nothing has changed.
   */
  resize(limit: number): number {
    if (limit < this.#outstanding) return wsa.WSAETOOMANYREFS;
    const change = limit - this.#limit;
    if (!this.queue.reserve(change)) return wsa.WSAENOBUFS;
    try {
      this.#grow(limit);
    } catch (error) {
      this.queue.reserve(-change);
      if (error instanceof RangeError) return wsa.WSAENOBUFS;
      throw error;
    }
    this.#limit = limit;
    return 0;
  }

  /**
   * Checks a request and writes it to the tail; {@linkcode push} makes it count.
   *
   * @param plain Whether it has no slices but the data.
   * @returns 0 or an error number.
   */
  stage(
    data: RioBuf | null,
    plain: boolean,
    flags: number,
    context: number,
  ): number {
    if ((flags & ~this.allowed) !== 0) {
      const commits = flags === RIO_MSG_COMMIT_ONLY && plain &&
        data === null && context === 0;
      return commits ? 0 : wsa.WSAEINVAL;
    }
    const { stream } = this.socket;
    if (stream && this.socket.outcome() !== 1) return wsa.WSAENOTCONN;
    if (stream && data === null) return wsa.WSAEINVAL;
    const registration = data && findSlice(this.system.registrations, data, 0);
    if (registration === undefined) return wsa.WSAEFAULT;
    if (this.#outstanding >= this.#limit) return wsa.WSAENOBUFS;
    const slot = this.staged;
    const request = this.#requests[slot] ??= new Request();
    request.registration = registration;
    request.flags = flags;
    request.context = context;
    request.progress = 0;
    request.segmentSize = 0;
    request.hasSlices = false;
    const { offset = 0, length = 0 } = data ?? {};
    this.messages.set(slot, registration, offset, length);
    return 0;
  }

  /** Accepts what was staged, and commits unless it is deferred; returns 0. */
  push(flags: number): number {
    if ((flags & RIO_MSG_COMMIT_ONLY) === 0) {
      this.#tail = (this.#tail + 1) | 0;
      this.#outstanding++;
    }
    if ((flags & RIO_MSG_DEFER) === 0) {
      this.#committed = this.#tail;
      if (this.#head !== this.#committed) this.start();
    }
    return 0;
  }

  /**
   * Makes one call with the next requests.
   *
   * @returns Whether another call may get through.
   */
  run(): boolean {
    const count = this.#batch();
    if (count > 0) return this.call(count);
    this.complete(wsa.WSAEFAULT, this.request(this.slot).progress);
    return true;
  }

  /** Completes the request at the head. */
  complete(status: number, bytes: number): void {
    const { flags, context } = this.#requests[this.slot]!;
    const silent = (flags & RIO_MSG_DONT_NOTIFY) !== 0;
    this.#head = (this.#head + 1) | 0;
    this.queue.push(this, silent, status, bytes, context);
    if (this.#head === this.#tail) {
      this.#head = this.#committed = this.#tail = 0;
    }
  }

  /** Completes the request at the head with what the kernel did for it. */
  finish(status: number, bytes: number): void {
    this.complete(status, bytes);
  }

  dequeued(): void {
    this.#outstanding--;
    if (this.#closed) this.#settle();
  }

  /** Ends the ring with its socket: what it holds is aborted. */
  close(): void {
    this.#closed = true;
    while (this.#head !== this.#tail) {
      this.complete(wsa.WSA_OPERATION_ABORTED, 0);
    }
    this.#settle();
    this.#messages?.release();
  }

  /** Makes requests run that may. */
  protected abstract start(): void;
  /** Hands so many requests to the kernel; see {@linkcode Ring.run}. */
  protected abstract call(count: number): boolean;

  /** Takes more memory for a greater limit, and moves the requests there. */
  #grow(limit: number): void {
    const before = this.#messages;
    if (before !== null && limit <= before.capacity) return;
    const after = new Messages(this.system, {
      stream: this.socket.stream,
      sends: this.sends,
      slots: limit,
    });
    const requests: Request[] = [];
    for (let i = this.#head; i !== this.#tail; i = (i + 1) | 0) {
      const from = before!.slot(i);
      const to = after.slot(i);
      after.copy(before!, from, to);
      requests[to] = this.#requests[from]!;
    }
    this.#messages = after;
    this.#requests = requests;
    before?.release();
  }

  /** How many requests from the head on can go in one call, and may. */
  #batch(): number {
    const { messages, slot } = this;
    const count = Math.min(this.pending, BATCH, messages.capacity - slot);
    for (let i = 0; i < count; i++) {
      if (!this.request(slot + i).usable) return i;
    }
    return count;
  }

  /** Gives back what was reserved, once the last result was taken. */
  #settle(): void {
    if (this.#outstanding === 0) this.queue.reserve(-this.#limit);
  }
}
