/**
 * Tries the statements in a process of its own.
 *
 * @module
 */
import { output } from "../bounded.ts";

/** One statement. */
export interface Statement {
  readonly name: string;
  /** Why Deno's own `node:dgram` does not do so. */
  readonly deno?: string;
  /** What it needs of a machine. */
  readonly needs?: string | string[];
  run(trial: unknown): Promise<void> | void;
}

/** What came of one statement. */
export interface Outcome {
  readonly name: string;
  /** Why it was not tried. */
  readonly skip?: string;
  /** What went wrong. */
  readonly error?: string;
}

/** Runs `in_process.mjs` with a program; by the names of the statements. */
export async function outcomes(
  program: string,
  args: string[],
): Promise<Map<string, Outcome>> {
  const script = `${import.meta.dirname}/in_process.mjs`;
  const { stdout, stderr } = await output(program, {
    args: [...args, script],
  });
  const lines = stdout.trim().split("\n");
  if (lines.length < 2) throw new Error(stderr);
  const all = lines.map((line) => JSON.parse(line) as Outcome);
  return new Map(all.map((outcome) => [outcome.name, outcome]));
}
