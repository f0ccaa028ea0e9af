/**
 * Load for minutes: ten million datagrams, a million TCP round trips, peers that
 * misbehave, millions of steps of random use against the model, every order of a
 * few steps, thousands of orders of many, and every pair of calls that fail.
 *
 * `deno task soak`, or with `--quick` for a few seconds; `--seed` replays. With
 * `--minutes` it is everything at once, and nothing else, for so long; on Linux
 * `--backend io_uring` or `epoll` says over what.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { assert, assertEquals } from "@std/assert";
import { useAtRandom } from "../contract_random/run.ts";
import { places } from "../exhaustive/places.ts";
import { runAll } from "../exhaustive/run.ts";
import { runModel } from "../model/run.ts";
import { PLACES, RACES, runOrders } from "../orders/run.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { SYSTEMS } from "../model/system.ts";
import { FEW } from "../model/verbs.ts";
import { soakFaults } from "./faults.ts";
import { soak } from "./run.ts";
import { soakSpec } from "./spec.ts";
import { ENGINES, soakTimed } from "./timed.ts";

/** How often random use reaches each pair of a verb and a state, at the least. */
const LEAST = 1000;

/** How many steps all orders are tried of. */
function depthOf(name: string): number {
  // The collector, and a fake session, take ten times as long as others.
  if (name.startsWith("collected")) return 4;
  if (name.endsWith("fake")) return 5;
  // Each kind of step of a session happens once.
  return name.startsWith("session") ? 8 : 5;
}

const args = parseArgs(Deno.args, {
  boolean: ["quick"],
  string: ["seed", "minutes", "backend"],
});
const seed = Number(args.seed ?? Date.now() >>> 0);
console.log(`seed ${seed}`);
if (args.minutes === undefined) {
  await soakByWork(args.quick);
} else {
  const seconds = 60 * Number(args.minutes);
  assert(seconds > 0, `--minutes ${args.minutes}`);
  await soakTimed({ seconds, seed, backend: args.backend });
}

/** Everything at once for a while; then each by itself, until it was enough. */
async function soakByWork(quick: boolean): Promise<void> {
  for (const backend of ENGINES) {
    await soakTimed({ seconds: quick ? 5 : 300, seed, backend });
  }
  await soak(
    quick
      ? { datagrams: 100_000, roundTrips: 10_000, streams: 50, peers: 5, seed }
      : {
        datagrams: 10_000_000,
        roundTrips: 1_000_000,
        streams: 50_000,
        peers: 500,
        seed,
      },
  );
  for (const system of SYSTEMS) {
    const steps = quick ? 20_000 : 3_000_000;
    const { reached } = await runModel({ system, seed, steps });
    console.log(`${steps} steps of random use on ${system}: ${reached}`);
    if (!quick) assertEquals(reached.under(LEAST, FEW), []);
  }
  for (const once of [true, false]) {
    for (const [name, open] of Object.entries(places(once))) {
      if (once !== name.startsWith("session")) continue;
      const depth = quick ? 2 : depthOf(name);
      await using place = open();
      const runs = await runAll(place, { depth });
      console.log(`${runs} orders of ${depth} steps: ${name}`);
    }
  }
  for (const race of Object.keys(RACES)) {
    for (const place of PLACES) {
      if (place === "io_uring" && WITHOUT_URING) continue;
      const count = quick ? 20 : 10_000;
      await runOrders({ race, place, seed, count });
      console.log(`${count} orders of calls that race: ${race}, ${place}`);
    }
  }
  await soakFaults(quick ? 100 : 1);
  await soakSpec(
    quick
      ? { requests: 2, lives: 50, seed }
      : { requests: 4, lives: 10_000, seed },
  );
  for (const system of ["fake", "linux"] as const) {
    if (system === "linux" && Deno.build.os !== "linux") continue;
    const steps = quick ? 10_000 : 2_000_000;
    const reached = await useAtRandom({ system, steps, seed });
    console.log(`${steps} steps of the 13 functions on ${system}: ${reached}`);
    if (!quick) assertEquals(reached.under(LEAST), []);
  }
}
