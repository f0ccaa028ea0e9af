/**
 * Makes deliberate faults in a scratch copy of the package, one at a time, and
 * shows that the tests notice each of them.
 *
 * `deno task mutants` tries all; words choose those whose names have one of them.
 *
 * @module
 */
import { type Mutant, mutants } from "./mutants.ts";

/** The most that the tests of one fault run; a hang is noticed, too. */
const LIMIT_MS = 60_000;
/** The most that all of them run without a fault. */
const CALM_LIMIT_MS = 300_000;
const ROOT = new URL("../../", import.meta.url);
const PARTS = ["deno.json", "deno.lock", "mod.ts", "ffi", "tests"];

/** What came of one fault. */
interface Outcome {
  readonly caught: boolean;
  /** Who noticed, or why nobody could. */
  readonly by: string;
}

async function copy(from: URL, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copy(new URL(`${from}/${name}`), `${to}/${name}`);
  }
}

async function test(
  folder: string,
  tests: readonly string[],
  limit = LIMIT_MS,
) {
  const signal = AbortSignal.timeout(limit);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "-A",
      "--no-check",
      "--unstable-net",
      "--v8-flags=--expose-gc",
      "--fail-fast",
      ...tests,
    ],
    cwd: folder,
    env: { NO_COLOR: "1" },
    signal,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  return {
    success,
    hung: signal.aborted,
    text: text.decode(stdout) + text.decode(stderr),
  };
}

async function tryMutant(folder: string, mutant: Mutant): Promise<Outcome> {
  const path = `${folder}/${mutant.file}`;
  const whole = await Deno.readTextFile(path);
  const found = whole.split(mutant.find).length - 1;
  if (found !== 1) {
    return { caught: false, by: `the text to replace is there ${found} times` };
  }
  await Deno.writeTextFile(
    path,
    whole.replace(mutant.find, () => mutant.replace),
  );
  try {
    const { success, hung, text } = await test(folder, mutant.tests);
    if (success) return { caught: false, by: "no test" };
    if (hung) return { caught: true, by: "a test that did not end" };
    const failed = /^(.+?) (?:=> .+|\.\.\. FAILED.*)$/m.exec(text)?.[1];
    return { caught: true, by: failed ?? text.trim().split("\n").at(-1) ?? "" };
  } finally {
    await Deno.writeTextFile(path, whole);
  }
}

const words = Deno.args;
const chosen = mutants.filter(({ name }) =>
  words.length === 0 || words.some((word) => name.includes(word))
);
const folder = await Deno.makeTempDir();
let missed = 0;
try {
  for (const part of PARTS) {
    await copy(new URL(part, ROOT), `${folder}/${part}`);
  }
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
  const { success, text } = await test(folder, files, CALM_LIMIT_MS);
  if (!success) {
    console.error(`The tests fail without a fault:\n${text}`);
    Deno.exit(1);
  }
  for (const mutant of chosen) {
    const { caught, by } = await tryMutant(folder, mutant);
    if (!caught) missed++;
    console.log(
      `${caught ? "caught" : "MISSED"}  ${mutant.name}\n        ${by}`,
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(`${chosen.length - missed} of ${chosen.length} faults were caught`);
if (missed > 0) Deno.exit(1);
