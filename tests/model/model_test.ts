/** Random use of a session does what the model of the contract says. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { openBackend } from "../../ffi/open.ts";
import { WSAEOPNOTSUPP } from "../../ffi/error_numbers.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { library } from "../windows/provider.ts";
import { EPISODE, runModel } from "./run.ts";
import { SYSTEMS } from "./system.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") openBackend();
if (Deno.build.os === "windows") openLibrary(library ? { library } : {});

/** Each day has so many seeds, and a session takes one: half for the steps. */
const SEEDS = 1000;

for (const system of SYSTEMS) {
  const wanted = system === "windows" ? 15_000 : 40_000;
  Deno.test(`${system}: random use agrees with the model of the contract`, async () => {
    // A new seed each day: old ones are not looked at for ever.
    const seed = Math.floor(Date.now() / 86_400_000) * SEEDS;
    const { steps, reached } = await runModel({ system, seed, steps: wanted });
    assert(steps >= wanted);
    // What is rare can be missing by chance, which depends on load, too.
    let next = seed + SEEDS / 2;
    for (; reached.under(1).length > 0 && next < seed + SEEDS; next++) {
      const more = await runModel({ system, seed: next, steps: EPISODE });
      reached.addAll(more.reached);
    }
    console.log(`${steps} steps from seed ${seed}: ${reached}`);
    assertEquals(reached.under(1), []);
  });
}

/** Lies once about how a request has ended. */
function lie(backend: RioBackend): void {
  const { rings } = backend;
  const dequeue = rings.dequeueCompletion.bind(rings);
  // Before the first wait: how long one takes is not the seed's to say.
  let honest = 5;
  rings.dequeueCompletion = (queue, results, max) => {
    const count = dequeue(queue, results, max);
    if (count > 0 && --honest === 0) results.words[0] = WSAEOPNOTSUPP;
    return count;
  };
}

Deno.test("the model prints the seed that fails, which fails again at the same step", async () => {
  const options = {
    system: "fake",
    seed: 9,
    steps: EPISODE,
    spoil: lie,
  } as const;
  const first = await assertRejects(() => runModel(options), Error, "Seed ");
  const [, seed, step] = /^Seed (\d+) fails at step (\d+), .* --seed \1 /
    .exec(first.message)!;
  assert(Number(step) > 1);
  const again = await assertRejects(
    () => runModel({ ...options, seed: Number(seed) }),
    Error,
  );
  assertEquals(again.message, first.message);
});
