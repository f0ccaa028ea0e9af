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
import { fromFileUrl } from "./paths.ts";
import { draw } from "./plot.ts";
import { emptySystemCall } from "./system_call.ts";
import { TARGETS } from "./targets.ts";
import { judge, printVerdicts } from "./verdict.ts";

const HELP = `Compares this package with the alternatives over loopback.

  --only A,B   run these groups only: ${"GROUPS"}
  --quick      a short run, to see that it works
  --json       results for machines
  --plot FILE  a chart as well, an SVG
  --help       this text

Each row: median, spread, and how many times this package's median it is
below (x 2 means that this package is twice as fast). The limit is a C program
with the same system calls. At the end: which targets were met. Several groups
run in a process each.`;

async function main(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const { quick, json, help, plot, only } = parseArgs(args, {
    string: ["only", "plot"],
    boolean: ["json", "quick", "help"],
    unknown: (argument) => void unknown.push(argument),
  });
  if (unknown.length > 0) return usage(`Unknown argument ${unknown[0]}`);
  if (plot !== undefined && !plot.endsWith(".svg")) {
    return usage(`Cannot draw "${plot}": a chart is an SVG, name it so`);
  }
  await using limit = help ? null : await Limit.build();
  const groups = groupsOf({ limit, quick });
  const names = Object.keys(groups);
  if (help) {
    console.log(HELP.replace("GROUPS", names.join(", ")));
    return 0;
  }
  const chosen = only?.split(",") ?? names;
  const wrong = chosen.find((name) => !names.includes(name));
  if (wrong !== undefined) return usage(`Unknown group "${wrong}"`);

  const reports: Report[] = [];
  for (const name of chosen) {
    const run = chosen.length === 1 ? groups[name]!() : apart(name, quick);
    for await (const report of run) {
      reports.push(report);
      if (!json) print(report);
    }
  }
  if (json) printJson(reports);
  else printConclusions(reports, quick);
  if (plot !== undefined) {
    await Deno.writeTextFile(plot, draw(reports, caption(quick)));
  }
  return 0;
}

/** Which run a chart was drawn from: only its ratios mean anything. */
function caption(quick: boolean): string {
  const { build, version } = Deno;
  const call = emptySystemCall();
  return [
    `@winsock/rio beside others, median and spread: Deno ${version.deno}`,
    `${build.os} ${build.arch}`,
    `${navigator.hardwareConcurrency} cores`,
    ...call === null ? [] : [`${Math.round(call)} ns per system call`],
    new Date().toISOString().slice(0, 10),
    ...quick ? ["a short run"] : [],
  ].join(", ");
}

function printJson(reports: Report[]): void {
  const { build, version } = Deno;
  const cores = navigator.hardwareConcurrency;
  const systemCall = emptySystemCall();
  const verdicts = judge(TARGETS, reports);
  const all = { build, version, cores, systemCall, reports, verdicts };
  console.log(JSON.stringify(all, null, 2));
}

function printConclusions(reports: Report[], quick: boolean): void {
  const verdicts = judge(TARGETS, reports);
  if (verdicts.length > 0) {
    const doubt = quick ? ", but a short run says nothing" : "";
    console.log(`\nTargets, by the medians of this run${doubt}`);
    printVerdicts(verdicts);
  }
  const call = emptySystemCall();
  if (call === null) return;
  const nanoseconds = `${Math.round(call)} ns here`;
  console.log(`\nAn empty system call through FFI takes ${nanoseconds}.`);
}

/**
 * Runs a group in a process of its own: what ran before it would change how the
 * package has been compiled.
 */
async function* apart(name: string, quick: boolean): AsyncGenerator<Report> {
  const permissions = ["-A", "--no-check", "--unstable-net"];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      ...permissions,
      "--v8-flags=--expose-gc",
      fromFileUrl(new URL(import.meta.url)),
      "--json",
      ...quick ? ["--quick"] : [],
      "--only",
      name,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`The group "${name}" failed`);
  yield* JSON.parse(new TextDecoder().decode(stdout)).reports as Report[];
}

function usage(message: string): number {
  console.error(`${message}, run with --help`);
  return 2;
}

Deno.exit(await main(Deno.args));
