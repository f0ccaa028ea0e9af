/**
 * Descriptors that end with the thread that opened them, also where none of our
 * code runs any more: a worker is terminated, or ends with an error.
 *
 * A thread of the C library calls destructors when it ends, each with one
 * pointer. `closedir` is one that closes a descriptor, and it finds its number
 * in memory, where we can change it: a descriptor that is closed before takes
 * its number away, because soon that is another's. So each descriptor has a
 * block that looks like the start of a `DIR`, and is used again.
 *
 * The main thread ends with the process, or begins anew with another program
 * (`--watch`): then the event `unload` is told.
 *
 * Sources: closedir(3), dirfd(3), and `__cxa_thread_atexit_impl` of glibc, by
 * which C++ and Rust destroy what a thread has.
 *
 * @module
 */
import { openLibc } from "../libc.ts";
import { IN_WORKER } from "../memory.ts";
import { atUnload } from "../unload.ts";
import type { LinuxLibrary } from "./library.ts";

const SYMBOLS = {
  // int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *dso)
  __cxa_thread_atexit_impl: {
    parameters: ["pointer", "pointer", "pointer"],
    result: "i32",
  },
  // int closedir(DIR *directory)
  // Its address: the thread calls it.
  closedir: { type: "pointer" },
  // int dirfd(DIR *directory)
  dirfd: { parameters: ["pointer"], result: "i32" },
  // void *calloc(size_t count, size_t size)
  // `closedir` frees the block.
  calloc: { parameters: ["usize", "usize"], result: "pointer" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Bytes of a block: more than a `DIR` has before its entries. */
const BLOCK = 256n;
/** What a block has instead of a descriptor: to close that does nothing. */
const NONE = -1;

/** A descriptor that is open. */
interface Held {
  /** Where the end of the thread finds it; `null` where nobody looks. */
  readonly block: Int32Array | null;
  /** Closes it at `unload`. */
  readonly unload: () => void;
}

/** What is open, by descriptor. */
const held: Map<number, Held> = new Map();
/** Blocks that hold nothing. */
const spare: Int32Array[] = [];
/** `null` where threads cannot be told; unknown before the first descriptor. */
let symbols: Symbols | null | undefined;
let listens = false;

/**
 * Takes note of a descriptor that was opened.
 *
 * @param library Closes it at `unload`.
 * @param unload Does that in another way.
 * @returns The descriptor.
 */
export function hold(
  library: LinuxLibrary,
  fd: number,
  unload: () => void = () => void library.symbols.close(fd),
): number {
  // One that is known was closed by somebody who should not.
  const block = held.get(fd)?.block ?? takeBlock();
  if (block !== null) block[0] = fd;
  held.set(fd, { block, unload });
  return fd;
}

/**
 * Closes a descriptor, unless that was done at `unload`.
 *
 * @returns What close(2) does.
 */
export function release(library: LinuxLibrary, fd: number): number {
  // First: it would be closed twice if the thread ended in between.
  return forget(fd) ? library.symbols.close(fd) : -1;
}

/** Leaves a descriptor to whoever has it now; returns whether it was known. */
export function forget(fd: number): boolean {
  const block = held.get(fd)?.block;
  if (block === undefined) return false;
  held.delete(fd);
  if (block !== null) {
    block[0] = NONE;
    spare.push(block);
  }
  return true;
}

function takeBlock(): Int32Array | null {
  if (!IN_WORKER) {
    if (!listens) atUnload(unloadAll);
    listens = true;
    return null;
  }
  return spare.pop() ?? makeBlock();
}

function makeBlock(): Int32Array | null {
  if (symbols === undefined) symbols = findSymbols();
  if (symbols === null) return null;
  const { calloc, dirfd, closedir, __cxa_thread_atexit_impl } = symbols;
  const pointer = calloc(1n, BLOCK);
  if (pointer === null) return null;
  const block = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer, 4),
  );
  block[0] = NONE;
  // A DIR that begins with something else is not known here.
  const known = dirfd(pointer) === NONE &&
    __cxa_thread_atexit_impl(closedir, pointer, null) === 0;
  if (!known) symbols = null;
  return known ? block : null;
}

function findSymbols(): Symbols | null {
  try {
    return openLibc(SYMBOLS).symbols;
  } catch {
    // Another C library than glibc: descriptors stay when the thread ends.
    return null;
  }
}

function unloadAll(): void {
  for (const [fd, { unload }] of [...held]) {
    held.delete(fd);
    unload();
  }
}
