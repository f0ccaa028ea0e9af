/**
 * What to run, and to paste into a report, when something is wrong: it looks
 * at the system, tries everything that the package uses, and answers on this
 * machine what the documentation of Registered I/O leaves open.
 *
 * ```sh
 * deno run -A jsr:@winsock/rio/doctor
 * deno run -A jsr:@winsock/rio/doctor --json > report.json
 * ```
 *
 * It needs none of the permissions, and says what it leaves out without. It
 * uses loopback only. No experiment can take it along: each has its time, and
 * runs in a child process.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runHere, writeMessage } from "./doctor/child.ts";
import type { Experiment } from "./doctor/experiment.ts";
import {
  ALWAYS,
  DECIDING,
  experimentOf,
  EXPERIMENTS,
} from "./doctor/experiments.ts";
import { type Result, runAll, type RunOptions } from "./doctor/runner.ts";
import {
  type Permissions,
  readPermissions,
  readSystem,
} from "./doctor/system.ts";
import { Text } from "./doctor/text.ts";

const HELP = `Finds out whether Registered I/O works here, and how.

  --json             a report for programs
  --library PATH     a DLL in place of ws2_32.dll, Windows only
  --timeout SECONDS  time for each experiment, 1 to 600     [20]
  --only NAMES       these experiments only, with commas    [all]
  --help             this text

Experiments: ${EXPERIMENTS.map(({ name }) => name).join(" ")}

Exit code 0 if Registered I/O works, 1 if not, 2 for a wrong argument,
130 after Ctrl-C.`;

interface Options {
  json: boolean;
  library?: string;
  seconds: number;
  experiments: readonly Experiment[];
  /** These are to be run in this process, which is the doctor's child. */
  child: boolean;
}

function readOptions(): Options {
  const usage = (message: string): never => {
    console.error(`${message}\nRun with --help for the options.`);
    Deno.exit(2);
  };
  const { json, help, library, timeout, only, experiment } = readFlags(usage);
  if (help) {
    console.log(HELP);
    Deno.exit(0);
  }
  const seconds = Number(timeout ?? 20);
  if (timeout?.trim() === "" || !(seconds >= 1 && seconds <= 600)) {
    usage(`Invalid --timeout "${timeout}": give 1 to 600 seconds`);
  }
  if (library === "") usage('Invalid --library "": give the path of a DLL');
  if (library !== undefined && Deno.build.os !== "windows") {
    usage(`Invalid --library "${library}": only Windows opens a DLL`);
  }
  const find = (names: string): Experiment[] =>
    names.split(",").map((name) =>
      experimentOf(name) ?? usage(`Unknown experiment "${name}"`)
    );
  return {
    json: json ?? false,
    ...(library === undefined ? {} : { library }),
    seconds,
    experiments: experiment !== undefined
      ? find(experiment)
      : only === undefined
      ? EXPERIMENTS
      : [
        ...EXPERIMENTS.filter(({ name }) => DECIDING.has(name)),
        ...find(only).filter(({ name }) => !DECIDING.has(name)),
      ],
    child: experiment !== undefined,
  };
}

/** What was given; a program of the package has no dependency, and Deno this. */
function readFlags(usage: (message: string) => never) {
  try {
    return parseArgs({
      args: Deno.args,
      options: {
        json: { type: "boolean" },
        help: { type: "boolean" },
        library: { type: "string" },
        timeout: { type: "string" },
        only: { type: "string" },
        experiment: { type: "string" },
      },
    }).values;
  } catch (error) {
    if (error instanceof Error) return usage(error.message);
    throw error;
  }
}

/** Everything that was found. */
class Report {
  readonly #results: Result[] = [];
  readonly #text: Text | null;

  constructor(text: Text | null) {
    this.#text = text;
  }

  add(result: Result): void {
    this.#results.push(result);
    this.#text?.experiment(result);
  }

  leaveOut(experiments: readonly Experiment[], reason: string): void {
    for (const { name, title } of experiments) {
      this.add({ name, title, end: "left out", reason, findings: [] });
    }
  }

