/**
 * Native libraries beside a backend's own, for what is called now and then.
 *
 * To open one takes longer than what is called there, so it is not closed
 * between calls that follow one another. What stays open for longer would count
 * as a leak in the program's tests.
 *
 * @module
 */
import { inNextTurn } from "./clock.ts";

/** What is closed when it was used. */
interface Closable {
  close(): void;
}

/** A library that is open while it is used, and a turn of the event loop more. */
export class HeldLibrary<T extends Closable> {
  readonly #open: () => T;
  #library: T | null = null;
  #users = 0;
  readonly #closeUnused = (): void => {
    if (this.#users > 0) return;
    this.#library?.close();
    this.#library = null;
  };

  /** Opens nothing yet. */
  constructor(open: () => T) {
    this.#open = open;
  }

  /** Calls into the library. */
  use<R>(call: (library: T) => R): R {
    this.#users++;
    try {
      return call(this.#library ??= this.#open());
    } finally {
      this.#used();
    }
  }

  /** The same for a call that goes on. */
  async useLater<R>(call: (library: T) => PromiseLike<R>): Promise<R> {
    this.#users++;
    try {
      return await call(this.#library ??= this.#open());
    } finally {
      this.#used();
    }
  }

  #used(): void {
    if (--this.#users === 0) inNextTurn(this.#closeUnused);
  }
}
