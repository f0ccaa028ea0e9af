/**
 * SPIN: has the model checked, and takes traces from it.
 *
 * @module
 */
import { output } from "../bounded.ts";

const MODEL = new URL("contract.pml", import.meta.url).pathname;

/** The most that a program takes, in seconds. */
const BOUND = 150;

/** The file with traces that were printed where SPIN is; they complete late. */
export const PRINTED: string | undefined = Deno.env.get("RIO_SPEC_TRACES");

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

/** Why there are no traces here; `undefined` where there are. */
export const WITHOUT_TRACES: string | undefined = PRINTED === undefined
  ? WITHOUT_SPIN
  : undefined;

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

/** Some lives of the model at random, as they are printed: a line for each step. */
export async function printTraces(
  { eager, lives, seed }: Variant & { lives: number; seed: number },
): Promise<string> {
  const cwd = await Deno.makeTempDir({ prefix: "rio-spec-" });
  try {
    return await run("spin", [
      ...["-T", `-n${seed}`, `-DEAGER=${Number(eager)}`],
      ...[`-DTRACES=${lives}`, "-DSTEPS=24", MODEL],
    ], { cwd });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** What was printed; each life is a list of lines. */
export function parseTraces(text: string): string[][] {
  const all: string[][] = [[]];
  for (const line of text.split("\n")) {
    if (/^(?:\d+ process|spin:|$)/.test(line.trim())) continue;
    all.at(-1)!.push(line);
    if (line.startsWith("end ")) all.push([]);
  }
  // Behind the last end is nothing but what is left: nothing.
  return all.slice(0, -1);
}

/** Some lives: those that were printed elsewhere, where that was done. */
export async function traces(
  options: Parameters<typeof printTraces>[0],
): Promise<string[][]> {
  return parseTraces(
    PRINTED === undefined
      ? await printTraces(options)
      : await Deno.readTextFile(PRINTED),
  );
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
