/**
 * Room for what is sent: copied here, it is the kernel's until it has left.
 *
 * @module
 */
import { copyBytes } from "../../plain_bytes.ts";
import type { Ring } from "./ring.ts";

/** Slots that there are. */
const COUNT = 1024;
/** Bytes of each. */
export const SLOT_SIZE = 2048;

/** Slots; the one that was used last comes first: it is in the caches. */
export class Slots {
  /** The memory is the ring's, and goes with it. */
  #bytes: Uint8Array;
  readonly #free: number[] = [];
  readonly #low: number;
  readonly #high: number;

  /**
   * Takes memory.
   *
   * @throws {Deno.errors.NotSupported} If the system has no room.
   */
  constructor(ring: Ring) {
    const { bytes, address } = ring.allocate(COUNT * SLOT_SIZE);
    this.#bytes = bytes;
    this.#low = Number(address & 0xFFFFFFFFn);
    this.#high = Number(address >> 32n);
    for (let slot = COUNT - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  /** Takes a slot; -1 where none is left. */
  take(): number {
    return this.#free.pop() ?? -1;
  }

  /** Takes a slot back that the kernel does not use. */
  give(slot: number): void {
    this.#free.push(slot);
  }

  /** Copies into a slot. */
  fill(slot: number, bytes: Uint8Array, length: number): void {
    copyBytes(bytes, 0, length, this.#bytes, slot * SLOT_SIZE);
  }

  /** Forgets the memory, which is about to be unmapped. */
  close(): void {
    this.#bytes = new Uint8Array(0);
  }

  /** The low word of the address of a slot. */
  low(slot: number): number {
    return (this.#low + slot * SLOT_SIZE) | 0;
  }

  /** The high word. */
  high(slot: number): number {
    return this.#low + slot * SLOT_SIZE > 0xFFFFFFFF
      ? this.#high + 1
      : this.#high;
  }
}
