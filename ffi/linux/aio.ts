/**
 * One-shot polls of a descriptor by Linux AIO: they end with a signal to an
 * eventfd, and wait on no thread.
 *
 * Sources: io_setup(2), io_submit(2), io_cancel(2), and `linux/aio_abi.h`.
 *
 * @module
 */
import { allocate } from "../memory.ts";
import { EINPROGRESS, EINVAL } from "./errno_numbers.ts";
import type { LinuxLibrary } from "./library.ts";
import { POLLIN } from "./numbers.ts";

/** The numbers of the system calls, which the C library does not wrap. */
const [IO_SETUP, IO_SUBMIT, IO_CANCEL] = Deno.build.arch === "x86_64"
  ? [206n, 209n, 210n]
  : [0n, 2n, 3n];
/** Polls that a context has room for: the one that goes on, and old ones. */
const EVENTS = 8;

/** 32-bit words of a `struct iocb`. */
const IOCB = {
  opcode: 4,
  fd: 5,
  interest: 6,
  flags: 14,
  eventfd: 15,
} as const;
const IOCB_CMD_POLL = 5;
const IOCB_FLAG_RESFD = 1;

/** Bytes of the memory of a poll: the `iocb`, its address, and answers. */
const POINTER_AT = 64;
const CONTEXT_AT = 72;
const RESULT_AT = 80;
const SIZE = 128;

/** What is left of a poll that ends, or has ended by itself. */
const ENDS: ReadonlySet<number> = new Set([EINPROGRESS, EINVAL]);

/** 32-bit words of the ring in which the kernel leaves what has ended. */
const RING = { head: 2, tail: 3, magic: 4, bytes: 20 } as const;
const RING_MAGIC = 0xA10A10A1 | 0;

/**
 * Polls that nobody uses, for the next one who opens one: to destroy a context
 * blocks its thread for some 30 ms. A context is no descriptor, and the system
 * frees it with the process.
 */
const spare: AioPoll[] = [];

/** Whether contexts are as they are known here; so until one was not. */
let known = true;

/** A context with one poll at a time. */
export class AioPoll {
  readonly #context: bigint;
  /** The kernel reads it while a call runs, and writes to the answers only. */
  readonly #words: Int32Array;
  readonly #address: bigint;
  /** What the kernel shares of the context. */
  readonly #ring: Int32Array;
  #armed = false;

  /**
   * Opens a context, or takes one that is spare.
   *
   * @returns It, or `null` where the system has none to give.
   * @throws {RangeError} If the system has no room.
   */
  static open({ symbols }: LinuxLibrary): AioPoll | null {
    const used = spare.pop();
    if (used !== undefined) return used;
    if (!known) return null;
    const { bytes: { buffer }, address } = allocate(SIZE);
    const answer = address + BigInt(CONTEXT_AT);
    if (symbols.io_setup(IO_SETUP, EVENTS, answer) < 0) return null;
    const context = new DataView(buffer).getBigUint64(CONTEXT_AT, true);
    const poll = new AioPoll(context, new Int32Array(buffer), address);
    // A kernel that shares something else cannot be told what was read.
    known = poll.#ring[RING.magic] === RING_MAGIC;
    return known ? poll : null;
  }

  private constructor(context: bigint, words: Int32Array, address: bigint) {
    this.#context = context;
    this.#words = words;
    this.#address = address;
    const ring = Deno.UnsafePointer.create(context)!;
    this.#ring = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(ring, RING.bytes),
    );
    words[IOCB.opcode] = IOCB_CMD_POLL;
    words[IOCB.interest] = POLLIN;
    words[IOCB.flags] = IOCB_FLAG_RESFD;
    new BigUint64Array(words.buffer, POINTER_AT, 1)[0] = address;
  }

  /**
   * Has an eventfd signalled once, as soon as a descriptor can be read; at once
   * if it can be read already.
   *
   * @returns Whether it is armed: the system may refuse.
   */
  arm({ symbols }: LinuxLibrary, fd: number, eventfd: number): boolean {
    if (this.goesOn) return true;
    // What has ended is known by the signal: make room in the ring.
    const tail = Atomics.load(this.#ring, RING.tail);
    Atomics.store(this.#ring, RING.head, tail);
    this.#words[IOCB.fd] = fd;
    this.#words[IOCB.eventfd] = eventfd;
    const list = this.#address + BigInt(POINTER_AT);
    this.#armed = symbols.io_submit(IO_SUBMIT, this.#context, 1n, list) === 1;
    return this.#armed;
  }

  /** Whether a poll goes on: somebody else may have signalled. */
  get goesOn(): boolean {
    const tail = Atomics.load(this.#ring, RING.tail);
    if (tail !== this.#ring[RING.head]) this.#armed = false;
    return this.#armed;
  }

  /** Ends the poll that goes on, and lets somebody else have the context. */
  close({ symbols, errno }: LinuxLibrary): void {
    // One that goes on would keep the descriptor's file for ever. Where it
    // cannot be ended, nobody has the context.
    const answer = this.#address + BigInt(RESULT_AT);
    if (
      this.#armed &&
      symbols.io_cancel(IO_CANCEL, this.#context, this.#address, answer) < 0 &&
      !ENDS.has(errno[0]!)
    ) return;
    this.#armed = false;
    spare.push(this);
  }
}
