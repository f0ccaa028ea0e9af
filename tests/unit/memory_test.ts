import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { allocate, allocateOutlasting, pin } from "../../ffi/memory.ts";

declare const gc: undefined | (() => void);

/** Reads memory the way native code does: by address. */
function peek(address: bigint, byteLength: number): Uint8Array {
  const pointer = Deno.UnsafePointer.create(address);
  assert(pointer !== null);
  return new Uint8Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer, byteLength),
  );
}

for (const size of [1, 4096, 65_535, 65_536, 65_537, 1 << 20]) {
  Deno.test(`allocate() gives ${size} zeroed bytes at a page's start`, () => {
    const memory = allocate(size);
    assertEquals(memory.bytes.byteLength, size);
    assertEquals(memory.address % 4096n, 0n);
    assert(memory.bytes.every((byte) => byte === 0));
    memory.bytes[size - 1] = 0xA5;
    assertEquals(peek(memory.address, size)[size - 1], 0xA5);
  });
}

Deno.test("allocate() makes blocks that do not overlap", () => {
  const [a, b] = [allocate(65_536), allocate(65_536)];
  a.bytes.fill(1);
  b.bytes.fill(2);
  assertNotEquals(a.address, b.address);
  assert(a.bytes.every((byte) => byte === 1));
});

Deno.test("allocate() makes blocks that structuredClone() cannot transfer", () => {
  const { bytes } = allocate(4096);
  const { buffer } = bytes;
  assert(buffer instanceof ArrayBuffer);
  assertThrows(() => structuredClone(buffer, { transfer: [buffer] }));
  assertEquals(bytes.byteLength, 4096);
});

Deno.test("allocate() makes blocks that ArrayBuffer.transfer() cannot take", () => {
  const { bytes } = allocate(4096);
  const { buffer } = bytes;
  assert(buffer instanceof ArrayBuffer);
  assertThrows(() => buffer.transfer(), TypeError);
  assertThrows(() => buffer.transferToFixedLength(), TypeError);
  assertEquals(bytes.byteLength, 4096);
});

Deno.test("allocate() makes blocks that postMessage() cannot take", () => {
  const { bytes } = allocate(4096);
  const { buffer } = bytes;
  assert(buffer instanceof ArrayBuffer);
  const { port1, port2 } = new MessageChannel();
  try {
    assertThrows(() => port1.postMessage(bytes, [buffer]));
    assertEquals(bytes.byteLength, 4096);
  } finally {
    port1.close();
    port2.close();
  }
});

Deno.test("allocate() makes blocks that cannot be resized", () => {
  const { buffer } = allocate(4096).bytes;
  assert(buffer instanceof ArrayBuffer);
  assert(!buffer.resizable);
  assertThrows(() => buffer.resize(8192), TypeError);
});

Deno.test("allocate() makes blocks that stay in place while a view is held", () => {
  const { bytes, address } = allocate(65_536);
  bytes.fill(0x5A);
  for (let i = 0; i < 20; i++) {
    allocate(1 << 20).bytes.fill(i);
    gc?.();
  }
  assertEquals(pin(bytes).address, address);
  assert(peek(address, 65_536).every((byte) => byte === 0x5A));
});

Deno.test("allocate() throws RangeError when the system has no room", () => {
  assertThrows(() => allocate(2 ** 40), RangeError);
});

Deno.test("pin() gives the address of a small array", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  assertEquals([...peek(pin(bytes).address, 3)], [1, 2, 3]);
});

Deno.test("pin() gives the address of a part of a buffer", () => {
  const whole = new Uint8Array(64).map((_, i) => i);
  const part = whole.subarray(10, 20);
  const memory = pin(part);
  assertEquals(memory.bytes, part);
  assertEquals(memory.address, pin(whole).address + 10n);
  assertEquals(peek(memory.address, 10), part);
});

Deno.test("pin() gives the address of shared memory", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(128), 64);
  bytes[0] = 77;
  assertEquals(peek(pin(bytes).address, 1)[0], 77);
});

Deno.test("allocateOutlasting() gives the bytes that were asked for", () => {
  const { bytes, address } = allocateOutlasting(100);
  assertEquals([bytes.byteLength, address % 4096n], [100, 0n]);
  bytes[99] = 0xA5;
  assertEquals(peek(address, 100)[99], 0xA5);
});

for (const name of ["allocate", "allocateOutlasting"]) {
  Deno.test(`${name}() in a worker makes memory that outlasts the worker`, async () => {
    const memory = new URL("../../ffi/memory.ts", import.meta.url).href;
    const script = `
    import { ${name} } from "${memory}";
    const { bytes, address } = ${name}(100_000);
    bytes.fill(0xA5);
    self.postMessage(address);
  `;
    const url = URL.createObjectURL(
      new Blob([script], { type: "application/javascript" }),
    );
    const worker = new Worker(url, { type: "module" });
    const address = await new Promise<bigint>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    worker.terminate();
    URL.revokeObjectURL(url);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const pointer = Deno.UnsafePointer.create(address)!;
    const view = new Deno.UnsafePointerView(pointer);
    assertEquals([view.getUint8(0), view.getUint8(99_999)], [0xA5, 0xA5]);
  });
}
