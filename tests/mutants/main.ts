/**
 * Makes deliberate faults in a scratch copy of the package, one at a time, and
 * shows that the tests notice each of them.
 *
 * `deno task mutants` tries those that tests on Linux have to notice, and with
 * `--windows` those that the run on Windows has to notice. Words choose the
 * faults whose names have one of them.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { mutants } from "./mutants.ts";
import { outdated, ScratchPackage } from "./package.ts";
import { onLinux, onWindows } from "./systems.ts";

/** Seconds that the tests of one fault may run. */
const LIMIT = 60;
/** Seconds that all of them may run without a fault. */
const CALM_LIMIT = 300;

async function main(args: string[]): Promise<number> {
  const { windows, _ } = parseArgs(args, { boolean: ["windows"] });
  const system = windows ? onWindows : onLinux;
  const chosen = mutants.filter((mutant) =>
    system.tests(mutant).length > 0 &&
    (_.length === 0 || _.some((word) => mutant.name.includes(String(word))))
  );
  await using scratch = await ScratchPackage.create();
  const { folder } = scratch;
  const all = [...new Set(chosen.flatMap((mutant) => system.tests(mutant)))];
  const calm = await system.run(folder, all, { seconds: CALM_LIMIT });
  if (!calm.passed) {
    console.error(`The tests fail without a fault:\n${calm.text}`);
    return 1;
  }
  let caught = 0;
  for (const mutant of chosen) {
    const { name, edits } = mutant;
    const gone = await outdated(mutant);
    if (gone.length > 0) {
      report("OUTDATED", name, gone);
      continue;
    }
    await scratch.make(edits);
    const tests = system.tests(mutant);
    const { passed, noticed } = await system.run(folder, tests, {
      seconds: LIMIT,
    });
    await scratch.undo(edits);
    if (!passed) caught++;
    report(passed ? "MISSED" : "caught", name, passed ? [] : noticed);
  }
  console.log(`${caught} of ${chosen.length} faults were caught`);
  return caught === chosen.length ? 0 : 1;
}

function report(outcome: string, name: string, lines: readonly string[]): void {
  console.log(`${outcome}  ${name}`);
  for (const line of lines) console.log(`        ${line}`);
}

Deno.exit(await main(Deno.args));
