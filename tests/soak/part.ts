/**
 * What every part of the soak is given.
 *
 * @module
 */
import type { Random } from "../model/random.ts";

/** How much is to be done: so many things, or all there is time for. */
export type Goal = number | AbortSignal;

/** How a part is run. */
export interface Part {
  readonly goal: Goal;
  readonly random: Random;
  /**
   * An address of the loopback that is this part's alone. A socket can get the
   * port of one that was closed a moment ago: what was on its way to that one
   * must not come to a part that knows nothing of it.
   */
  readonly hostname: string;
}

/** Whether all that was asked for was done; in a short time too, something. */
export function isReached(goal: Goal, done: number): boolean {
  return typeof goal === "number" ? done >= goal : goal.aborted && done > 0;
}

/** Addresses of the loopback that other processes do not use, as a rule. */
export function* hostnames(): Generator<string, never> {
  const { pid } = Deno;
  for (let host = 1;; host++) {
    yield `127.${1 + (pid >> 8) % 254}.${pid & 0xFF}.${host}`;
  }
}

/** Gives the event loop a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
