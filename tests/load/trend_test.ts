/** What the soak takes for growth. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../model/random.ts";
import { median, type Point, slope, trendOf } from "../soak/trend.ts";

/** A figure each minute of an hour. */
function hour(value: (minute: number) => number): Point[] {
  return Array.from({ length: 60 }, (_, minute) => [minute, value(minute)]);
}

Deno.test("slope() is what a figure grows by", () => {
  assertAlmostEquals(slope(hour((minute) => 7 + 3 * minute)), 3);
  assertEquals(slope([[1, 5]]), 0);
  assertEquals(slope([]), 0);
});

Deno.test("median() is the figure in the middle", () => {
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(median([9, 1, 5, 7]), 6);
  assertEquals(median([]), 0);
});

Deno.test("trendOf() leaves out how a figure settles", () => {
  const trend = trendOf(hour((minute) => Math.min(minute, 15)));
  assertEquals(trend, { line: 0, before: 15, after: 15 });
});

Deno.test("trendOf() finds what grows beneath noise", () => {
  const random = new Random(1);
  const flat = trendOf(hour(() => 200 + random.below(10)));
  assert(flat.line < 4 && flat.after - flat.before < 4);
  const grown = trendOf(hour((minute) => 200 + minute + random.below(10)));
  assertAlmostEquals(grown.line, 44, 4);
  assertAlmostEquals(grown.after - grown.before, 30, 5);
});
