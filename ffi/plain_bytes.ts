/**
 * The bytes of an array, whatever its class says of itself.
 *
 * @module
 */

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);

/** A getter of all typed arrays, which no subclass can override. */
function getter<T>(name: string): (bytes: Uint8Array) => T {
  const { get } = Object.getOwnPropertyDescriptor(typedArray, name)!;
  return (bytes) => get!.call(bytes);
}

const bufferOf = getter<ArrayBufferLike>("buffer");
const offsetOf = getter<number>("byteOffset");

/** The length in bytes that native code may rely on; 0 once detached. */
export const lengthOf: (bytes: Uint8Array) => number = getter("byteLength");

/** A view of a part, up to the end of the array by default. */
export function partOf(
  bytes: Uint8Array,
  start: number,
  end: number = lengthOf(bytes),
): Uint8Array {
  return new Uint8Array(bufferOf(bytes), offsetOf(bytes) + start, end - start);
}

/** Up to so many bytes a loop copies faster than a call. */
const FEW = 64;

/** Copies a part of an array to a place in another one. */
export function copyBytes(
  from: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number = 0,
): void {
  if (end - start > FEW) {
    into.set(partOf(from, start, end), at);
  } else {
    for (let i = start; i < end; i++) into[at++] = from[i]!;
  }
}
