/**
 * Registered memory, as requests name it.
 *
 * @module
 */
import type { RioBuf, RioMemory } from "../contract.ts";
import type { Handled, HandleTable } from "./handles.ts";

/** One registration. It keeps the memory reachable until it ends. */
export class Registration implements Handled {
  handle = 0;
  /** The bytes, for reads and writes at any alignment. */
  view: DataView;
  /** Bytes registered. */
  readonly length: number;
  #bytes: Uint8Array;
  /** The lower 32 bits of the address. */
  readonly low: number;
  /** The upper 32 bits of the address. */
  readonly high: number;

  /** Starts a registration. */
  constructor(memory: RioMemory) {
    const { bytes, address } = memory;
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = bytes.byteLength;
    this.low = Number(address & 0xFFFFFFFFn);
    this.high = Number(address >> 32n);
  }

  /** Whether the kernel may still be given the address. */
  get usable(): boolean {
    // The length of bytes whose buffer was detached is 0.
    return this.#bytes.byteLength === this.length;
  }

  /** Ends the registration; requests that name it still keep no memory. */
  end(): void {
    this.#bytes = new Uint8Array();
    this.view = new DataView(this.#bytes.buffer);
  }
}

/**
 * The registration of a slice that lies inside it.
 *
 * @param atLeast Bytes that the slice must have.
 * @returns It, or `undefined` for a dead registration, or a slice that is out
 * of range or too short.
 */
export function findSlice(
  registrations: HandleTable<Registration>,
  slice: RioBuf,
  atLeast: number,
): Registration | undefined {
  const registration = registrations.get(slice.bufferId);
  const { offset, length } = slice;
  return registration !== undefined && length >= atLeast &&
      offset >>> 0 === offset && length >>> 0 === length &&
      offset + length <= registration.length && registration.usable
    ? registration
    : undefined;
}
