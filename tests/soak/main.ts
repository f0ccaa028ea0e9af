/**
 * Load for minutes: ten million datagrams, a million TCP round trips, and peers
 * that misbehave.
 *
 * `deno task soak`, or with `--quick` for a few seconds; `--seed` replays.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { soak } from "./run.ts";

const args = parseArgs(Deno.args, { boolean: ["quick"], string: ["seed"] });
const seed = Number(args.seed ?? Date.now() >>> 0);
console.log(`seed ${seed}`);
await soak(
  args.quick
    ? { datagrams: 100_000, roundTrips: 10_000, peers: 5, seed }
    : { datagrams: 10_000_000, roundTrips: 1_000_000, peers: 500, seed },
);
