/** Registering memory and naming slices of it. @module */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { RIO_INVALID_BUFFERID } from "../../../ffi/constants.ts";
import type { RioBuf } from "../../../ffi/contract.ts";
import { WSAEFAULT, WSAEINVAL } from "../../../ffi/error_numbers.ts";
import { allocate } from "../../../ffi/memory.ts";
import type { Endpoint, Harness, Statement } from "../harness.ts";
import { Slab } from "../slab.ts";

const GUARD = 0xA5;

/** Every statement about registrations. */
export const registration: readonly Statement[] = [
  {
    name: "RIORegisterBuffer gives an id that is neither 0 nor invalid",
    run(t) {
      const { id } = t.register(4096);
      assert(id > 0);
      assertNotEquals(id, RIO_INVALID_BUFFERID);
    },
  },
  ...[1, 100, 4095, 4096, 4097, 65536, 1 << 20].map((size): Statement => ({
    name: `RIORegisterBuffer takes ${size} bytes, and the last one is usable`,
    async run(t) {
      const slab = t.register(size);
      const [a, b] = t.udpPair();
      slab.bytes[size - 1] = 77;
      t.send(a, slab.slice(size - 1, 1));
      assertEquals(await t.succeeds(a.sent), 1);
      slab.bytes[size - 1] = 0;
      t.receive(b, slab.slice(size - 1, 1));
      assertEquals(await t.succeeds(b.received), 1);
      assertEquals(slab.bytes[size - 1], 77);
    },
  })),
  {
    name: "RIORegisterBuffer refuses no bytes with 10022",
    misuse: true,
    run(t) {
      const { address, bytes } = allocate(4096);
      const empty = { address, bytes: bytes.subarray(0, 0) };
      assertEquals(t.rio.rings.registerBuffer(empty), -WSAEINVAL);
    },
  },
  {
    name: "RIORegisterBuffer gives ids that differ while they are live",
    run(t) {
      const ids = Array.from({ length: 50 }, () => t.register(64).id);
      assertEquals(new Set(ids).size, 50);
    },
  },
  {
    name: "RIORegisterBuffer takes the same memory twice under two ids",
    async run(t) {
      const memory = allocate(4096);
      const one = new Slab(t.rio, memory);
      const two = new Slab(t.rio, memory);
      assertNotEquals(one.id, two.id);
      const [a, b] = t.udpPair();
      t.receive(b, two.slice(8, 8));
      t.send(a, one.put("twice"));
      assertEquals(await t.succeeds(b.received), 5);
      assertEquals(text(one.read(one.slice(8, 5))), "twice");
    },
  },
  {
    name: "RIODeregisterBuffer ends one of two registrations of one memory",
    async run(t) {
      const memory = allocate(4096);
      const one = new Slab(t.rio, memory);
      const two = new Slab(t.rio, memory);
      t.rio.rings.deregisterBuffer(one.id);
      const [a, b] = t.udpPair();
      t.receive(b, two.slice(2048, 8));
      t.send(a, two.put("other"));
      assertEquals(await t.succeeds(b.received), 5);
    },
  },
  {
    name: "RIORegisterBuffer takes a part of a block, and nothing else moves",
    async run(t) {
      const { address, bytes } = allocate(8192);
      bytes.fill(GUARD);
      const part = new Slab(t.rio, {
        address: address + 1000n,
        bytes: bytes.subarray(1000, 1064),
      });
      const [a, b] = t.udpPair();
      t.receive(b, part.slice(0, 64));
      t.send(a, t.put(new Uint8Array(64).fill(1)));
      assertEquals(await t.succeeds(b.received), 64);
      assert(bytes.subarray(0, 1000).every((byte) => byte === GUARD));
      assert(bytes.subarray(1000, 1064).every((byte) => byte === 1));
      assert(bytes.subarray(1064).every((byte) => byte === GUARD));
    },
  },
  {
    name: "RIOReceive writes its slice and not the slices beside it",
    async run(t) {
      const slab = t.register(4096);
      slab.bytes.fill(GUARD);
      const [a, b] = t.udpPair();
      t.receive(b, slab.slice(1001, 9));
      t.send(a, t.put("neighbour, too long"));
      await t.next(b.received);
      assert(slab.bytes.subarray(0, 1001).every((byte) => byte === GUARD));
      assert(slab.bytes.subarray(1010).every((byte) => byte === GUARD));
    },
  },
  {
    name: "RIOReceive leaves the rest of a slice when the datagram is shorter",
    async run(t) {
      const [a, b] = t.udpPair();
      const slice = t.put("..........");
      t.receive(b, slice);
      t.send(a, t.put("four"));
      assertEquals(await t.succeeds(b.received), 4);
      assertEquals(t.text(slice), "four......");
    },
  },
  {
    name: "slices of one registration serve many requests at once",
    async run(t) {
      const [a, b] = t.udpPair();
      const slices = Array.from({ length: 16 }, () => t.room(4));
      for (const slice of slices) t.receive(b, slice);
      for (let i = 0; i < 16; i++) t.send(a, t.put(`${1000 + i}`));
      await t.dequeue(a.sent, 16);
      await t.dequeue(b.received, 16);
      assertEquals(
        slices.map((slice) => t.text(slice)),
        slices.map((_, i) => `${1000 + i}`),
      );
    },
  },
  {
    name: "the bytes stay readable after RIODeregisterBuffer",
    async run(t) {
      const slab = t.register(4096);
      const [a, b] = t.udpPair();
      const slice = slab.room(5);
      t.receive(b, slice);
      t.send(a, t.put("stays"));
      assertEquals(await t.succeeds(b.received), 5);
      t.rio.rings.deregisterBuffer(slab.id);
      assertEquals(text(slab.read(slice)), "stays");
    },
  },
  {
    name: "RIODeregisterBuffer ignores the invalid id",
    misuse: true,
    run(t) {
      t.rio.rings.deregisterBuffer(RIO_INVALID_BUFFERID);
      assert(t.register(64).id > 0);
    },
  },
  {
    name: "RIODeregisterBuffer ignores an id that it ended before",
    misuse: true,
    async run(t) {
      const ended = t.register(64);
      t.rio.rings.deregisterBuffer(ended.id);
      const next = t.register(64);
      if (next.id !== ended.id) t.rio.rings.deregisterBuffer(ended.id);
      const [a] = t.udpPair();
      t.send(a, next.put("live"));
      assertEquals(await t.succeeds(a.sent), 4);
    },
  },
  {
    name: "registering and deregistering goes on a thousand times",
    async run(t) {
      const memory = allocate(4096);
      for (let i = 0; i < 1000; i++) {
        t.rio.rings.deregisterBuffer(new Slab(t.rio, memory).id);
      }
      const [a] = t.udpPair();
      t.send(a, new Slab(t.rio, memory).put("still"));
      assertEquals(await t.succeeds(a.sent), 5);
    },
  },
  ...(["receive", "send"] as const).map((direction): Statement => ({
    name: `a ${direction} that names a deregistered buffer fails with 10014`,
    misuse: true,
    async run(t) {
      const slab = t.register(4096);
      t.rio.rings.deregisterBuffer(slab.id);
      const [a] = t.udpPair();
      const error = direction === "send"
        ? t.trySend(a, slab.slice(0, 8))
        : t.tryReceive(a, slab.slice(0, 8));
      assertEquals(error, WSAEFAULT);
      await t.stays(direction === "send" ? a.sent : a.received);
    },
  })),
  ...(["local", "remote", "control"] as const).map((slice): Statement => ({
    name:
      `RIOReceiveEx refuses a deregistered ${slice} slice and completes nothing`,
    misuse: true,
    async run(t) {
      const slab = t.register(4096);
      t.rio.rings.deregisterBuffer(slab.id);
      const [a] = t.udpPair();
      const error = t.tryReceive(a, t.room(64), {
        [slice]: slab.slice(0, 64),
      });
      assertNotEquals(error, 0);
      await t.stays(a.received);
    },
  })),
  {
    name: "a refused post takes no slot of the request queue",
    misuse: true,
    async run(t) {
      const slab = t.register(4096);
      t.rio.rings.deregisterBuffer(slab.id);
      const [a, b] = t.udpPair({ receives: 1, sends: 1 });
      for (let i = 0; i < 3; i++) {
        assertNotEquals(t.tryReceive(b, slab.slice(0, 8)), 0);
        assertNotEquals(t.trySend(a, slab.slice(0, 8)), 0);
      }
      t.receive(b, t.room(8));
      t.send(a, t.put("room"));
      assertEquals(await t.succeeds(a.sent), 4);
      assertEquals(await t.succeeds(b.received), 4);
    },
  },
  {
    name: "a request takes the slice that it was given, changed afterwards",
    async run(t) {
      const [a, b] = t.udpPair();
      const slice = { ...t.room(8) };
      const first = { ...slice };
      t.receive(b, slice);
      Object.assign(slice, { offset: slice.offset + 1024, length: 1 });
      t.send(a, t.put("as given"));
      assertEquals(await t.succeeds(b.received), 8);
      assertEquals(t.text(first), "as given");
    },
  },
  ...outOfRange([
    ["ends one byte behind the registration", 4089, 8],
    ["starts at the end", 4096, 1],
    ["starts behind the end", 5000, 8],
    ["is longer than the registration", 0, 4097],
    ["wraps around at 32 bits", 0xFFFFFFF8, 16],
    ["has the largest offset and length", 0xFFFFFFFF, 0xFFFFFFFF],
    ["has a negative offset", -1, 8],
    ["has a negative length", 0, -8],
  ]),
];

/** Which error it is, and from where it comes, is for the system to choose. */
function outOfRange(
  slices: readonly (readonly [string, number, number])[],
): Statement[] {
  return slices.flatMap(([what, offset, length]) =>
    (["receive", "send"] as const).map((direction): Statement => ({
      name: `a ${direction} never succeeds when its slice ${what}`,
      misuse: true,
      async run(t) {
        const slab = t.register(4096);
        const [a, b] = t.udpPair();
        const slice = slab.slice(offset, length);
        if (direction === "receive") t.send(b, t.put("x"));
        await neverSucceeds(t, a, direction, slice);
      },
    }))
  );
}

async function neverSucceeds(
  t: Harness,
  endpoint: Endpoint,
  direction: "receive" | "send",
  slice: RioBuf,
): Promise<void> {
  const error = direction === "receive"
    ? t.tryReceive(endpoint, slice)
    : t.trySend(endpoint, slice);
  const queue = direction === "receive" ? endpoint.received : endpoint.sent;
  if (error !== 0) return await t.stays(queue);
  assertNotEquals((await t.next(queue)).status, 0);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
