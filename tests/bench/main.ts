/**
 * The benchmarks: everything that is claimed about speed, side by side with
 * the alternatives in one run.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { compareRates, print, type Report } from "./harness.ts";
import { Limit } from "./limit.ts";
import { heapGrowth, ownCost } from "./own_cost.ts";
import { connectionMemory, windows } from "./growth.ts";
import { tcpBulk, tcpEcho, tcpMany } from "./tcp.ts";
import { BULK_BYTES, udpBulk } from "./udp_bulk.ts";
import { udpEcho } from "./udp_echo.ts";
import { udpOneWay } from "./udp_one_way.ts";
import { session, udpPairs } from "./udp_pairs.ts";

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
const rounds = flags.quick ? 2 : 7;
const effort = (count: number) => ({
  count: flags.quick ? Math.ceil(count / 640) * 32 : count,
  rounds,
});

await using limit = await Limit.build();

const groups: Record<string, () => AsyncIterable<Report>> = {
  // First: code that has seen nothing else yet is what a program runs, too.
  async *limit() {
    if (!limit) {
      console.error("skip: there is no limit to compare with");
      return;
    }
    yield await compareRates(
      "UDP, 64 bytes sent and received, datagrams, beside the limit",
      [
        session(64),
        limit.candidate("the limit: C, batches of 32", "pairs", 64, 32),
      ],
      effort(128_000),
    );
  },
  async *pairs() {
    for (const size of [64, 1200]) {
      yield await compareRates(
        `UDP, ${size} bytes sent and received, datagrams`,
        await udpPairs(size, limit),
        effort(64_000),
      );
    }
  },
  async *echo() {
    yield* await udpEcho(effort(3_200));
  },
  async *bulk() {
    yield await compareRates(
      "UDP, bulk, megabytes",
      udpBulk(),
      effort(1_600),
      { scale: BULK_BYTES / 1e6, unit: "MB per s" },
    );
  },
  async *oneway() {
    for (const direction of ["receive", "send"] as const) {
      yield await compareRates(
        `UDP, ${direction} only, 64 bytes, datagrams`,
        udpOneWay(direction, limit),
        effort(96_000),
      );
    }
  },
  async *tcp() {
    yield* await tcpEcho(effort(3_200));
    yield await compareRates(
      "TCP, bulk in chunks of 64 KiB, megabytes",
      await tcpBulk(limit),
      effort(6_400),
      { scale: 65536 / 1e6, unit: "MB per s" },
    );
    const connections = flags.quick ? 100 : 1_000;
    yield await compareRates(
      `TCP, ${connections} connections, requests of 64 bytes, round trips`,
      await tcpMany(connections),
      effort(32_000),
    );
  },
  async *growth() {
    yield await windows(effort(64_000));
    yield await connectionMemory(flags.quick ? [1, 10] : [1, 10, 100, 1_000]);
  },
  async *own() {
    yield ownCost(rounds);
    yield await heapGrowth(flags.quick ? 3_200 : 320_000);
  },
};

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
