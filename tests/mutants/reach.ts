/**
 * Which tests run which lines of the package, and how long they take: nobody
 * else can notice a mutant in such a line.
 *
 * @module
 */
import { onLinux } from "./systems.ts";

/** A file of tests, as it ran without a mutant. */
export interface Tests {
  /** Its path. */
  readonly path: string;
  /** How long it took. */
  readonly seconds: number;
  /** The lines that it ran of each file of the package. */
  readonly lines: Readonly<Record<string, readonly number[]>>;
}

/** Runs a file of tests; without lines if they fail or take longer than that. */
export async function reachOf(
  folder: string,
  path: string,
  { preload, seconds }: { preload: readonly string[]; seconds: number },
): Promise<Tests> {
  // A process that a test leaves behind writes to it when the tests are over.
  const data = await Deno.makeTempDir({ dir: folder });
  const begin = performance.now();
  const collect = [`--coverage=${data}`, "--coverage-raw-data-only"];
  const tests = [...collect, ...preload, path];
  const whole = await onLinux.run(folder, tests, { seconds, goOn: true });
  const took = (performance.now() - begin) / 1000;
  // While lines are counted, the collector leaves what it would take otherwise.
  const passed = whole.passed || took < seconds &&
      (await onLinux.run(folder, [...preload, path], { seconds })).passed;
  if (!passed) return { path, seconds: took, lines: {} };
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", "--include=/ffi/", data],
    cwd: folder,
    stderr: "null",
  }).output();
  const lines = linesIn(new TextDecoder().decode(stdout), `${folder}/`);
  return { path, seconds: took, lines };
}

/** Reads the lines that ran from a report of `deno coverage`. */
export function linesIn(lcov: string, root: string): Record<string, number[]> {
  const lines: Record<string, number[]> = {};
  for (const record of lcov.split("end_of_record\n")) {
    const file = /^SF:(.*)$/m.exec(record)?.[1];
    if (!file?.startsWith(root)) continue;
    lines[file.slice(root.length)] = Array.from(
      record.matchAll(/^DA:(\d+),[1-9]/gm),
      ([, line]) => Number(line),
    );
  }
  return lines;
}

/** Chooses who should try a mutant, by what they run and what they noticed. */
export class Choice {
  readonly #tests: readonly Tests[];
  readonly #tries: Map<string, { noticed: number; tried: number }> = new Map();

  constructor(tests: readonly Tests[]) {
    this.#tests = tests;
  }

  /** The tests that run a line: first those that notice most in the least time. */
  of(file: string, line: number): Tests[] {
    const worth = new Map(
      this.#tests.map((one) => [one, this.#worth(one, file)]),
    );
    return this.#tests.filter(({ lines }) => lines[file]?.includes(line))
      .sort((a, b) => worth.get(b)! - worth.get(a)!);
  }

  /** Learns whether tests noticed a mutant of a file. */
  learn(tests: Tests, file: string, noticed: boolean): void {
    const key = `${tests.path} ${file}`;
    const { noticed: before = 0, tried = 0 } = this.#tries.get(key) ?? {};
    this.#tries.set(key, {
      noticed: before + Number(noticed),
      tried: tried + 1,
    });
  }

  #worth({ path, seconds, lines }: Tests, file: string): number {
    const { noticed = 0, tried = 0 } = this.#tries.get(`${path} ${file}`) ?? {};
    const names = file.replace(/^ffi\/|\.ts$/g, "").split(/[/_]/);
    // Those that are named as what they test.
    const near = names.filter((name) => path.includes(name)).length;
    const share = (lines[file]?.length ?? 0) * 4 ** near;
    return share * (noticed + 1) / (tried + 1) / (seconds + 1);
  }
}
