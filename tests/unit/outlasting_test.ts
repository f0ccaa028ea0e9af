import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import type { reserveOutlasting } from "../../ffi/outlasting.ts";
import { openWith, pretend } from "./stand_ins.ts";
import { PATIENCE_MS } from "../patience.ts";

declare const gc: () => void;

const UNIT = 65_536;
const GLIBC = "libc.so.6";
const MUSL = `libc.musl-${Deno.build.arch}.so.1`;

/** A system with memory to give, or with a pointer in its place. */
function system(pointer?: Deno.PointerValue) {
  const given: ArrayBuffer[] = [];
  const calls: [name: string, ...values: unknown[]][] = [];
  const give = (name: string, values: unknown[]) => {
    calls.push([name, ...values]);
    if (pointer !== undefined) return pointer;
    const memory = new ArrayBuffer(Number(values[1]));
    given.push(memory);
    return Deno.UnsafePointer.of(new Uint8Array(memory));
  };
  const symbols = {
    mmap: (...values: unknown[]) => give("mmap", values),
    VirtualAlloc: (...values: unknown[]) => give("VirtualAlloc", values),
  };
  return { calls, symbols };
}

function addressOf(block: ArrayBuffer): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(block)));
}

let modules = 0;

/** The function of a module that has not opened anything yet. */
async function fresh(): Promise<typeof reserveOutlasting> {
  const url = new URL(`../../ffi/outlasting.ts?${++modules}`, import.meta.url);
  return (await import(url.href)).reserveOutlasting;
}

Deno.test("reserveOutlasting() takes private memory of a C library, in whole units", async () => {
  using _os = pretend("linux");
  const { calls, symbols } = system();
  using libraries = openWith(() => ({ symbols }));
  const reserve = await fresh();
  const [a, b] = [reserve(1), reserve(UNIT + 1)];
  assertEquals([a.byteLength, b.byteLength], [UNIT, 2 * UNIT]);
  assertNotEquals(addressOf(a), addressOf(b));
  assertEquals(calls, [
    ["mmap", 0n, BigInt(UNIT), 3, 0x22, -1, 0n],
    ["mmap", 0n, BigInt(2 * UNIT), 3, 0x22, -1, 0n],
  ]);
  // Each time it is closed again: nobody would do it later.
  assertEquals([libraries.asked, libraries.open], [[GLIBC, GLIBC], 0]);
});

Deno.test("reserveOutlasting() takes committed memory on Windows", async () => {
  using _os = pretend("windows");
  const { calls, symbols } = system();
  using libraries = openWith(() => ({ symbols }));
  const reserve = await fresh();
  assertEquals(reserve(UNIT).byteLength, UNIT);
  assertEquals(calls, [["VirtualAlloc", 0n, BigInt(UNIT), 0x3000, 4]]);
  assertEquals(libraries.asked, ["kernel32.dll"]);
});

Deno.test("reserveOutlasting() takes musl where glibc is missing", async () => {
  using _os = pretend("linux");
  const { symbols } = system();
  using libraries = openWith((path) => {
    if (path === GLIBC) throw new Error("not found");
    return { symbols };
  });
  const reserve = await fresh();
  assertEquals(reserve(1).byteLength, UNIT);
  assertEquals(libraries.asked, [GLIBC, MUSL]);
});

Deno.test("reserveOutlasting() passes a missing permission on", async () => {
  using _os = pretend("linux");
  using libraries = openWith(() => {
    throw new Deno.errors.NotCapable("no ffi");
  });
  const reserve = await fresh();
  assertThrows(() => reserve(1), Deno.errors.NotCapable, "no ffi");
  assertEquals(libraries.asked, [GLIBC]);
});

for (
  const [os, pointer] of [
    ["linux", Deno.UnsafePointer.create(0xFFFF_FFFF_FFFF_FFFFn)],
    ["windows", null],
  ] as const
) {
  Deno.test(`reserveOutlasting() throws RangeError when ${os} has no room`, async () => {
    using _os = pretend(os);
    const { symbols } = system(pointer);
    using _libraries = openWith(() => ({ symbols }));
    const reserve = await fresh();
    assertThrows(
      () => reserve(1),
      RangeError,
      `Cannot allocate ${UNIT} bytes of native memory`,
    );
  });
}

Deno.test("reserveOutlasting() uses a block again, zeroed, when its last view was collected", async () => {
  using _os = pretend("linux");
  const { calls, symbols } = system();
  using _libraries = openWith(() => ({ symbols }));
  const reserve = await fresh();
  const held = reserve(UNIT);
  const addresses = new Set<bigint>();
  const use = () => {
    const block = reserve(UNIT);
    const bytes = new Uint8Array(block);
    assert(bytes.every((byte) => byte === 0), "what was there before is seen");
    bytes.fill(0xA5);
    return addressOf(block);
  };
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const address = use();
    if (addresses.has(address)) break;
    addresses.add(address);
    assert(performance.now() < end, "no block was used again");
    await new Promise((resolve) => setTimeout(resolve, 1));
    gc();
  }
  // One of the others was used again, not the one that is held.
  assert(!addresses.has(addressOf(held)));
  assertEquals(calls.length, 1 + addresses.size);
});
