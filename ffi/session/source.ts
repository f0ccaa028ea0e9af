/**
 * The memory that a program gives to register.
 *
 * @module
 */
import { assertInteger, refuseType } from "../arguments.ts";
import { allocate, pin, type RioMemory } from "../memory.ts";

/** The length of a registration is 32 bits wide. */
const MAX_LENGTH = 0xFFFFFFFF;

/**
 * Makes memory of a size, or takes that of an array.
 *
 * @throws {TypeError} If it is neither, or the array's memory could move.
 * @throws {RangeError} If the size is out of range.
 */
export function toMemory(source: unknown): RioMemory {
  if (typeof source === "number") {
    assertInteger("size", source, 1, MAX_LENGTH);
    return allocate(source);
  }
  if (!(source instanceof Uint8Array)) {
    refuseType("source", source, "give a size in bytes, or a Uint8Array");
  }
  const { buffer } = source;
  const shared = buffer instanceof SharedArrayBuffer;
  if (shared ? buffer.growable : buffer.resizable) {
    throw new TypeError(
      "Invalid source: its buffer can be resized, registered memory must stay where it is",
    );
  }
  if (!shared && buffer.detached) {
    throw new TypeError("Invalid source: its buffer is detached");
  }
  assertBuiltIn(source);
  assertInteger("source.byteLength", source.byteLength, 1, MAX_LENGTH);
  return pin(source);
}

/** Refuses an array whose class overrides where its bytes are. */
function assertBuiltIn(source: Uint8Array): void {
  const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
  let one: object = source;
  while (one !== typedArray) {
    for (const name of ["buffer", "byteOffset", "byteLength"]) {
      if (!Object.hasOwn(one, name)) continue;
      throw new TypeError(
        `Invalid source: its class overrides ${name}, give a plain Uint8Array`,
      );
    }
    one = Object.getPrototypeOf(one);
  }
}
