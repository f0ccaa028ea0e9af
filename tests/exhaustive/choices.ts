/**
 * Makes every run that a body with choices can make, one after the other.
 *
 * The body runs anew for each; a choice that it makes is the next number of a
 * path, and the last number that can still grow grows before the next run. So
 * no run is made twice, and none is left out.
 *
 * @module
 */

/** One number of a path. */
interface Choice {
  value: number;
  /** The first number that it cannot be; 0 before a run has come to it. */
  bound: number;
}

/** Makes the choices of one run after the other. */
export class Choices {
  #path: Choice[];
  #at = 0;
  #started = false;

  /** Runs so far, with the one that goes on. */
  runs = 0;

  /**
   * Begins nothing yet.
   *
   * @param path The choices of the first run; the first of each by default.
   */
  constructor(path: readonly number[] = []) {
    this.#path = path.map((value) => ({ value, bound: 0 }));
  }

  /** Begins the next run; `false` when all were made. */
  next(): boolean {
    const path = this.#path;
    if (this.#started) {
      // What was not reached this time belongs to another run.
      path.length = this.#at;
      while (path.length > 0 && path.at(-1)!.value + 1 >= path.at(-1)!.bound) {
        path.pop();
      }
      if (path.length === 0) return false;
      path.at(-1)!.value++;
    }
    this.#started = true;
    this.#at = 0;
    this.runs++;
    return true;
  }

  /** One of so many numbers, from 0. */
  below(bound: number): number {
    if (bound <= 0) throw new RangeError("There is nothing to choose from");
    const at = this.#at++;
    const choice = this.#path[at] ??= { value: 0, bound };
    choice.bound ||= bound;
    if (choice.bound !== bound) {
      throw new Error(
        `Choice ${at} was one of ${choice.bound} and is one of ${bound}: the body depends on more than its choices`,
      );
    }
    return choice.value;
  }

  /** One of the values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** The choices of this run. */
  get path(): readonly number[] {
    return this.#path.slice(0, this.#at).map(({ value }) => value);
  }
}
