/**
 * Native libraries beside a backend's own, which are opened when somebody needs
 * them and closed with the last backend.
 *
 * What stays open for longer would count as a leak in the program's tests; and
 * to open it anew each time takes longer than what is called there.
 *
 * @module
 */

/** What is closed when it was used. */
interface Closable {
  close(): void;
}

/** How many hold what is open. */
let holders = 0;
const opened: Set<HeldLibrary<Closable>> = new Set();

/** Keeps libraries open once they are; {@linkcode release} ends it. */
export function hold(): void {
  holders++;
}

/** Ends {@linkcode hold}; with the last one every library is closed. */
export function release(): void {
  if (--holders > 0) return;
  for (const library of opened) library.close();
  opened.clear();
}

/** A library that is open while it is used, and while anybody holds it. */
export class HeldLibrary<T extends Closable> {
  readonly #open: () => T;
  #library: T | null = null;

  /** Opens nothing yet. */
  constructor(open: () => T) {
    this.#open = open;
  }

  /** Calls into the library. */
  use<R>(call: (library: T) => R): R {
    hold();
    try {
      return call(this.#opened());
    } finally {
      release();
    }
  }

  /** The same for a call that goes on. */
  async useLater<R>(call: (library: T) => PromiseLike<R>): Promise<R> {
    hold();
    try {
      return await call(this.#opened());
    } finally {
      release();
    }
  }

  /** Closes it; it is opened again when it is needed. */
  close(): void {
    this.#library?.close();
    this.#library = null;
  }

  #opened(): T {
    if (this.#library === null) {
      this.#library = this.#open();
      opened.add(this);
    }
    return this.#library;
  }
}
