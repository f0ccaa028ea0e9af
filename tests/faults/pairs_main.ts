/**
 * Makes pairs of calls fail on every system.
 *
 * `deno run -A tests/faults/pairs_main.ts --every 1 --system fake --scenario events`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { failPairs } from "./pairs.ts";
import { pairSystems } from "./pair_systems.ts";
import { scenarios } from "./scenarios.ts";

const options = parseArgs(Deno.args, {
  string: ["every", "from", "system", "scenario"],
  default: { every: "1", from: "0" },
});
let faulty = 0;
for (const { name, make, calls, inTime } of pairSystems()) {
  if (options.system !== undefined && options.system !== name) continue;
  const start = performance.now();
  const { firsts, pairs, faults } = await inTime(() =>
    failPairs(make, {
      calls,
      scenarios: scenarios.filter((one) =>
        options.scenario === undefined || one.name.includes(options.scenario)
      ),
      every: Number(options.every),
      from: Number(options.from),
    })
  );
  for (const fault of faults) console.log(fault);
  faulty += faults.length;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    `${name}: ${pairs} pairs, ${firsts} first failures, ${seconds} s`,
  );
}
Deno.exit(faulty === 0 ? 0 : 1);
