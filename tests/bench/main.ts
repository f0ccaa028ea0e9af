/**
 * The benchmarks: everything that is claimed about speed, side by side with
 * the alternatives in one run.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { groupsOf } from "./groups.ts";
import { print, type Report } from "./harness.ts";
import { Limit } from "./limit.ts";

const HELP = `Compares this package with the alternatives over loopback.

  --only A,B   run these groups only: ${"GROUPS"}
  --quick      a short run, to see that it works
  --json       results for machines
  --help       this text

Each row: median, spread, and how many times this package's median it is
below (x 2 means that this package is twice as fast). The limit is a C program
with the same system calls.`;

const usage = (message: string): never => {
  console.error(`${message}, run with --help`);
  Deno.exit(2);
};
const flags = parseArgs(Deno.args, {
  string: ["only"],
  boolean: ["json", "quick", "help"],
  unknown: (argument) => usage(`Unknown argument ${argument}`),
});
await using limit = await Limit.build();

const groups = groupsOf({ limit, quick: flags.quick });

if (flags.help) {
  console.log(HELP.replace("GROUPS", Object.keys(groups).join(", ")));
  Deno.exit(0);
}
const chosen = flags.only?.split(",") ?? Object.keys(groups);
const reports: Report[] = [];
for (const name of chosen) {
  const group = groups[name] ?? usage(`Unknown group "${name}"`);
  for await (const report of group()) {
    reports.push(report);
    if (!flags.json) print(report);
  }
}
if (flags.json) {
  const { build, version } = Deno;
  const cores = navigator.hardwareConcurrency;
  console.log(JSON.stringify({ build, version, cores, reports }, null, 2));
}
