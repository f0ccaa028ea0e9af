/**
 * Runs the model for as long as asked, or replays one seed.
 *
 * `deno run -A --unstable-net --v8-flags=--expose-gc tests/model/main.ts --steps 5000000`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { runModel } from "./run.ts";
import { SYSTEMS } from "./system.ts";

const args = parseArgs(Deno.args, {
  string: ["seed", "steps", "system"],
  default: { seed: String(Date.now() >>> 0), steps: "1000000" },
});
const seed = Number(args.seed);
for (const system of SYSTEMS) {
  if (args.system !== undefined && args.system !== system) continue;
  const start = performance.now();
  const { steps, reached } = await runModel({
    system,
    seed,
    steps: Number(args.steps),
  });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${system}: ${steps} steps from seed ${seed} in ${seconds.toFixed(1)} s`,
    reached.counts,
  );
}
