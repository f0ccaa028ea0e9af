/**
 * What happens in an order that a seed chooses: those who take part pause for as
 * long as it says, between all that they do.
 *
 * @module
 */
import { clearTimer, inNextTurn, pause, setTimer } from "../../ffi/clock.ts";
import type { Random } from "../model/random.ts";

/** How long a call may take, on the clock of the run, in milliseconds. */
const PATIENCE_MS = 20_000;

/** Chooses an order, and keeps those who take part. */
export class Schedule {
  readonly random: Random;
  /** Longer than a native wait, which then goes on; 0 for never. */
  readonly #long: number;
  readonly #parts: Promise<void>[] = [];
  readonly #going: Set<string> = new Set();

  /**
   * Begins nothing yet.
   *
   * @param random What is chosen.
   * @param long What a rare pause takes, in milliseconds; 0 for none.
   */
  constructor(random: Random, long: number) {
    this.random = random;
    this.#long = long;
  }

  /** Lets the others go on: for some microtasks, turns or milliseconds. */
  async hop(): Promise<void> {
    const { random } = this;
    const kind = random.below(16);
    if (kind < 6) {
      for (let left = random.below(12); left > 0; left--) await undefined;
    } else if (kind < 11) {
      for (let left = random.below(20); left > 0; left--) {
        await new Promise<void>(inNextTurn);
      }
    } else if (kind < 15) {
      await pause(random.below(4) / 2);
    } else if (this.#long > 0 && random.oneIn(4)) {
      await pause(this.#long);
    }
  }

  /** Has somebody take part, after a pause. */
  add(name: string, part: () => Promise<void>): void {
    const run = async () => {
      await this.hop();
      await part();
    };
    const unique = `${name} (${this.#parts.length})`;
    this.#going.add(unique);
    this.#parts.push(run().finally(() => this.#going.delete(unique)));
  }

  /**
   * Resolves when all have done their part, also those that others added.
   *
   * @throws {Error} What one of them throws, or that they never end.
   */
  async end(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimer(PATIENCE_MS, () => {
      reject(new Error(`Never done: ${[...this.#going].join(", ")}`));
    });
    try {
      for (let done = 0; done < this.#parts.length;) {
        done = this.#parts.length;
        await Promise.race([Promise.all(this.#parts), late]);
      }
    } finally {
      clearTimer(timer);
    }
  }
}
