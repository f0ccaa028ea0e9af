/** The two steps of a wait. */
import { assertEquals, assertGreater } from "@std/assert";
import { Arrival } from "../../ffi/arrival.ts";

/** What a wait does, until a look finds something. */
class Log {
  readonly arrival = new Arrival();
  /** Looks that find nothing first. */
  vain = Infinity;

  async wait(): Promise<string[]> {
    const steps: string[] = [];
    await this.arrival.wait(
      () => steps.push("look") > this.vain,
      () => {
        steps.push("sleep");
        return Promise.resolve();
      },
    );
    return steps;
  }
}

Deno.test("Arrival.wait() does not sleep when something comes at once", async () => {
  const log = new Log();
  log.vain = 2;
  assertEquals(await log.wait(), ["look", "look", "look"]);
});

Deno.test("Arrival.wait() looks again after it slept", async () => {
  const steps = await new Log().wait();
  assertEquals(steps.slice(-3), ["look", "sleep", "look"]);
  assertGreater(steps.length, 16);
});

Deno.test("Arrival.wait() sleeps at once, more and more often, when looks were in vain", async () => {
  const log = new Log();
  const looked: boolean[] = [];
  for (let wait = 0; wait < 30; wait++) {
    looked.push((await log.wait())[0] === "look");
  }
  const waits = looked.flatMap((it, wait) => it ? [wait] : []);
  assertEquals(waits, [0, 1, 2, 3, 5, 8, 13, 22]);
});

Deno.test("Arrival.wait() looks each time again once it found something", async () => {
  const log = new Log();
  for (let wait = 0; wait < 8; wait++) await log.wait();
  log.vain = 0;
  assertEquals(await log.wait(), ["look"]);
  log.vain = Infinity;
  assertEquals((await log.wait())[0], "look");
});

Deno.test("Arrival.wait() gives the event loop its turn between looks", async () => {
  const log = new Log();
  log.vain = 4;
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const turn = () => {
    turns++;
    if (turns < 3) setImmediate(turn);
  };
  setImmediate(turn);
  await log.wait();
  clearInterval(timer);
  assertGreater(turns, 2);
});
