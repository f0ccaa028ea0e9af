/**
 * Memory whose address stays valid while native code may use it.
 *
 * @module
 */
import { reserveOutlasting } from "./outlasting.ts";

/** Bytes of a WebAssembly page; blocks are made of whole pages. */
const PAGE = 65536;
/** Unlike the main thread, a worker can end while the process goes on. */
export const IN_WORKER: boolean = "WorkerGlobalScope" in globalThis;

/** A range of memory and the address at which native code sees it. */
export interface RioMemory {
  /** The bytes of the range. */
  readonly bytes: Uint8Array;
  /** The address of the first byte. */
  readonly address: bigint;
}

/**
 * Makes a zeroed, page-aligned block that cannot be moved, freed or detached
 * while anything refers to it.
 *
 * The block is the buffer of a WebAssembly memory that is never grown: it
 * starts at a page, no kind of transfer takes it, and the garbage collector
 * frees it only when no view is left. So a view that is kept after
 * deregistration can always be read.
 *
 * V8 would free such memory when its worker is terminated, even with requests
 * in flight. So in a worker the block is memory of the system, which is never
 * given back. That block could be transferred; do not do so.
 *
 * Keep the returned object reachable as long as native code may use the
 * address.
 *
 * @param byteLength How many bytes; 1 to 4 GiB less one page.
 * @returns The block.
 * @throws {RangeError} If the system has no room for the block.
 */
export function allocate(byteLength: number): RioMemory {
  if (IN_WORKER) return allocateOutlasting(byteLength);
  const pages = Math.ceil(byteLength / PAGE);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return pin(new Uint8Array(buffer, 0, byteLength));
}

/**
 * Makes such a block of memory that the system keeps: a native call on another
 * thread may use it after the isolate has ended, in `deno test` with each file.
 *
 * @param byteLength How many bytes; 1 to 4 GiB less one page.
 * @returns The block; it could be transferred, so nobody else gets it.
 * @throws {RangeError} If the system has no room for the block.
 */
export function allocateOutlasting(byteLength: number): RioMemory {
  return pin(new Uint8Array(reserveOutlasting(byteLength), 0, byteLength));
}

/**
 * Takes the address of bytes that somebody else allocated.
 *
 * V8 does not move the memory of an array buffer, but it frees it: keep the
 * returned object reachable as long as native code may use the address.
 *
 * @param bytes The range; not empty, and its buffer not resizable.
 * @returns The range with its address.
 */
export function pin(bytes: Uint8Array): RioMemory {
  // Taken from the buffer: V8 can move the bytes of a small typed array, but
  // not those of a buffer.
  const base = Deno.UnsafePointer.of(new Uint8Array(bytes.buffer));
  return {
    bytes,
    address: Deno.UnsafePointer.value(base) + BigInt(bytes.byteOffset),
  };
}
