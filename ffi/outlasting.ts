/**
 * Memory that outlasts the thread that made it.
 *
 * @module
 */
import { openLibc } from "./libc.ts";

/** Bytes that sizes are rounded up to. */
const UNIT = 65536;

const KERNEL32 = {
  // LPVOID VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize,
  //   DWORD flAllocationType, DWORD flProtect)
  VirtualAlloc: {
    parameters: ["usize", "usize", "u32", "u32"],
    result: "pointer",
  },
} as const;
/** `MEM_COMMIT | MEM_RESERVE`, and `PAGE_READWRITE`. */
const [COMMITTED, READ_WRITE] = [0x3000, 4];

const LIBC = {
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd,
  //   off_t offset)
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
} as const;
/** `PROT_READ | PROT_WRITE`, and `MAP_PRIVATE | MAP_ANONYMOUS`. */
const [READ_AND_WRITE, PRIVATE] = [3, 0x22];

/** Blocks whose last view was collected, by size. */
const unused: Map<number, ArrayBuffer[]> = new Map();
const collected = new FinalizationRegistry<[pointer: bigint, size: number]>(
  ([address, size]) => {
    const blocks = unused.get(size) ?? [];
    unused.set(size, blocks);
    blocks.push(view(address, size));
  },
);

let reserve: ((size: number) => Deno.PointerValue) | undefined;

/**
 * Makes a zeroed, page-aligned block that the system keeps when the thread ends.
 *
 * Blocks are used again when their last view was collected, and never given
 * back: a worker that is terminated in the middle of a request runs no code of
 * ours any more, and its requests still write to their memory.
 *
 * @param byteLength How many bytes.
 * @returns The block; more bytes than asked for.
 * @throws {RangeError} If the system has no room.
 */
export function reserveOutlasting(byteLength: number): ArrayBuffer {
  const size = Math.ceil(byteLength / UNIT) * UNIT;
  const old = unused.get(size)?.pop();
  if (old) {
    new Uint8Array(old).fill(0);
    return watch(old, size);
  }
  reserve ??= open();
  const pointer = reserve(size);
  const address = Deno.UnsafePointer.value(pointer);
  // mmap fails with all ones.
  if (address === 0n || address === 0xFFFFFFFFFFFFFFFFn) {
    throw new RangeError(`Cannot allocate ${size} bytes of native memory`);
  }
  return watch(view(address, size), size);
}

function view(address: bigint, size: number): ArrayBuffer {
  const pointer = Deno.UnsafePointer.create(address)!;
  return Deno.UnsafePointerView.getArrayBuffer(pointer, size);
}

function watch(block: ArrayBuffer, size: number): ArrayBuffer {
  const pointer = Deno.UnsafePointer.of(new Uint8Array(block));
  collected.register(block, [Deno.UnsafePointer.value(pointer), size]);
  return block;
}

function open(): (size: number) => Deno.PointerValue {
  if (Deno.build.os === "windows") {
    const { symbols } = Deno.dlopen("kernel32.dll", KERNEL32);
    return (size) =>
      symbols.VirtualAlloc(0n, BigInt(size), COMMITTED, READ_WRITE);
  }
  const { symbols } = openLibc(LIBC);
  return (size) =>
    symbols.mmap(0n, BigInt(size), READ_AND_WRITE, PRIVATE, -1, 0n);
}
