/**
 * Makes mutants by rule in scratch copies of the package, and lists those that
 * no test notices and that nobody has justified.
 *
 * Each is tried by the tests that run its line, one file of tests after the
 * other, up to the first that notices: those first that noticed most of this
 * file in the least time.
 *
 * `deno task mutants:rules`; words choose mutants that have one of them in their
 * path, line and rule, `--every 10` takes one of ten, `--list` only says what
 * there is. `--reach FILE` keeps which tests run what, and reads it the next
 * time; `--jobs` says how many are tried at a time, `--seconds` for how long each.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { isJustified } from "./justified.ts";
import { ScratchPackage } from "./package.ts";
import { Choice, reachOf, type Tests } from "./reach.ts";
import { type Change, changesOf } from "./rules.ts";
import { sources, testFiles } from "./subjects.ts";
import { onLinux } from "./systems.ts";

/** Seconds that a file of tests may run without a mutant; longer ones are left out. */
const CALM_LIMIT = 180;
/** Seconds for which a mutant may hold them up at first. */
const SLACK = 20;
/** Accounts are audited, as in all tests. */
const AUDIT = ["--preload", "tests/audit/preload.ts"];

const ROOT = new URL("../../", import.meta.url);

/** A mutant to try. */
interface Chosen {
  readonly file: string;
  readonly change: Change;
}

const { every, from, jobs, list, reach, seconds, _: words } = parseArgs(
  Deno.args,
  {
    boolean: ["list"],
    string: ["every", "from", "jobs", "reach", "seconds", "_"],
    default: {
      every: "1",
      from: "0",
      jobs: String(navigator.hardwareConcurrency),
      seconds: "30",
    },
  },
);

/** What is written of a mutant. */
const named = ({ file, change: { rule, line, before } }: Chosen) =>
  `${file}:${line} ${rule}: ${before}`;

async function choose(): Promise<Chosen[]> {
  const all: Chosen[] = [];
  for (const file of await sources()) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    all.push(...changesOf(text).map((change) => ({ file, change })));
  }
  const meant = all.filter((one) =>
    words.length === 0 ||
    words.some((word) => named(one).includes(String(word)))
  );
  const chosen = meant.filter((_, i) => i % Number(every) === Number(from));
  console.log(`${chosen.length} of ${all.length} mutants by rule`);
  return chosen;
}

/** Works off a list, in several copies of the package at a time. */
async function eachOf<T>(
  these: readonly T[],
  work: (one: T, folder: string) => Promise<void>,
): Promise<void> {
  const left = these.values();
  await Promise.all(Array.from({ length: Number(jobs) }, async () => {
    await using scratch = await ScratchPackage.create();
    for (const one of left) await work(one, scratch.folder);
  }));
}

/** What the tests run; what is known of them is read, and added to. */
async function measure(): Promise<Tests[]> {
  const kept = reach ? await Deno.readTextFile(reach).catch(() => "") : "";
  const tests: Tests[] = kept.split("\n").filter(Boolean)
    .map((line) => JSON.parse(line));
  const known = new Set(tests.map(({ path }) => path));
  const left = (await testFiles()).filter((path) => !known.has(path));
  await eachOf(left, async (path, folder) => {
    const options = { preload: AUDIT, seconds: CALM_LIMIT };
    const one = await reachOf(folder, path, options);
    tests.push(one);
    const line = `${JSON.stringify(one)}\n`;
    if (reach) await Deno.writeTextFile(reach, line, { append: true });
    if (Object.keys(one.lines).length > 0) return;
    console.log(`left out: ${path} fails, or takes too long`);
  });
  return tests;
}

/** Who noticed a mutant, or `null`. */
async function tryOne(
  { file, change }: Chosen,
  { folder, choice }: { folder: string; choice: Choice },
): Promise<string | null> {
  await Deno.writeTextFile(`${folder}/${file}`, change.text);
  const run = async (tests: Tests, seconds: number) => {
    const { path } = tests;
    const run = await onLinux.run(folder, [...AUDIT, path], { seconds });
    if (!run.ended) choice.learn(tests, file, !run.passed);
    const noticed = run.passed ? null : `${path}: ${run.noticed[0]}`;
    return { noticed, ended: run.ended ?? false };
  };
  try {
    let left = Number(seconds);
    const tried = new Set<Tests>();
    const unsure: Tests[] = [];
    for (;;) {
      const tests = choice.of(file, change.line)
        .find((one) => one.seconds <= left && !tried.has(one));
      if (tests === undefined) break;
      left -= tests.seconds;
      tried.add(tests);
      const limit = SLACK + 3 * tests.seconds;
      const { noticed, ended } = await run(tests, limit);
      if (ended) unsure.push(tests);
      else if (noticed !== null) return noticed;
    }
    // The machine may be busy: what noticed nothing else has to hang for long.
    for (const tests of unsure) {
      const { noticed } = await run(tests, CALM_LIMIT);
      if (noticed !== null) return noticed;
    }
    return null;
  } finally {
    await Deno.copyFile(new URL(file, ROOT), `${folder}/${file}`);
  }
}

async function main(): Promise<number> {
  const chosen = await choose();
  if (list) {
    for (const one of chosen) console.log(named(one));
    return 0;
  }
  const open = chosen.filter(({ file, change }) => !isJustified(file, change));
  const choice = new Choice(await measure());
  let caught = 0;
  await eachOf(open, async (one, folder) => {
    const noticed = await tryOne(one, { folder, choice });
    if (noticed !== null) caught++;
    console.log(`${noticed === null ? "MISSED" : "caught"}  ${named(one)}`);
    if (noticed !== null) console.log(`        ${noticed}`);
  });
  const justified = chosen.length - open.length;
  const missed = open.length - caught;
  console.log(`${caught} caught, ${justified} justified, ${missed} missed`);
  return missed === 0 ? 0 : 1;
}

Deno.exit(await main());
