/**
 * A registered block and its slices.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { RioBackend, RioBuf, RioHandle } from "../../ffi/contract.ts";
import { errorName } from "../../ffi/errors.ts";
import { allocate, type RioMemory } from "../../ffi/memory.ts";

/** Slices start where addresses and control messages may. */
const ALIGNMENT = 8;

/** One registration, of which parts are handed out in order. */
export class Slab {
  /** The registration. */
  readonly id: RioHandle;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  #used = 0;

  /** Allocates and registers a block, or registers memory that is given. */
  constructor(rio: RioBackend, memory: number | RioMemory) {
    const block = typeof memory === "number" ? allocate(memory) : memory;
    this.bytes = block.bytes;
    this.id = rio.rings.registerBuffer(block);
    assert(
      this.id > 0,
      `RIORegisterBuffer failed with ${errorName(-this.id)}`,
    );
  }

  /** A slice; what it names is not checked. */
  slice(offset: number, length: number): RioBuf {
    return { bufferId: this.id, offset, length };
  }

  /** The next free part. */
  room(length: number): RioBuf {
    const offset = this.#used;
    this.#used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    assert(this.#used <= this.bytes.length, "a statement needs a larger slab");
    return this.slice(offset, length);
  }

  /** Copies text or bytes into the next free part. */
  put(data: string | Uint8Array): RioBuf {
    const bytes = typeof data === "string"
      ? new TextEncoder().encode(data)
      : data;
    const slice = this.room(bytes.length);
    this.bytes.set(bytes, slice.offset);
    return slice;
  }

  /** A copy of what a slice holds. */
  read(slice: RioBuf, byteLength: number = slice.length): Uint8Array {
    return this.bytes.slice(slice.offset, slice.offset + byteLength);
  }

  /** A view of what a slice holds, for reading and writing fields. */
  view({ offset, length }: RioBuf): DataView<ArrayBufferLike> {
    return new DataView(
      this.bytes.buffer,
      this.bytes.byteOffset + offset,
      length,
    );
  }
}
