/** Calls that race keep what they promise, in whichever order they come. */
import { assertEquals, assertRejects } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { timeNow } from "../../ffi/clock.ts";
import { Random } from "../model/random.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { skipped } from "../skip.ts";
import { inVirtualTime } from "../time/virtual_clock.ts";
import { PLACES, RACES, runOrders } from "./run.ts";
import { Schedule } from "./schedule.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") acquireLibrary();

/** Orders of one race in one place. */
const COUNT = 20;

for (const race of Object.keys(RACES)) {
  for (const place of PLACES) {
    const name =
      `${place}: ${race} lose nothing and leave nothing in ${COUNT} orders`;
    const reason = place === "io_uring" ? WITHOUT_URING : undefined;
    Deno.test({
      name,
      ignore: skipped(name, reason),
      fn: async () => {
        await runOrders({ race, place, seed: Date.now() >>> 0, count: COUNT });
      },
    });
  }

  Deno.test(`fake: ${race} come in the same order again from the same seed`, async () => {
    const options = { race, place: "fake", seed: 1, count: 5 };
    const runs = await runOrders(options);
    assertEquals(await runOrders(options), runs);
    assertEquals(new Set(runs).size, 5);
  });
}

/** What some who take part did when, in the order of a seed. */
async function traceOf(seed: number): Promise<string> {
  const trace: string[] = [];
  const random = new Random(seed);
  await inVirtualTime(async () => {
    const schedule = new Schedule(random, 1000);
    for (const name of ["one", "two", "three"]) {
      schedule.add(name, async () => {
        for (let i = 0; i < 5; i++) {
          trace.push(`${name} at ${timeNow()}`);
          await schedule.hop();
        }
      });
    }
    await schedule.end();
  }, random);
  return trace.join(", ");
}

Deno.test("a seed gives the same order again, and another one another", async () => {
  const traces = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const trace = await traceOf(seed);
    assertEquals(await traceOf(seed), trace);
    traces.add(trace);
  }
  assertEquals(traces.size, 20);
});

Deno.test("Schedule.end() names those who are never done", async () => {
  await assertRejects(
    () =>
      inVirtualTime(async () => {
        const schedule = new Schedule(new Random(1), 0);
        schedule.add("someone", () => Promise.resolve());
        schedule.add("who waits", () => new Promise(() => {}));
        await schedule.end();
      }),
    Error,
    "Never done: who waits (1)",
  );
});
