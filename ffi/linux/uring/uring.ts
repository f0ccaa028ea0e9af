/**
 * The io_uring of a thread: everything that its sockets wrote leaves with one
 * call, and one look tells all of them what has completed.
 *
 * @module
 */
import { errorName } from "../../errors.ts";
import { DisposableStack } from "../../globals.ts";
import { inNextTurn } from "../../clock.ts";
import { afterContinuations } from "../../turns.ts";
import { release } from "../descriptors.ts";
import { openEventfd } from "../eventfd.ts";
import type { LinuxLibrary } from "../library.ts";
import { MSG_NOSIGNAL, MSG_WAITALL } from "../numbers.ts";
import { Buffers, GROUP } from "./buffers.ts";
import { featureNames } from "./features.ts";
import { openUringLibrary, type UringLibrary } from "./library.ts";
import {
  IORING_CQE_BUFFER_SHIFT,
  IORING_REGISTER_EVENTFD,
  IORING_UNREGISTER_EVENTFD,
} from "./numbers.ts";
import { type Completions, Ring } from "./ring.ts";
import { Slots } from "./slots.ts";

/** After so many calls the event loop has its turn. */
const CALLS_PER_TURN = 64;
/** So many calls may fail in a row; one each turn of the event loop. */
const FAILURES = 100;
/**
 * Buffers for what arrives, and has not been read. Where there is none left,
 * receives are tried by calls.
 */
const BUFFERS = 1024;
/**
 * So many completions are told by one look: what they cause is done before the
 * next, while their memory is still in the caches.
 */
const TOLD_PER_LOOK = 32;
/** So often it is looked whether what was cancelled has ended. */
const LAST_LOOKS = 1000;

/** All of it, and no signal where the connection is broken. */
const SEND_FLAGS = MSG_WAITALL | MSG_NOSIGNAL;

/** Bits of the user data that say what an owner has asked for. */
const KIND_BITS = 2;
/** What has no owner: a request to cancel another one, and the probe. */
const NOBODY = 0;

/** How a ring is opened. */
export interface UringOptions {
  /** Opens the functions to call. */
  open?: () => UringLibrary;
  /** Buffers for what arrives; a power of two. */
  buffers?: number;
}

/** Who has requests in the ring. */
export interface Owner {
  /** Takes note that the ring is broken: nothing of this owner completes. */
  broken(errno: number): void;
  /**
   * Takes note that a request has ended.
   *
   * @param kind Which one, of those that the owner has.
   * @param result What the system call would have returned, or minus its error.
   * @returns Whether it comes from elsewhere: more may come soon.
   */
  completed(kind: number, result: number, flags: number): boolean;
}

/** Rings that could not be drained: the kernel may still write for them. */
const kept: Uring[] = [];

/** The io_uring of a thread. */
export class Uring implements Completions {
  /** Where what arrives is put. */
  readonly buffers: Buffers;
  /** Where what is sent waits. */
  readonly slots: Slots;
  readonly #library: LinuxLibrary;
  readonly #calls: UringLibrary;
  readonly #ring: Ring;
  /** By index; the first is nobody's. */
  readonly #owners: (Owner | null)[] = [null];
  readonly #free: number[] = [];
  /** Requests that have not completed. */
  #inFlight = 0;
  #scheduled = false;
  /** Whether anything was sent since the last look. */
  #sends = false;
  #count = 0;
  /** Whether completions signal, because somebody sleeps until they do. */
  #signals = false;
  /** Calls that have failed in a row. */
  #failures = 0;
  #closed = false;
  #broken = false;
  /** What the probe has read. */
  #probed = 0;

