/**
 * What a life holds, of which some are alike until they were used.
 *
 * @module
 */
import { assert } from "@std/assert";

/** Something that the life holds, until it drops it. */
export class Thing<T> {
  #real: T | null;
  touched = false;
  closed = false;

  constructor(real: T) {
    this.#real = real;
  }

  get real(): T {
    assert(this.#real !== null, "it was dropped");
    return this.#real;
  }

  get dropped(): boolean {
    return this.#real === null;
  }

  drop(): void {
    this.touched = this.closed = true;
    this.#real = null;
  }
}

/** Those that are open, and of the untouched ones the first, with their places. */
export function alike<T>(things: readonly Thing<T>[]): [number, Thing<T>][] {
  const all = things.map((thing, i): [number, Thing<T>] => [i, thing]);
  const first = things.findIndex(({ touched, closed }) => !touched && !closed);
  return all.filter(([i, { touched, closed }]) =>
    !closed && (touched || i === first)
  );
}
