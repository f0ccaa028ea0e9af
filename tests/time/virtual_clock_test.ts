/** The clock that tests move. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  block,
  callLater,
  inNextTurn,
  pause,
  timeNow,
} from "../../ffi/clock.ts";
import { Random } from "../model/random.ts";
import { inVirtualTime } from "./virtual_clock.ts";

Deno.test("inVirtualTime() lets hours pass at once, in order", async () => {
  const seen: [string, number][] = [];
  await inVirtualTime(async () => {
    callLater(3_600_000, () => seen.push(["an hour", timeNow()]));
    callLater(1000, () => seen.push(["never", timeNow()]))();
    callLater(1000, () => seen.push(["a second", timeNow()]));
    await pause(7_200_000);
    seen.push(["two hours", timeNow()]);
  });
  assertEquals(seen, [
    ["a second", 1000],
    ["an hour", 3_600_000],
    ["two hours", 7_200_000],
  ]);
});

Deno.test("inVirtualTime() gives turns in order before time passes", async () => {
  const seen: string[] = [];
  await inVirtualTime(async (clock) => {
    clock.turn = 0.25;
    callLater(1, () => seen.push(`timer at ${timeNow()}`));
    for (const name of ["one", "two"]) inNextTurn(() => seen.push(name));
    await clock.pass(2);
  });
  assertEquals(seen, ["one", "two", "timer at 1"]);
});

Deno.test("a blocked thread runs no timer, and the system goes on meanwhile", async () => {
  const seen: string[] = [];
  await inVirtualTime(async (clock) => {
    callLater(1, () => seen.push(`timer at ${timeNow()}`));
    clock.outside(2, () => seen.push(`outside at ${timeNow()}`));
    clock.outside(6, () => seen.push(`later at ${timeNow()}`));
    block(5);
    seen.push(`blocked until ${timeNow()}`);
    await pause(2);
  });
  assertEquals(seen, [
    "outside at 2",
    "blocked until 5",
    "timer at 5",
    "later at 6",
  ]);
});

Deno.test("inVirtualTime() gives the same order for the same seed", async () => {
  const orderOf = async (seed: number) => {
    let order = "";
    await inVirtualTime(async (clock) => {
      for (const name of "abcdef") inNextTurn(() => order += name);
      for (const name of "ghij") callLater(5, () => order += name);
      await clock.pass(10);
    }, new Random(seed));
    return order;
  };
  assertEquals(await orderOf(7), await orderOf(7));
  const orders = new Set<string>();
  for (let seed = 0; seed < 10; seed++) orders.add(await orderOf(seed));
  assertEquals(orders.size, 10);
});

Deno.test("inVirtualTime() fails a body that leaves somebody who waits for ever", async () => {
  const again = () => void callLater(1, again);
  await assertRejects(() => inVirtualTime(again), Error, "never ends");
  // And time is the platform's again.
  await pause(0);
});
