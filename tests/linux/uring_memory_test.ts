/** The memory of a ring, wherever the system puts it. */
import { assertEquals, assertThrows } from "@std/assert";
import { BUFFER_SIZE, Buffers } from "../../ffi/linux/uring/buffers.ts";
import type { Ring } from "../../ffi/linux/uring/ring.ts";
import { SLOT_SIZE, Slots } from "../../ffi/linux/uring/slots.ts";

/** A ring without a kernel: its memory lies just below 4 GiB, and beyond. */
class FarRing {
  readonly address = 0x1_0000_0000n - BigInt(BUFFER_SIZE);
  readonly blocks: Uint8Array<ArrayBuffer>[] = [];
  /** What registering returns. */
  errno = 0;

  allocate(size: number) {
    const bytes = new Uint8Array(size);
    this.blocks.push(bytes);
    return { bytes, address: this.address };
  }

  register(): number {
    return this.errno;
  }

  /** What the package takes for a ring. */
  get ring(): Ring {
    return this as unknown as Ring;
  }
}

Deno.test("each buffer is named by its whole address on both sides of 4 GiB", () => {
  const far = new FarRing();
  new Buffers(far.ring, 4);
  const list = new DataView(far.blocks[0]!.buffer);
  for (let id = 0; id < 4; id++) {
    const at = 16 * id;
    assertEquals(
      [
        list.getBigUint64(at, true),
        list.getUint32(at + 8, true),
        list.getUint16(at + 12, true),
      ],
      [far.address + BigInt(id * BUFFER_SIZE), BUFFER_SIZE, id],
    );
  }
});

Deno.test("a kernel that takes no group of buffers is told with its error", () => {
  const far = new FarRing();
  far.errno = 10022;
  assertThrows(
    () => new Buffers(far.ring, 4),
    Deno.errors.NotSupported,
    "io_uring_register failed for a group of buffers (10022)",
  );
});

Deno.test("each slot is named by its whole address on both sides of 4 GiB", () => {
  const far = new FarRing();
  const slots = new Slots(far.ring);
  for (const slot of [0, 1, 2]) {
    const address = BigInt(slots.high(slot)) << 32n |
      BigInt(slots.low(slot) >>> 0);
    assertEquals(address, far.address + BigInt(slot * SLOT_SIZE));
  }
});

Deno.test("slots are taken once each, and the one given back last comes first", () => {
  const slots = new Slots(new FarRing().ring);
  const taken = new Set<number>();
  for (let slot = slots.take(); slot >= 0; slot = slots.take()) {
    taken.add(slot);
  }
  assertEquals(taken.size, Math.max(...taken) + 1);
  assertEquals(slots.take(), -1);
  slots.give(3);
  slots.give(5);
  assertEquals([slots.take(), slots.take(), slots.take()], [5, 3, -1]);
});
