import { assertEquals, assertThrows } from "@std/assert";
import { inPages } from "../windows/pages.ts";

/** A program of two sections, as linkers write it: none begins with a page. */
function program(): Uint8Array {
  const bytes = new Uint8Array(0x800);
  const view = new DataView(bytes.buffer);
  const header = 0x80;
  const optional = header + 24;
  view.setUint32(0x3c, header, true);
  view.setUint32(header, 0x4550, true);
  view.setUint16(header + 6, 2, true);
  view.setUint16(header + 20, 240, true);
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 32, 0x1000, true);
  view.setUint32(optional + 36, 0x200, true);
  view.setUint32(optional + 56, 0x4000, true);
  view.setUint32(optional + 60, 0x400, true);
  view.setUint32(optional + 144, 0x800, true);
  view.setUint32(optional + 148, 0x10, true);
  const sections = [[0x1234, 0x1000, 0x200, 0x400], [
    0x80,
    0x3000,
    0x200,
    0x600,
  ]];
  for (const [i, fields] of sections.entries()) {
    for (const [j, field] of fields.entries()) {
      view.setUint32(optional + 240 + 40 * i + 8 + 4 * j, field, true);
    }
  }
  bytes.fill(1, 0x400, 0x600);
  bytes.fill(2, 0x600, 0x800);
  return bytes;
}

Deno.test("inPages() has each section where it is in memory", () => {
  // A view into more, as what was read from a file may be.
  const padded = new Uint8Array(0x810);
  padded.set(program(), 8);
  const laid = inPages(padded.subarray(8, 0x808));
  const view = new DataView(laid.buffer);
  const optional = 0x80 + 24;
  assertEquals(laid.length, 0x4000);
  assertEquals(view.getUint32(optional + 36, true), 0x1000);
  assertEquals(view.getUint32(optional + 60, true), 0x1000);
  for (const [i, address] of [0x1000, 0x3000].entries()) {
    const section = optional + 240 + 40 * i;
    assertEquals(view.getUint32(section + 16, true), 0x1000);
    assertEquals(view.getUint32(section + 20, true), address);
    const there = laid.subarray(address, address + 0x1000);
    const expected = new Uint8Array(0x1000).fill(i + 1, 0, 0x200);
    assertEquals(there, expected);
  }
  // Between its sections there is nothing, and a signature would not hold.
  assertEquals(view.getBigUint64(optional + 144, true), 0n);
  assertEquals(laid.subarray(0x2000, 0x3000), new Uint8Array(0x1000));
});

Deno.test("inPages() refuses what is no 64-bit program in pages", () => {
  const changes = [[0x80, 0], [0x80 + 24, 0x10b], [0x80 + 24 + 32, 0x200]];
  for (const [at, value] of changes as [number, number][]) {
    const bytes = program();
    new DataView(bytes.buffer).setUint16(at, value, true);
    assertThrows(() => inPages(bytes), TypeError, "no 64-bit program");
  }
});
