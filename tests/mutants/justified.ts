/**
 * Mutants by rule that change nothing anybody could notice, each with why.
 *
 * @module
 */
import type { Change } from "./rules.ts";

/** A mutant that is let live. */
export interface Justified {
  readonly file: string;
  readonly rule: string;
  /** The line that it changes. */
  readonly before: string;
  /** Why no test can notice it, or need not. */
  readonly why: string;
}

/** The mutants that are let live. */
export const justified: readonly Justified[] = [];

/** Whether a mutant is let live. */
export function isJustified(file: string, change: Change): boolean {
  return justified.some((one) =>
    one.file === file && one.rule === change.rule &&
    one.before === change.before
  );
}
