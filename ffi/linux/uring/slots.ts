/**
 * Room for what is sent: copied here, it is the kernel's until it has left.
 *
 * @module
 */
import { allocate, type RioMemory } from "../../memory.ts";

/** Slots that there are. */
const COUNT = 1024;
/** Bytes of each. */
export const SLOT_SIZE = 2048;

/** Slots; the one that was used last comes first: it is in the caches. */
export class Slots {
  readonly #memory: RioMemory = allocate(COUNT * SLOT_SIZE);
  readonly #free: number[] = [];
  readonly #low: number;
  readonly #high: number;

  constructor() {
    const { address } = this.#memory;
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
    const at = slot * SLOT_SIZE;
    if (length > 64) return this.#memory.bytes.set(bytes, at);
    for (let i = 0; i < length; i++) this.#memory.bytes[at + i] = bytes[i]!;
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
