/**
 * SPIN: has the model checked, and takes traces from it.
 *
 * @module
 */
import { output } from "../bounded.ts";

const MODEL = new URL("contract.pml", import.meta.url).pathname;

/** The most that a program takes, in seconds. */
const BOUND = 150;

/** Whether what can complete has completed at once. */
export interface Variant {
  readonly eager: boolean;
}

/** What checking a model came to. */
export interface Checked {
  readonly errors: number;
  readonly states: number;
  /** Statements that are in no run. */
  readonly unreached: number;
  readonly text: string;
}

/** Why there is no model here; `undefined` where there is. */
export const WITHOUT_SPIN: string | undefined = await missing("spin", "-V") ??
  await missing("gcc", "--version");

async function missing(
  command: string,
  version: string,
): Promise<string | undefined> {
  try {
    await run(command, [version]);
  } catch {
    return `there is no ${command}`;
  }
}

/** How a model is checked. */
export interface CheckOptions extends Variant {
  readonly requests: number;
  /** The most that it takes. */
  readonly seconds?: number;
}

/** Looks at every state of the model that can be reached. */
export async function checkModel(
  { eager, requests, seconds = BOUND }: CheckOptions,
): Promise<Checked> {
  const cwd = await Deno.makeTempDir({ prefix: "rio-spec-" });
  try {
    const sizes = [`-DREQUESTS=${requests}`, `-DEAGER=${Number(eager)}`];
    await run("spin", ["-a", ...sizes, MODEL], { cwd });
    const options = ["-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DNOCLAIM"];
    await run("gcc", [...options, "-o", "pan", "pan.c"], { cwd });
    const text = await run(`${cwd}/pan`, ["-m10000", "-w22"], { cwd, seconds });
    const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? NaN);
    return {
      errors: number(/errors: (\d+)/),
      states: number(/(\d+(?:\.\d+e\+\d+)?) states, stored/),
      unreached: number(/\((\d+) of \d+ states\)/),
      text,
    };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Some lives of the model at random; each is a list of lines. */
export async function traces(
  { eager, lives, seed }: Variant & { lives: number; seed: number },
): Promise<string[][]> {
  const cwd = await Deno.makeTempDir({ prefix: "rio-spec-" });
  try {
    const text = await run("spin", [
      ...["-T", `-n${seed}`, `-DEAGER=${Number(eager)}`],
      ...[`-DTRACES=${lives}`, "-DSTEPS=24", MODEL],
    ], { cwd });
    const all: string[][] = [[]];
    for (const line of text.split("\n")) {
      if (/^(?:\d+ process|spin:|$)/.test(line.trim())) continue;
      all.at(-1)!.push(line);
      if (line === "end") all.push([]);
    }
    // Behind the last end is nothing but what is left: nothing.
    return all.slice(0, -1);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

async function run(
  command: string,
  args: string[],
  options: { cwd?: string; seconds?: number } = {},
): Promise<string> {
  const { success, stdout, stderr } = await output(command, {
    seconds: BOUND,
    ...options,
    args,
  });
  const text = stdout + stderr;
  if (!success) throw new Error(`${command} failed: ${text}`);
  return text;
}
