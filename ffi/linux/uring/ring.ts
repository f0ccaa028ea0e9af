/**
 * An io_uring: the two rings that the kernel shares with this process.
 *
 * @module
 */
import { IN_WORKER, type RioMemory } from "../../memory.ts";
import { hold, release } from "../descriptors.ts";
import { errnoName, winsockError } from "../errno.ts";
import { EINTR } from "../errno_numbers.ts";
import type { LinuxLibrary } from "../library.ts";
import type { UringSymbols } from "./library.ts";
import * as uring from "./numbers.ts";
import { CQE, PARAMS, SQE } from "./numbers.ts";

/** Entries that can be written before they have to be submitted. */
const ENTRIES = 1024;
/** Completions that have room; the kernel keeps what finds none. */
const COMPLETIONS = 4096;

/**
 * Completions come when this thread asks for them, and a flag says that there
 * are some: other calls of the thread are not held up, and what many sockets
 * were sent is dealt with in one go.
 */
const FLAGS = uring.IORING_SETUP_CQSIZE | uring.IORING_SETUP_TASKRUN_FLAG |
  uring.IORING_SETUP_SINGLE_ISSUER | uring.IORING_SETUP_DEFER_TASKRUN;
const FEATURES = uring.IORING_FEAT_SINGLE_MMAP | uring.IORING_FEAT_NODROP;
/** What only a call does. */
const DUE = uring.IORING_SQ_CQ_OVERFLOW | uring.IORING_SQ_TASKRUN;

/**
 * Room for the rings where we give it: as the kernel lays them out, with some
 * of their size to spare.
 */
const RINGS = 4096 + 4 * ENTRIES + 4 * CQE.words * COMPLETIONS;

/** So often a full ring is submitted, before nothing more is written to it. */
const ATTEMPTS = 100;

const NONE = new Int32Array(0);

/** Memory that was mapped. */
interface Mapped {
  readonly address: bigint;
  readonly length: bigint;
}

/** Who is told what has completed. */
export interface Completions {
  /**
   * Takes note of a completion.
   *
   * @param result What the system call would have returned, or minus its error.
   * @returns Whether it comes from elsewhere: more may come soon.
   */
  completed(userData: number, result: number, flags: number): boolean;
}

/** The rings of one thread. */
export class Ring {
  readonly #library: LinuxLibrary;
  readonly #symbols: UringSymbols;
  #fd: number;
  /** What the kernel shares of the ring, and other memory. */
  readonly #shared: Mapped[] = [];
  readonly #mapped: Mapped[] = [];
  /** What the kernel says that it has, as bits. */
  readonly features: number;
  /** Both rings: heads, tails and flags, then completions. */
  #words: Int32Array = NONE;
  #entries: Int32Array = NONE;
  readonly #at: Int32Array;
  readonly #mask: number;
  readonly #cqMask: number;
  /** Entries written, and submitted; they wrap around at 32 bits. */
  #tail = 0;
  #submitted = 0;
  #head = 0;
  /** Whether completions signal the eventfd; see {@linkcode Ring.setSignals}. */
  signals = true;

