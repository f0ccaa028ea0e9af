/**
 * Buffers that receives choose from when something arrives, so that idle
 * connections hold none.
 *
 * @module
 */
import { copyBytes } from "../../plain_bytes.ts";
import { IORING_REGISTER_PBUF_RING } from "./numbers.ts";
import type { Ring } from "./ring.ts";

/** Bytes of each. */
export const BUFFER_SIZE = 2048;
/** The name of the group. */
export const GROUP = 1;

/** `struct io_uring_buf`, in 32-bit words. */
const BUF = { words: 4, address: 0, length: 2, id: 3 } as const;
/** The tail of the ring is where the first entry has nothing, in 16-bit words. */
const TAIL = 7;
/** `struct io_uring_buf_reg`. */
const REGISTRATION = { bytes: 40, entries: 8, group: 12 } as const;

/** A group of buffers; the kernel may write to each that was given to it. */
export class Buffers {
  /** The memory is the ring's, and goes with it. */
  #bytes: Uint8Array;
  #words: Uint32Array;
  #halves: Uint16Array;
  readonly #low: number;
  readonly #high: number;
  readonly #mask: number;
  #tail = 0;

  /**
   * Registers the group, and gives all buffers to the kernel.
   *
   * @param ring Where it is registered.
   * @param count How many buffers; a power of two.
   * @throws {Deno.errors.NotSupported} If the kernel has no such groups, or the
   * system no room.
   */
  constructor(ring: Ring, count: number) {
    this.#mask = count - 1;
    const { bytes: { buffer }, address: list } = ring.allocate(
      4 * BUF.words * count,
    );
    this.#words = new Uint32Array(buffer);
    this.#halves = new Uint16Array(buffer);
    const { bytes, address } = ring.allocate(count * BUFFER_SIZE);
    this.#bytes = bytes;
    this.#low = Number(address & 0xFFFFFFFFn);
    this.#high = Number(address >> 32n);
    const argument = new Uint8Array(REGISTRATION.bytes);
    const view = new DataView(argument.buffer);
    view.setBigUint64(0, list, true);
    view.setUint32(REGISTRATION.entries, count, true);
    view.setUint16(REGISTRATION.group, GROUP, true);
    const errno = ring.register(IORING_REGISTER_PBUF_RING, argument, 1);
    if (errno !== 0) {
      throw new Deno.errors.NotSupported(
        `Cannot use io_uring: io_uring_register failed for a group of buffers (${errno})`,
      );
    }
    for (let id = 0; id < count; id++) this.give(id);
    this.publish();
  }

  /** Copies a part of what has arrived in a buffer. */
  copy(id: number, start: number, end: number, into: Uint8Array): void {
    const from = id * BUFFER_SIZE;
    copyBytes(this.#bytes, from + start, from + end, into);
  }

  /** Gives a buffer back; {@linkcode Buffers.publish} lets the kernel use it. */
  give(id: number): void {
    const at = (this.#tail & this.#mask) * BUF.words;
    const low = this.#low + id * BUFFER_SIZE;
    this.#words[at + BUF.address] = low;
    this.#words[at + BUF.address + 1] = low > 0xFFFFFFFF
      ? this.#high + 1
      : this.#high;
    this.#words[at + BUF.length] = BUFFER_SIZE;
    this.#halves[2 * (at + BUF.id)] = id;
    this.#tail = (this.#tail + 1) & 0xFFFF;
  }

  /** Forgets the memory, which is about to be unmapped. */
  close(): void {
    this.#bytes = new Uint8Array(0);
    this.#words = new Uint32Array(0);
    this.#halves = new Uint16Array(0);
  }

  /** Lets the kernel use what was given back. */
  publish(): void {
    Atomics.store(this.#halves, TAIL, this.#tail);
  }
}