  /**
   * Opens a ring, and makes sure that it works.
   *
   * @param library How to call the kernel.
   * @param eventfd Is signalled by what completes in a sleep.
   * @param options What it is made of.
   * @throws {Deno.errors.NotSupported} If it does not work here, with the reason.
   */
  constructor(
    library: LinuxLibrary,
    eventfd: number,
    { open = openUringLibrary, buffers = BUFFERS }: UringOptions = {},
  ) {
    this.#library = library;
    using stack = new DisposableStack();
    const calls = stack.use(open());
    this.#calls = calls;
    const ring = new Ring(library, calls.symbols);
    this.#ring = ring;
    stack.defer(() => ring.close());
    this.buffers = new Buffers(ring, buffers);
    this.slots = new Slots(ring);
    this.#probe();
    ring.setSignals(false);
    this.setEventfd(eventfd);
    stack.move();
  }

  /** Reads from an eventfd that is signalled: only a ring that works does. */
  #probe(): void {
    const fd = openEventfd(this.#library, 1);
    let errno = 0;
    try {
      this.#ring.read(fd, GROUP, NOBODY);
      errno = this.#ring.enter();
      this.#ring.reap(this, 1);
    } finally {
      release(this.#library, fd);
    }
    if (this.#probed === 8) return;
    const name = errno === 0 ? "no error" : errorName(errno);
    throw new Deno.errors.NotSupported(
      `Cannot use io_uring: io_uring_enter gave ${name}, and a read ${this.#probed} in place of 8 bytes`,
    );
  }

  /** Has another eventfd signalled. */
  setEventfd(eventfd: number): void {
    const argument = new Uint8Array(new Int32Array([eventfd]).buffer);
    this.#ring.register(IORING_UNREGISTER_EVENTFD, argument, 0);
    const errno = this.#ring.register(IORING_REGISTER_EVENTFD, argument, 1);
    if (errno === 0) return;
    throw new Deno.errors.NotSupported(
      `Cannot use io_uring: io_uring_register failed for an eventfd with ${
        errorName(errno)
      }`,
    );
  }

  /** What the kernel says that it has, by its names. */
  get features(): readonly string[] {
    return featureNames(this.#ring.features);
  }

  /** Whether it does not work any more; what is in flight never completes. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Whether something has completed that was not told. */
  get ready(): boolean {
    return !this.#broken && this.#ring.ready;
  }

  /** Gives an owner an index, for its requests. */
  enlist(owner: Owner): number {
    const index = this.#free.pop() ?? this.#owners.length;
    this.#owners[index] = owner;
    return index;
  }

  /** Takes an index back, once no request of its owner is in flight. */
  dismiss(index: number): void {
    this.#owners[index] = null;
    this.#free.push(index);
  }

  /** Receives into a buffer, as soon as something arrives. */
  receive(fd: number, index: number, kind: number): void {
    this.#ring.receive(fd, GROUP, index << KIND_BITS | kind);
    this.#begun();
  }

  /**
   * A slot to send with what others send; -1 where there is none, or nobody has
   * sent anything yet: one alone leaves sooner by a call.
   */
  takeSlot(): number {
    if (!this.#sends || this.#broken) {
      this.#sends = true;
      return -1;
    }
    return this.slots.take();
  }

  /** Sends so much of a slot. */
  send(
    fd: number,
    slot: number,
    length: number,
    index: number,
    kind: number,
  ): void {
    const { slots } = this;
    const low = slots.low(slot);
    const high = slots.high(slot);
    this.sendFrom(fd, low, high, length, index, kind);
  }

  /** Sends from an address in two words, all of it. */
  sendFrom(
    fd: number,
    low: number,
    high: number,
    length: number,
    index: number,
    kind: number,
  ): void {
    const userData = index << KIND_BITS | kind;
    this.#ring.send(fd, low, high, length, SEND_FLAGS, userData);
    this.#begun();
  }

  /** Receives at an address in two words, as soon as something arrives. */
  receiveAt(
    fd: number,
    low: number,
    high: number,
    length: number,
    index: number,
    kind: number,
  ): void {
    const userData = index << KIND_BITS | kind;
    this.#ring.receiveAt(fd, low, high, length, userData);
    this.#begun();
  }

  /** Completes when a descriptor is ready for one of the events of poll(2). */
  poll(fd: number, events: number, index: number, kind: number): void {
    this.#ring.poll(fd, events, index << KIND_BITS | kind);
    this.#begun();
  }

  /** Ends a request, which completes soon. */
  cancel(index: number, kind: number): void {
    if (this.#broken) return;
    this.#ring.cancel(index << KIND_BITS | kind, NOBODY);
    this.#soon();
  }

  /**
   * Submits what was written for a descriptor that is about to be closed: its
   * number may be another's a moment later.
   */
  submit(): void {
    if (this.#broken) return;
    for (let i = 0; i < FAILURES && this.#ring.pending; i++) this.#ring.enter();
  }

  /** Submits what was written, and tells what has completed; how much arrived. */
  collect(): number {
    const ring = this.#ring;
    if (this.#broken) return 0;
    this.#sends = false;
    if (this.#inFlight === 0 && ring.empty) return 0;
    let told = 0;
    do {
      // Who sleeps is not told of what is told here.
      if (ring.signals) ring.setSignals(false);
      const errno = ring.wanting ? ring.enter() : 0;
      told += ring.reap(this, TOLD_PER_LOOK);
      if (errno !== 0) {
        this.#failed(errno);
        return told;
      }
      this.#failures = 0;
      this.buffers.publish();
      if (ring.ready) {
        this.#soon();
        return told;
      }
      if (!this.#signals) return told;
      ring.setSignals(true);
      // What has come meanwhile did not signal. The kernel may say that it has
      // something to do when that was done already, and goes on saying so: it is
      // asked once, because whatever comes after that signals.
      if (ring.due && !ring.ready) {
        const error = ring.enter();
        if (error !== 0) {
          this.#failed(error);
          return told;
        }
      }
    } while (ring.ready);
    return told;
  }

  /**
   * Tells what has completed, and has what completes signal, until
   * {@linkcode Uring.wake}; how much arrived.
   */
  sleep(): number {
    this.#signals = true;
    // What is begun in the sleep has a look, which sees to the signals.
    if (this.#inFlight === 0) return 0;
    const ring = this.#ring;
    ring.setSignals(true);
    return ring.wanting || ring.ready ? this.collect() : 0;
  }

  /** Ends {@linkcode Uring.sleep}. */
  wake(): void {
    this.#signals = false;
    if (this.#ring.signals) this.#ring.setSignals(false);
  }

  completed(userData: number, result: number, flags: number): boolean {
    const index = userData >>> KIND_BITS;
    if (index === 0) {
      this.#probed = result;
      if (result === 8) this.buffers.give(flags >>> IORING_CQE_BUFFER_SHIFT);
      return false;
    }
    this.#inFlight--;
    const kind = userData & ((1 << KIND_BITS) - 1);
    return this.#owners[index]!.completed(kind, result, flags);
  }

  /** Ends the ring; all who have requests in it have cancelled them. */
  close(): void {
    this.#closed = true;
    this.wake();
    for (let i = 0; i < LAST_LOOKS && this.#inFlight > 0; i++) this.collect();
    // The kernel may still write to the buffers.
    if (this.#inFlight > 0) return void kept.push(this);
    this.buffers.close();
    this.slots.close();
    this.#ring.close();
    this.#calls[Symbol.dispose]();
  }

  /** A call has failed: it is made again in the next turn of the event loop. */
  #failed(errno: number): void {
    if (++this.#failures < FAILURES) {
      inNextTurn(this.#goOn);
      return;
    }
    this.#broken = true;
    for (const owner of [...this.#owners]) owner?.broken(errno);
  }

  #begun(): void {
    this.#inFlight++;
    this.#soon();
  }

  /** Submits when those who were told of something have gone on. */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (++this.#count % CALLS_PER_TURN === 0) inNextTurn(this.#goOn);
    else afterContinuations(this.#goOn);
  }

  readonly #goOn = (): void => {
    this.#scheduled = false;
    if (!this.#closed) this.collect();
  };
}