  /**
   * Opens a ring.
   *
   * @throws {Deno.errors.NotSupported} If the kernel or a sandbox has none.
   */
  constructor(library: LinuxLibrary, symbols: UringSymbols) {
    this.#library = library;
    this.#symbols = symbols;
    const params = new Int32Array(PARAMS.bytes / 4);
    params[PARAMS.flags] = FLAGS;
    params[PARAMS.cqEntries] = COMPLETIONS;
    if (IN_WORKER) this.#giveMemory(params);
    const bytes = new Uint8Array(params.buffer);
    this.#fd = symbols.io_uring_setup(uring.SYS_IO_URING_SETUP, ENTRIES, bytes);
    try {
      if (this.#fd < 0) throw this.#unavailable("io_uring_setup");
      hold(library, this.#fd, () => this.#unload());
      this.features = params[PARAMS.features]!;
      if ((this.features & FEATURES) !== FEATURES) {
        throw new Deno.errors.NotSupported(
          "Cannot use io_uring: the kernel is too old",
        );
      }
      const entries = params[PARAMS.entries]!;
      const completions = params[PARAMS.cqEntries]!;
      if (!IN_WORKER) {
        const size = Math.max(
          params[PARAMS.sqArray]! + 4 * entries,
          params[PARAMS.cqes]! + 4 * CQE.words * completions,
        );
        this.#words = this.#share(size, uring.IORING_OFF_SQ_RING);
        this.#entries = this.#share(
          4 * SQE.words * entries,
          uring.IORING_OFF_SQES,
        );
      }
      this.#mask = entries - 1;
      this.#cqMask = completions - 1;
      // Where things are, in words.
      this.#at = params.map((offset) => offset >> 2);
      const array = this.#at[PARAMS.sqArray]!;
      for (let i = 0; i < entries; i++) this.#words[array + i] = i;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether there are entries that were not submitted. */
  get pending(): boolean {
    return this.#tail !== this.#submitted;
  }

  /** Receives into a buffer of a group, as soon as something arrives. */
  receive(fd: number, group: number, userData: number): void {
    const at = this.#write(uring.IORING_OP_RECV, fd, userData);
    this.#choose(at, group);
  }

  /** Reads into a buffer of a group. */
  read(fd: number, group: number, userData: number): void {
    const at = this.#write(uring.IORING_OP_READ, fd, userData);
    this.#choose(at, group);
  }

  /** Sends from an address in two words, with flags of send(2). */
  send(
    fd: number,
    low: number,
    high: number,
    length: number,
    flags: number,
    userData: number,
  ): void {
    const at = this.#write(uring.IORING_OP_SEND, fd, userData);
    this.#place(at, low, high, length);
    this.#entries[at + SQE.options] = flags;
  }

  /** Receives at an address in two words, as soon as something arrives. */
  receiveAt(
    fd: number,
    low: number,
    high: number,
    length: number,
    userData: number,
  ): void {
    const at = this.#write(uring.IORING_OP_RECV, fd, userData);
    this.#place(at, low, high, length);
  }

  /** Completes once a descriptor is ready for one of the events of poll(2). */
  poll(fd: number, events: number, userData: number): void {
    const at = this.#write(uring.IORING_OP_POLL_ADD, fd, userData);
    this.#entries[at + SQE.options] = events;
  }

  /** Ends what has this user data; both complete. */
  cancel(target: number, userData: number): void {
    const at = this.#write(uring.IORING_OP_ASYNC_CANCEL, -1, userData);
    this.#entries[at + SQE.address] = target;
  }

  /** Writes an entry, which {@linkcode Ring.enter} submits; returns its place. */
  #write(operation: number, fd: number, userData: number): number {
    for (let i = 0; ((this.#tail - this.#submitted) | 0) > this.#mask; i++) {
      if (i === ATTEMPTS) throw new RangeError("Cannot write to a full ring");
      this.enter();
    }
    const at = (this.#tail & this.#mask) * SQE.words;
    const entries = this.#entries;
    // A loop, because `fill()` is slow for so few.
    for (let i = at; i < at + SQE.words; i++) entries[i] = 0;
    entries[at + SQE.operation] = operation;
    entries[at + SQE.fd] = fd;
    entries[at + SQE.userData] = userData;
    this.#tail = (this.#tail + 1) | 0;
    return at;
  }

  #place(at: number, low: number, high: number, length: number): void {
    const entries = this.#entries;
    entries[at + SQE.address] = low;
    entries[at + SQE.address + 1] = high;
    entries[at + SQE.length] = length;
  }

  #choose(at: number, group: number): void {
    this.#entries[at + SQE.operation]! |= uring.IOSQE_BUFFER_SELECT << 8;
    this.#entries[at + SQE.group] = group;
  }

  /**
   * Submits what was written, and has the kernel do what is due.
   *
   * @returns 0 or an error number: then nothing was submitted.
   */
  enter(): number {
    const { errno } = this.#library;
    const sqTail = this.#at[PARAMS.sqTail]!;
    Atomics.store(this.#words, sqTail, this.#tail);
    for (;;) {
      const count = (this.#tail - this.#submitted) | 0;
      const result = this.#symbols.io_uring_enter(
        uring.SYS_IO_URING_ENTER,
        this.#fd,
        count,
        0,
        uring.IORING_ENTER_GETEVENTS,
        0n,
        0n,
      );
      if (result >= 0) {
        this.#submitted = (this.#submitted + result) | 0;
        // Less than all only where the kernel has no memory for one.
        if (result >= count || result === 0) return 0;
      } else if (errno[0] !== EINTR) {
        return winsockError(errno[0]!);
      }
    }
  }

  /** Whether the kernel has something to do that only a call does. */
  get due(): boolean {
    const flags = Atomics.load(this.#words, this.#at[PARAMS.sqFlags]!);
    return (flags & DUE) !== 0;
  }

  /** Whether {@linkcode Ring.enter} has something to do. */
  get wanting(): boolean {
    return this.#tail !== this.#submitted || this.due;
  }

  /** Whether there are completions that were not taken. */
  get ready(): boolean {
    const tail = Atomics.load(this.#words, this.#at[PARAMS.cqTail]!);
    return tail !== this.#head;
  }

  /**
   * Tells what has completed; returns how much of it came from elsewhere.
   *
   * @param most The most completions to tell of.
   */
  reap(completions: Completions, most: number): number {
    const words = this.#words;
    const base = this.#at[PARAMS.cqes]!;
    const tail = Atomics.load(words, this.#at[PARAMS.cqTail]!);
    let arrivals = 0;
    // Whoever is told may reap himself.
    for (let i = 0; i < most && ((tail - this.#head) | 0) > 0; i++) {
      const at = base + (this.#head & this.#cqMask) * CQE.words;
      const userData = words[at + CQE.userData]!;
      const result = words[at + CQE.result]!;
      const flags = words[at + CQE.flags]!;
      this.#head = (this.#head + 1) | 0;
      if (completions.completed(userData, result, flags)) arrivals++;
    }
    Atomics.store(words, this.#at[PARAMS.cqHead]!, this.#head);
    return arrivals;
  }

  /** Whether there is nothing to submit, and nothing to take. */
  get empty(): boolean {
    return this.#tail === this.#submitted && !this.ready;
  }

  /** Says whether completions signal the eventfd. */
  setSignals(on: boolean): void {
    this.signals = on;
    const flags = on ? 0 : uring.IORING_CQ_EVENTFD_DISABLED;
    Atomics.store(this.#words, this.#at[PARAMS.cqFlags]!, flags);
  }

  /** Registers something; 0 or an error number. */
  register(operation: number, argument: Uint8Array, count: number): number {
    const result = this.#symbols.io_uring_register(
      uring.SYS_IO_URING_REGISTER,
      this.#fd,
      operation,
      argument,
      count,
    );
    return result < 0 ? winsockError(this.#library.errno[0]!) : 0;
  }

  /**
   * Makes zeroed memory that the kernel may write to until the ring is closed.
   * The system keeps it when the thread ends, as it keeps the ring.
   *
   * @throws {Deno.errors.NotSupported} If the system has no room.
   */
  allocate(size: number): RioMemory {
    const flags = uring.MAP_PRIVATE_ANONYMOUS;
    const place = { flags, fd: -1, offset: 0n };
    const { buffer, address } = this.#map(this.#mapped, size, place);
    return { bytes: new Uint8Array(buffer), address };
  }

  /** Ends the ring and its memory, which nothing in flight may use. */
  close(): void {
    // Nothing reads these any more: they are about to be unmapped.
    this.#words = this.#entries = NONE;
    this.#unmap(this.#shared);
    this.#unmap(this.#mapped);
    release(this.#library, this.#fd);
  }

  /**
   * Ends the ring, so that the kernel lets sockets go that are in flight: what
   * is mapped of it would keep it. Whoever goes on finds a ring that nobody
   * serves.
   */
  #unload(): void {
    this.#words = new Int32Array(this.#words.length);
    this.#entries = new Int32Array(this.#entries.length);
    this.#unmap(this.#shared);
    this.#library.symbols.close(this.#fd);
    this.#fd = -1;
  }

  /**
   * Gives the kernel memory for both rings: closing the descriptor is all that
   * can be done when a worker ends, and what is mapped of a ring keeps it, and
   * with it every socket that is in flight.
   */
  #giveMemory(params: Int32Array): void {
    const give = (size: number, at: number): Int32Array => {
      const { bytes: { buffer }, address } = this.allocate(size);
      new BigUint64Array(params.buffer, 4 * at, 1)[0] = address;
      return new Int32Array(buffer);
    };
    params[PARAMS.flags]! |= uring.IORING_SETUP_NO_MMAP;
    this.#words = give(RINGS, PARAMS.cqMemory);
    this.#entries = give(4 * SQE.words * ENTRIES, PARAMS.sqMemory);
  }

  /** Maps what the kernel shares of the ring. */
  #share(size: number, offset: bigint): Int32Array {
    const place = { flags: uring.MAP_SHARED_POPULATE, fd: this.#fd, offset };
    return new Int32Array(this.#map(this.#shared, size, place).buffer);
  }

  #unmap(all: Mapped[]): void {
    for (const { address, length } of all.splice(0)) {
      this.#symbols.munmap(address, length);
    }
  }

  #map(
    all: Mapped[],
    size: number,
    { flags, fd, offset }: { flags: number; fd: number; offset: bigint },
  ): { buffer: ArrayBuffer; address: bigint } {
    const length = BigInt(size);
    const { mmap } = this.#symbols;
    const mapped = mmap(0n, length, uring.PROT_READ_WRITE, flags, fd, offset);
    const address = BigInt(mapped);
    // MAP_FAILED is -1.
    if (BigInt.asIntN(64, address) === -1n) throw this.#unavailable("mmap");
    all.push({ address, length });
    const pointer = Deno.UnsafePointer.create(address)!;
    const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
    return { buffer, address };
  }

  #unavailable(call: string): Error {
    const code = this.#library.errno[0]!;
    return new Deno.errors.NotSupported(
      `Cannot use io_uring: ${call} failed with errno ${code} (${
        errnoName(code)
      })`,
    );
  }
}
