/**
 * Where the tests of a fault run: on Linux, or on Windows.
 *
 * @module
 */
import { type Mutant, WINDOWS } from "./mutant.ts";

/** A system that tests run on. */
export interface System {
  /** The tests that have to notice a fault there; none if it is not meant to. */
  tests(mutant: Mutant): readonly string[];
  /** Runs tests in a copy of the package. */
  run(folder: string, tests: readonly string[], options: Limit): Promise<Run>;
}

/** How long tests may run. */
export interface Limit {
  /** Seconds until they are ended; a hang is noticed, too. */
  seconds: number;
  /** Whether they go on after one that fails. */
  goOn?: boolean;
}

/** What came of a run. */
export interface Run {
  /** Whether all tests passed. */
  readonly passed: boolean;
  /** Everything that was printed. */
  readonly text: string;
  /** What noticed a fault, most telling first. */
  readonly noticed: readonly string[];
  /** Whether they were ended, because they took too long. */
  readonly ended?: boolean;
}

const TEST = ["test", "-A", "--no-check", "--unstable-net"]
  .concat("--v8-flags=--expose-gc");

/** Linux: the tests that a fault names, up to the first that fails. */
export const onLinux: System = {
  tests: ({ linux = [] }) => linux,
  async run(folder, tests, { seconds, goOn = false }) {
    const args = [...TEST, ...(goOn ? [] : ["--fail-fast"]), ...tests];
    const signal = AbortSignal.timeout(seconds * 1000);
    const run = await deno(folder, args, { signal });
    if (!signal.aborted) return run;
    const noticed = ["a test that did not end"];
    return { ...run, passed: false, noticed, ended: true };
  },
};

/** Windows: the same tests for every fault, and the provider that judges. */
export const onWindows: System = {
  tests: ({ windows = false }) => windows ? WINDOWS : [],
  run(folder, tests, { seconds }) {
    const args = ["run", "-A", "tests/windows/run.ts", ...TEST, ...tests];
    const env = { RIO_WINDOWS_BOUND: String(seconds) };
    return deno(folder, args, { env });
  },
};

async function deno(
  cwd: string,
  args: string[],
  { env = {}, signal }: { env?: Record<string, string>; signal?: AbortSignal },
): Promise<Run> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { ...env, NO_COLOR: "1" },
    ...(signal ? { signal } : {}),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout) + decoder.decode(stderr);
  return { passed: success, text, noticed: noticedIn(text) };
}

/** What the verifier recorded, without numbers, and the first failed tests. */
function noticedIn(text: string): string[] {
  const recorded = text.matchAll(/(?:violation|refused): (.*?)[",\s]*$/gm);
  const kinds = new Set(
    Array.from(recorded, ([, what = ""]) => what.replaceAll(/\b\d\w*/g, "#")),
  );
  const failed = Array.from(
    text.matchAll(/^(.+?) \.\.\. FAILED/gm),
    ([, name = ""]) => name,
  );
  const noticed = [
    ...Array.from(kinds, (kind) => `the verifier: ${kind}`),
    ...failed.slice(0, 3),
    ...(failed.length > 3 ? [`and ${failed.length - 3} more tests`] : []),
    ...(/ended after \d+ s/.test(text) ? ["a test that did not end"] : []),
  ];
  return noticed.length > 0 ? noticed : text.trim().split("\n").slice(-1);
}
