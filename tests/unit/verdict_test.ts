/** What a run of the benchmarks says of targets, whatever the machine lacks. */
import { assertEquals, assertThrows } from "@std/assert";
import type { Report, Row } from "../bench/harness.ts";
import { NAMES } from "../bench/dgram.ts";
import { atLeast, judge } from "../bench/verdict.ts";

const row = (name: string, median: number) => ({ name, median }) as Row;
const report = (...rows: Row[]) =>
  [{ id: "dgram-32", rows }] as unknown as Report[];

/** A target that this package is twice as fast as somebody. */
const twiceAsFastAs = (name: string) => [{
  what: "",
  target: "",
  why: "",
  figures: (run: Parameters<Parameters<typeof judge>[0][0]["figures"]>[0]) => [
    atLeast(2, run.rate("dgram-32", 0, name)),
  ],
}];

Deno.test("judge() leaves out what is compared with programs that a machine lacks", () => {
  const alone = report(row(NAMES.ours, 6));
  for (const name of [NAMES.node, "the limit: C, batches of 32"]) {
    assertEquals(judge(twiceAsFastAs(name), alone), []);
    const beside = report(row(NAMES.ours, 6), row(name, 2));
    const [verdict] = judge(twiceAsFastAs(name), beside);
    assertEquals(verdict?.verdict, "met");
    assertEquals(verdict?.figures[0]?.value, 3);
  }
});

Deno.test("judge() throws for a row that every run has to have", () => {
  const alone = report(row(NAMES.ours, 6));
  assertThrows(
    () => judge(twiceAsFastAs(NAMES.theirs), alone),
    Error,
    "has no row node:dgram in Deno",
  );
});
