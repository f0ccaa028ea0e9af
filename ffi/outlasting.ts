/**
 * Memory that stays when the thread that made it ends: the system keeps it for
 * the life of the process.
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

const LIBC = {
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd,
  //   off_t offset)
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
} as const;

/** A block of the system's memory, whether anything refers to it or not. */
interface Block {
  readonly address: bigint;
  readonly size: number;
}

/** Blocks that nothing refers to any more. */
const unused: Set<Block> = new Set();
const collected = new FinalizationRegistry((block: Block) => unused.add(block));

/**
 * Makes a zeroed, page-aligned block that the system keeps when the thread
 * ends.
 *
 * A block is used again when its last view was collected, and never given back
 * to the system: a worker that is terminated during a request cannot run any
 * cleanup, and native code still writes to the memory of that request.
 *
 * @param byteLength How many bytes.
 * @returns The block; more bytes than asked for.
 * @throws {RangeError} If the system has no room.
 */
export function reserveOutlasting(byteLength: number): ArrayBuffer {
  const size = Math.ceil(byteLength / UNIT) * UNIT;
  for (const block of unused) {
    if (block.size !== size) continue;
    unused.delete(block);
    const view = toView(block);
    new Uint8Array(view).fill(0);
    return view;
  }
  const pointer = reserve(size);
  const address = Deno.UnsafePointer.value(pointer);
  // mmap fails with all ones.
  if (address === 0n || address === 0xFFFFFFFFFFFFFFFFn) {
    throw new RangeError(`Cannot allocate ${size} bytes of native memory`);
  }
  return toView({ address, size });
}

/** Views a block; it is unused again once the view was collected. */
function toView(block: Block): ArrayBuffer {
  const pointer = Deno.UnsafePointer.create(block.address)!;
  const view = Deno.UnsafePointerView.getArrayBuffer(pointer, block.size);
  collected.register(view, block);
  return view;
}

/** Opens the library for one call: a test that goes on sees none left open. */
function reserve(size: number): Deno.PointerValue {
  if (Deno.build.os === "windows") {
    const library = Deno.dlopen("kernel32.dll", KERNEL32);
    try {
      // MEM_COMMIT | MEM_RESERVE, and PAGE_READWRITE.
      return library.symbols.VirtualAlloc(0n, BigInt(size), 0x3000, 4);
    } finally {
      library.close();
    }
  }
  const library = openLibc(LIBC);
  try {
    // PROT_READ | PROT_WRITE, and MAP_PRIVATE | MAP_ANONYMOUS.
    return library.symbols.mmap(0n, BigInt(size), 3, 0x22, -1, 0n);
  } finally {
    library.close();
  }
}
