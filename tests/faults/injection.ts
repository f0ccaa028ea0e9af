/**
 * Which call of a system fails, and how; and which one after that.
 *
 * @module
 */
import type { Way } from "./faults.ts";

interface Armed {
  readonly call: string;
  readonly way: Way;
  left: number;
}

/** Counts the calls of a system, and says which of them are to fail. */
export class Injection {
  /** How often each function was called. */
  readonly counts: Record<string, number>;
  /** The same since the first failure, without that call. */
  readonly after: Record<string, number> = {};
  readonly #armed: Armed[] = [];
  /** What is armed with the first failure. */
  readonly #next: Armed[] = [];
  /** Failures that were met. */
  #met = 0;

  constructor(counts: Record<string, number> = {}) {
    this.counts = counts;
  }

  /** Whether a failure was met. */
  get met(): boolean {
    return this.#met > 0;
  }

  /** How many failures were met. */
  get failures(): number {
    return this.#met;
  }

  /** Fails the nth call of a function from now on. */
  fail(call: string, way: Way, nth: number): void {
    this.#armed.push({ call, way, left: nth });
  }

  /** Fails the nth call of a function after the first failure. */
  failNext(call: string, way: Way, nth: number): void {
    this.#next.push({ call, way, left: nth });
  }

  /** Counts a call, and tells how it is to fail, if it is. */
  count(call: string): Way | undefined {
    this.counts[call] = (this.counts[call] ?? 0) + 1;
    if (this.met) this.after[call] = (this.after[call] ?? 0) + 1;
    let way: Way | undefined;
    for (const armed of this.#armed) {
      if (armed.call === call && --armed.left === 0) way = armed.way;
    }
    if (way === undefined) return undefined;
    if (this.#met++ === 0) this.#armed.push(...this.#next.splice(0));
    return way;
  }
}
