/**
 * A connection whose receives wait in the ring.
 *
 * @module
 */
import type { RioWatcher } from "../../contract.ts";
import { WSAENOBUFS, WSAEWOULDBLOCK } from "../../error_numbers.ts";
import { lengthOf } from "../../plain_bytes.ts";
import { DirectSocket, type DirectSystem } from "../direct.ts";
import { EAGAIN, ECANCELED, EINTR, ENOBUFS, ENOMEM } from "../errno_numbers.ts";
import { POLLIN, POLLOUT } from "../numbers.ts";
import type { LinuxSocket } from "../socket.ts";
import { BUFFER_SIZE } from "./buffers.ts";
import { IORING_CQE_BUFFER_SHIFT } from "./numbers.ts";
import { SLOT_SIZE } from "./slots.ts";
import type { Owner, Uring } from "./uring.ts";

/** The requests that a connection has, at most one of each. */
const RECEIVE = 0;
const ROOM = 1;
const SEND = 2;
const ARRIVAL = 3;

/**
 * Results that say nothing of the connection: there was no buffer left, or no
 * memory, or it was interrupted or cancelled.
 */
const RETRIED: ReadonlySet<number> = new Set([
  EAGAIN,
  ECANCELED,
  EINTR,
  ENOBUFS,
  ENOMEM,
]);

/**
 * The data of one connection. A receive that finds nothing is posted, and gets
 * its buffer when something arrives; small sends of many leave together, others
 * are calls.
 *
 * The buffer belongs to the kernel until the completion, and to this object
 * until it was read.
 */
export class UringStream extends DirectSocket implements Owner {
  readonly #uring: Uring;
  readonly #index: number;
  /** Whether a receive is posted, and whether one waits for room to send. */
  #receives = false;
  #polls = false;
  /** What is being sent; -1 for nothing. */
  #slot = -1;
  /** The outcome of what was sent, until somebody asks for it. */
  #sent: number | null = null;
  /** The buffer with what was not read; -1 for none. */
  #buffer = -1;
  #start = 0;
  #end = 0;
  /** Whether a call may get something: more has come than a buffer takes. */
  #tries = false;
  /**
   * Whether much comes at a time: then calls receive it where it is wanted, and
   * the ring only tells that something is there.
   */
  #bulk = false;
  /** Whether the stream has ended, or broken. */
  #over = false;
  #closed = false;

  constructor(
    socket: LinuxSocket,
    watcher: RioWatcher,
    options: DirectSystem & { uring: Uring },
  ) {
    super(socket, watcher, options);
    this.#uring = options.uring;
    this.#index = this.#uring.enlist(this);
  }

  override get mayReceive(): boolean {
    return this.#buffer >= 0 || this.#over || this.#tries;
  }

  override receive(into: Uint8Array): number {
    if (this.#closed) return super.receive(into);
    if (this.#buffer >= 0) return this.#take(into);
    if (this.#over) return -this.socket.broken;
    if (this.#tries) {
      const got = super.receive(into);
      this.#tries = got === lengthOf(into);
      this.#bulk = got >= BUFFER_SIZE || this.#bulk && got < 0;
      if (got !== -WSAEWOULDBLOCK) return got;
    }
    if (!this.#receives) {
      const index = this.#index;
      if (this.#bulk) this.#uring.poll(this.fd, POLLIN, index, ARRIVAL);
      else this.#uring.receive(this.fd, index, RECEIVE);
      this.#receives = true;
    }
    return -WSAEWOULDBLOCK;
  }

  override send(from: Uint8Array, atOnce: boolean = false): number {
    const sent = this.#sent;
    if (sent !== null) {
      this.#sent = null;
      return sent;
    }
    if (this.#slot >= 0) return -WSAEWOULDBLOCK;
    const length = lengthOf(from);
    if (atOnce || this.#closed || length === 0 || length > SLOT_SIZE) {
      return super.send(from);
    }
    const slot = this.#uring.takeSlot();
    if (slot < 0) return super.send(from);
    this.#uring.slots.fill(slot, from, length);
    this.#uring.send(this.fd, slot, length, this.#index, SEND);
    this.#slot = slot;
    return -WSAEWOULDBLOCK;
  }

  completed(kind: number, result: number, flags: number): boolean {
    if (kind === ROOM) {
      this.#polls = false;
      if (!this.#closed) this.writable();
    } else if (kind === SEND) {
      this.#uring.slots.give(this.#slot);
      this.#slot = -1;
      // Without an outcome it is sent again.
      if (!RETRIED.has(-result)) {
        this.#sent = result < 0 ? -this.streamError(-result) : result;
      }
      if (!this.#closed) this.writable();
    } else if (kind === ARRIVAL) {
      this.#receives = false;
      // Whatever it is, a call tells.
      this.#tries = true;
      if (!this.#closed) this.readable();
    } else {
      this.#receives = false;
      this.#received(result, flags);
    }
    if (this.#closed) this.#settle();
    return kind !== SEND;
  }

  broken(errno: number): void {
    const sends = this.#slot >= 0;
    this.#receives = this.#polls = false;
    // The slot stays with the kernel, which may still read it.
    this.#slot = -1;
    if (this.#closed) return this.#settle();
    this.socket.broken ||= errno;
    this.#over = true;
    if (sends) this.#sent = -errno;
    this.readable();
    this.writable();
  }

  override closing(): void {
    this.#closed = true;
    const uring = this.#uring;
    if (this.#receives) {
      uring.cancel(this.#index, this.#bulk ? ARRIVAL : RECEIVE);
    }
    if (this.#polls) uring.cancel(this.#index, ROOM);
    if (this.#slot >= 0) uring.cancel(this.#index, SEND);
    uring.submit();
    this.#giveBack();
    super.closing();
    this.#settle();
  }

  protected override watchRoom(): number {
    if (this.#uring.broken) return WSAENOBUFS;
    if (!this.#polls) {
      this.#uring.poll(this.fd, POLLOUT, this.#index, ROOM);
      this.#polls = true;
    }
    return 0;
  }

  #received(result: number, flags: number): void {
    if (result > 0) {
      this.#buffer = flags >>> IORING_CQE_BUFFER_SHIFT;
      this.#start = 0;
      this.#end = result;
      this.#tries = this.#bulk = result === BUFFER_SIZE;
      if (this.#closed) this.#giveBack();
    } else if (result === 0) {
      this.#over = true;
    } else if (RETRIED.has(-result)) {
      this.#tries = true;
    } else {
      this.streamError(-result);
      this.#over = true;
    }
    if (!this.#closed) this.readable();
  }

  /** Copies what is in the buffer, and gives it back when all was taken. */
  #take(into: Uint8Array): number {
    const start = this.#start;
    const count = Math.min(this.#end - start, lengthOf(into));
    this.#uring.buffers.copy(this.#buffer, start, start + count, into);
    this.#start += count;
    if (this.#start === this.#end) this.#giveBack();
    return count;
  }

  #giveBack(): void {
    if (this.#buffer < 0) return;
    this.#uring.buffers.give(this.#buffer);
    this.#buffer = -1;
  }

  /** Leaves the ring, once nothing is in flight. */
  #settle(): void {
    if (!this.#receives && !this.#polls && this.#slot < 0) {
      this.#uring.dismiss(this.#index);
    }
  }
}
