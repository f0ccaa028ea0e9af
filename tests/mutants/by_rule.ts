/**
 * Makes mutants by rule in a scratch copy of the package, and lists those that
 * no test notices and that nobody has justified.
 *
 * `deno task mutants:rules`; words choose files of which the path has one of
 * them, `--every 10` takes one of ten, `--list` only says what there is.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { isJustified } from "./justified.ts";
import { ScratchPackage } from "./package.ts";
import { type Change, changesOf } from "./rules.ts";
import { type Subject, subjects } from "./subjects.ts";
import { onLinux } from "./systems.ts";

/** Seconds that the quick tests of one mutant may run; a hang is noticed, too. */
const QUICK_LIMIT = 60;
/** Seconds that the others may run. */
const LIMIT = 180;
/** Seconds that they may run without a mutant. */
const CALM_LIMIT = 600;
/** Accounts are audited, as in all tests. */
const AUDIT = ["--preload", "tests/audit/preload.ts"];

const ROOT = new URL("../../", import.meta.url);

/** A mutant to try. */
interface Chosen {
  readonly file: string;
  readonly change: Change;
  readonly subject: Subject;
}

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    boolean: ["list"],
    string: ["every", "from", "_"],
    default: { every: "1", from: "0" },
  });
  const { every, from, list, _: words } = options;
  const files = Object.entries(subjects).filter(([file]) =>
    words.length === 0 || words.some((word) => file.includes(String(word)))
  );
  const chosen: Chosen[] = [];
  let count = 0;
  for (const [file, subject] of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    for (const change of changesOf(text)) {
      if (count++ % Number(every) !== Number(from)) continue;
      chosen.push({ file, change, subject });
    }
  }
  console.log(`${chosen.length} of ${count} mutants by rule`);
  if (list) {
    for (const one of chosen) report("       ", one);
    return 0;
  }
  await using scratch = await ScratchPackage.create();
  const { folder } = scratch;
  for (const { quick, rest } of new Set(chosen.map((one) => one.subject))) {
    const tests = [...AUDIT, ...quick, ...rest];
    const calm = await onLinux.run(folder, tests, { seconds: CALM_LIMIT });
    if (calm.passed) continue;
    console.error(`The tests fail without a mutant:\n${calm.text}`);
    return 1;
  }
  let caught = 0;
  let justified = 0;
  for (const one of chosen) {
    const { file, change, subject } = one;
    if (isJustified(file, change)) {
      justified++;
      continue;
    }
    await Deno.writeTextFile(`${folder}/${file}`, change.text);
    let { passed, noticed } = await onLinux.run(
      folder,
      [...AUDIT, ...subject.quick],
      { seconds: QUICK_LIMIT },
    );
    if (passed) {
      const rest = [...AUDIT, ...subject.rest];
      ({ passed, noticed } = await onLinux.run(folder, rest, {
        seconds: LIMIT,
      }));
    }
    await Deno.copyFile(new URL(file, ROOT), `${folder}/${file}`);
    if (!passed) caught++;
    report(passed ? "MISSED " : "caught ", one);
    if (!passed) console.log(`        ${noticed[0]}`);
  }
  const missed = chosen.length - caught - justified;
  console.log(`${caught} caught, ${justified} justified, ${missed} missed`);
  return missed === 0 ? 0 : 1;
}

function report(
  outcome: string,
  { file, change }: Chosen,
): void {
  const { rule, line, before } = change;
  console.log(`${outcome} ${file}:${line} ${rule}: ${before}`);
}

Deno.exit(await main(Deno.args));
