/**
 * Memory whose address stays valid while native code may use it.
 *
 * @module
 */

import { reserveOutlasting } from "./outlasting.ts";

/** Bytes of a WebAssembly page, the unit in which blocks are made. */
const PAGE = 65536;
/** A worker can be terminated at any time, the main thread ends the process. */
const IN_WORKER = "WorkerGlobalScope" in globalThis;

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
 * The block is the buffer of a WebAssembly memory nobody grows: page-aligned,
 * refused by every kind of transfer, and released by the garbage collector
 * only after the last view is gone. A view kept after deregistration therefore
 * reads old bytes and never faults.
 *
 * In a worker, V8 would free that memory when the worker is terminated, with
 * requests in flight or not. There the block is memory of the system that is
 * never given back; it can be transferred, but must not be.
 *
 * Whoever hands the address to native code must keep the returned object
 * reachable until native code is done with it.
 *
 * @param byteLength How many bytes; 1 to 4 GiB less one page.
 * @returns The block.
 * @throws {RangeError} If the system has no room for the block.
 */
export function allocate(byteLength: number): RioMemory {
  if (IN_WORKER) {
    return pin(new Uint8Array(reserveOutlasting(byteLength), 0, byteLength));
  }
  const pages = Math.ceil(byteLength / PAGE);
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return pin(new Uint8Array(buffer, 0, byteLength));
}

/**
 * Takes the address of bytes that somebody else allocated.
 *
 * V8 does not move the store of an array buffer, but collects it: the caller
 * keeps the returned object reachable until native code is done with it.
 *
 * @param bytes The range; not empty, and its buffer not resizable.
 * @returns The range with its address.
 */
export function pin(bytes: Uint8Array): RioMemory {
  // The address is that of the buffer: a small typed array could live on the
  // moving heap, a buffer of its own cannot.
  const base = Deno.UnsafePointer.of(new Uint8Array(bytes.buffer));
  return {
    bytes,
    address: Deno.UnsafePointer.value(base) + BigInt(bytes.byteOffset),
  };
}
