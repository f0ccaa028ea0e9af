/**
 * What a program has dropped is closed by the collector, but not while it waits
 * for something.
 *
 * @module
 */
import { WeakRef } from "../globals.ts";

/**
 * Keeps the object that a program calls from being collected, from the begin of
 * a wait to its end: nothing else of a socket that waits leads to it.
 */
export class Hold {
  #owner: WeakRef<object> | null = null;
  /** The object, while something waits. */
  held: object | null = null;

  /** Says whom to keep. */
  of(owner: object): void {
    this.#owner = new WeakRef(owner);
  }

  /** Something waits. */
  begin(): void {
    this.held = this.#owner?.deref() ?? null;
  }

  /** Nothing waits any more. */
  end(): void {
    this.held = null;
  }
}
