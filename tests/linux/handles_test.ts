import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { HandleTable } from "../../ffi/linux/handles.ts";

Deno.test("HandleTable finds by handle what was added", () => {
  const table = new HandleTable<{ handle: number }>();
  const items = Array.from({ length: 100 }, () => ({ handle: 0 }));
  const handles = items.map((item) => table.add(item));
  assertEquals(new Set(handles).size, items.length);
  assert(handles.every((handle) => handle > 0));
  handles.forEach((handle, i) =>
    assertStrictEquals(table.get(handle), items[i])
  );
  assertEquals([...table], items);
});

Deno.test("HandleTable does not find what was taken out when its place is taken again", () => {
  const table = new HandleTable<{ handle: number }>();
  const seen = new Set<number>();
  for (let i = 0; i < 5000; i++) {
    const item = { handle: 0 };
    const handle = table.add(item);
    assert(!seen.has(handle), `handle ${handle} came twice`);
    assert(Number.isSafeInteger(handle));
    seen.add(handle);
    assertStrictEquals(table.take(handle), item);
    assertEquals(table.get(handle), undefined);
  }
  const last = { handle: 0 };
  table.add(last);
  for (const handle of seen) assertEquals(table.get(handle), undefined);
  assertStrictEquals(table.get(last.handle), last);
});

Deno.test("HandleTable finds nothing for numbers that are no handles", () => {
  const table = new HandleTable<{ handle: number }>();
  table.add({ handle: 0 });
  for (
    const handle of [
      0,
      -1,
      0.5,
      1.5,
      2,
      NaN,
      Infinity,
      -Infinity,
      2 ** 20 + 1,
      2 ** 32 + 1,
      2 ** 53,
    ]
  ) assertEquals(table.get(handle), undefined, `${handle}`);
});

Deno.test("HandleTable.add() gives 0 when the table is full, and a handle when there is a place again", () => {
  const table = new HandleTable<{ handle: number }>();
  const item = { handle: 0 };
  let count = 0;
  while (table.add(item) !== 0) count++;
  assertEquals(count, 2 ** 20 - 2);
  assertStrictEquals(table.take(item.handle), item);
  assert(table.add(item) > 0);
  assertEquals(table.add(item), 0);
});

Deno.test("HandleTable.take() leaves a newer object alone when called twice", () => {
  const table = new HandleTable<{ handle: number }>();
  const [old, young] = [{ handle: 0 }, { handle: 0 }];
  table.add(old);
  assertStrictEquals(table.take(old.handle), old);
  table.add(young);
  assertEquals(table.take(old.handle), undefined);
  assertStrictEquals(table.get(young.handle), young);
});
