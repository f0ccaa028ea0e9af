/**
 * Tries all orders to a depth, or one again.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { places } from "./places.ts";
import { runAll } from "./run.ts";

const names = Object.keys(places(false));
const HELP = `Tries every order in which something can be used.

  --place NAME   ${names.join("\n                 ")}
  --depth N      steps of each run                      [5]
  --once         each kind of step of a session once, requests twice
  --path A,B,C   the run with these choices only
  --help         this text`;

const options = parseArgs(Deno.args, {
  string: ["place", "depth", "path"],
  boolean: ["once", "help"],
  default: { depth: "5" },
});
if (options.help) {
  console.log(HELP);
  Deno.exit();
}
const depth = Number(options.depth);
const path = options.path?.split(",").map(Number);
for (const [name, open] of Object.entries(places(options.once))) {
  if (options.place !== undefined && options.place !== name) continue;
  await using place = open();
  const start = performance.now();
  const runs = await runAll(place, { depth, ...(path && { path }) });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${runs} orders of ${depth} steps, ${seconds} s`);
}
