import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Arena, type Piece } from "../../ffi/linux/arena.ts";

function bytesOf({ memory, offset, byteLength }: Piece): Uint8Array {
  return memory.bytes.subarray(offset, offset + byteLength);
}

Deno.test("Arena.take() gives zeroed pieces that do not overlap", () => {
  const arena = new Arena();
  const sizes = [1, 255, 256, 257, 1000, 4096, 70_000, 262_144, 262_145];
  const pieces = sizes.map((size) => arena.take(size));
  pieces.forEach((piece, i) => {
    assert(piece.byteLength >= sizes[i]!);
    assertEquals(piece.offset % 256, 0);
    assert(bytesOf(piece).every((byte) => byte === 0));
    bytesOf(piece).fill(i + 1);
  });
  pieces.forEach((piece, i) =>
    assert(bytesOf(piece).every((byte) => byte === i + 1))
  );
});

Deno.test("Arena.take() gives a returned piece again, zeroed", () => {
  const arena = new Arena();
  const piece = arena.take(1000);
  bytesOf(piece).fill(7);
  arena.give(piece);
  assertStrictEquals(arena.take(600), piece);
  assert(bytesOf(piece).every((byte) => byte === 0));
});

Deno.test("Arena.take() shares blocks among ten thousand pieces", () => {
  const arena = new Arena();
  const blocks = new Set<unknown>();
  for (let i = 0; i < 10_000; i++) blocks.add(arena.take(256).memory);
  assertEquals(blocks.size, 3);
});

Deno.test("Arena.take() throws RangeError when no block can hold so much", () => {
  assertThrows(() => new Arena().take(2 ** 32), RangeError, "4294967296");
  assertThrows(() => new Arena().take(2 ** 40), RangeError);
});