  get results(): readonly Result[] {
    return this.#results;
  }

  /** What `rioSupport()` said, as data. */
  get support(): unknown {
    return this.#of("support")?.findings.find(({ data }) => data)?.data ?? null;
  }

  /** Why it does not work, or was not seen working; `null` when it was. */
  get trouble(): string | null {
    for (const name of DECIDING) {
      const result = this.#of(name);
      if (!result) return "the doctor was interrupted";
      const wrong = result.findings.find(({ verdict }) =>
        verdict === "differs"
      );
      if (wrong) return `${wrong.what}: ${wrong.seen}`;
      if (result.end !== "done") {
        return `"${name}" was ${result.end}, ${result.reason ?? "by Ctrl-C"}`;
      }
    }
    return null;
  }

  /** How many answers of each kind, and how many experiments that ended badly. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {
      "match": 0,
      "differs": 0,
      "not decided": 0,
      "crashed": 0,
      "hung": 0,
      "failed": 0,
      "left out": 0,
      "interrupted": 0,
    };
    for (const { end, findings } of this.#results) {
      for (const kind of [end, ...findings.map(({ verdict }) => verdict)]) {
        if (kind in counts) counts[kind]!++;
      }
    }
    return counts;
  }

  #of(name: string): Result | undefined {
    return this.#results.find((result) => result.name === name);
  }
}

async function examine(
  report: Report,
  options: Options,
  permissions: Permissions,
  signal: AbortSignal,
): Promise<void> {
  const { ffi, net, run } = permissions;
  const { library, seconds } = options;
  const script = new URL(import.meta.url);
  const running: RunOptions = {
    ...(library === undefined ? {} : { library }),
    seconds,
    script: run.granted ? script.href : null,
    signal,
    ended: (result) => report.add(result),
  };
  const selected = options.experiments;
  if (!ffi.granted) {
    report.leaveOut(selected, `${ffi.flag} is missing`);
    return;
  }
  const first = selected.filter(({ name }) => ALWAYS.has(name));
  const others = selected.filter(({ name }) => !ALWAYS.has(name));
  await runAll(first, running);
  if (report.trouble?.startsWith("rioSupport()")) {
    report.leaveOut(others, "Registered I/O does not open here");
    return;
  }
  const allowed = others.filter((one) => net.granted || !one.net);
  await runAll(allowed, running);
  report.leaveOut(
    others.filter((one) => !allowed.includes(one)),
    `${net.flag} is missing`,
  );
}

async function main(options: Options): Promise<number> {
  const permissions = readPermissions();
  const system = readSystem(permissions);
  const colors = Deno.stdout.isTerminal() && !Deno.noColor;
  const text = options.json ? null : new Text(console.log, colors);
  text?.head(system, permissions);

  const report = new Report(text);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const stop = () => {
    // The next one ends the doctor at once.
    Deno.removeSignalListener("SIGINT", stop);
    interrupt.abort();
  };
  Deno.addSignalListener("SIGINT", stop);
  await examine(report, options, permissions, signal);

  const { trouble, counts } = report;
  text?.tail(trouble === null, trouble ?? "", counts);
  if (options.json) {
    const { support, results } = report;
    const { aborted: interrupted } = signal;
    console.log(JSON.stringify(
      {
        works: trouble === null,
        ...(trouble === null ? {} : { trouble }),
        interrupted,
        system,
        permissions,
        support,
        counts,
        experiments: results,
      },
      null,
      2,
    ));
  }
  return signal.aborted ? 130 : trouble === null ? 0 : 1;
}

const options = readOptions();
if (options.child) {
  const { experiments, library, seconds } = options;
  const setting = { ...(library === undefined ? {} : { library }), seconds };
  // It ends when the last native wait did; the doctor sees to it that it does.
  await runHere(experiments, setting, writeMessage);
} else {
  // What hangs in this process must not keep it.
  Deno.exit(await main(options));
}
