/**
 * Checks the model, and replays its traces.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { checkModel, traces } from "./spin.ts";
import { specSystems } from "./systems.ts";

const options = parseArgs(Deno.args, {
  string: ["requests", "lives", "seed", "system"],
  boolean: ["check"],
  default: { requests: "4", lives: "1000", seed: "1" },
});
if (options.check) {
  for (const eager of [true, false]) {
    const requests = Number(options.requests);
    const { text } = await checkModel({ eager, requests, seconds: 3600 });
    console.log(text);
  }
}
for (const { name, eager, replay } of specSystems()) {
  if (options.system !== undefined && options.system !== name) continue;
  const start = performance.now();
  const [lives, seed] = [Number(options.lives), Number(options.seed)];
  const all = await traces({ eager, lives, seed });
  for (const lines of all) await replay(lines);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${name}: ${all.length} lives, ${seconds} s`);
}
