/**
 * Runs the model for as long as asked, or replays one seed.
 *
 * `deno run -A --unstable-net --v8-flags=--expose-gc tests/model/main.ts --steps 5000000`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { type ModelSystem, runModel } from "./run.ts";

const args = parseArgs(Deno.args, {
  string: ["seed", "steps", "system"],
  default: { seed: String(Date.now() >>> 0), steps: "1000000" },
});
const seed = Number(args.seed);
const steps = Number(args.steps);
const systems: readonly ModelSystem[] = args.system === "linux" ||
    args.system === "fake"
  ? [args.system]
  : Deno.build.os === "linux"
  ? ["linux", "fake"]
  : ["fake"];
for (const system of systems) {
  const start = performance.now();
  const made = await runModel({ system, seed, steps });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${system}: ${made} steps from seed ${seed} in ${seconds.toFixed(1)} s`,
  );
}
