/**
 * Pairs of a verb and the state of what it is used on, and how often random use
 * has reached each.
 *
 * @module
 */

/** All pairs that can be reached: the states of each verb. */
export type Pairs = Readonly<Record<string, readonly string[]>>;

/** How often each pair was reached. */
export class Reached {
  readonly #times: Map<string, number> = new Map();

  /** Has reached none of them yet. */
  constructor(pairs: Pairs) {
    for (const [verb, states] of Object.entries(pairs)) {
      for (const state of states) this.#times.set(`${verb}: ${state}`, 0);
    }
  }

  /**
   * One was reached.
   *
   * @throws {TypeError} If it is none of those that can be.
   */
  add(verb: string, state: string): void {
    const pair = `${verb}: ${state}`;
    const times = this.#times.get(pair);
    if (times === undefined) throw new TypeError(`Nobody expects "${pair}"`);
    this.#times.set(pair, times + 1);
  }

  /** Adds what another run has reached. */
  addAll(other: Reached): void {
    for (const [pair, times] of other.#times) {
      this.#times.set(pair, (this.#times.get(pair) ?? 0) + times);
    }
  }

  /** All pairs with their numbers, the rarest first. */
  get counts(): [pair: string, times: number][] {
    return [...this.#times].sort(([, a], [, b]) => a - b);
  }

  /**
   * Those that were reached less often than so many times.
   *
   * @param but Verbs that do not count.
   */
  under(times: number, but: readonly string[] = []): string[] {
    return this.counts
      .filter(([pair]) => !but.some((verb) => pair.startsWith(`${verb}: `)))
      .filter(([, count]) => count < times)
      .map(([pair, count]) => `${count} times ${pair}`);
  }

  /** In one line, how many there are, and the rarest. */
  toString(): string {
    const [pair, times] = this.counts[0]!;
    return `${this.#times.size} pairs of verbs and states, the rarest ${times} times: ${pair}`;
  }
}
