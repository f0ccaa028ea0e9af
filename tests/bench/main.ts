/**
 * The benchmarks: everything that is claimed about speed, side by side with
 * the alternatives in one run.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { compareRates, print, type Report } from "./harness.ts";
import { heapGrowth, ownCost } from "./own_cost.ts";
import { udpPairs } from "./udp_pairs.ts";

const flags = parseArgs(Deno.args, {
  boolean: ["json", "quick", "help"],
  unknown: (argument) => {
    console.error(`Unknown argument ${argument}, run with --help`);
    Deno.exit(2);
  },
});
if (flags.help) {
  console.log(`Compares this package with Deno's own sockets over loopback.

  --quick   a short run, to see that it works
  --json    results for machines
  --help    this text`);
  Deno.exit(0);
}
const rounds = flags.quick ? 2 : 9;
const count = flags.quick ? 3_200 : 64_000;

const reports: Report[] = [];
const add = (report: Report) => {
  reports.push(report);
  if (!flags.json) print(report);
};
for (const size of [64, 1200]) {
  const title = `UDP, ${size} bytes sent and received, datagrams`;
  add(await compareRates(title, await udpPairs(size), { count, rounds }));
}
add(ownCost(rounds));
add(await heapGrowth(count));

if (flags.json) {
  const { build, version } = Deno;
  const cores = navigator.hardwareConcurrency;
  console.log(JSON.stringify({ build, version, cores, reports }, null, 2));
}
