/**
 * Rounds of the fake system: its time passes in them, and nothing ever happens inside
 * the call that asked for it.
 *
 * Rounds pass while somebody polls (every few polls, see `lateBy`) or waits (one
 * per turn of the event loop).
 *
 * @module
 */
import { clearTimer, setTimer, type Timer } from "../../ffi/clock.ts";

interface Watcher {
  /** Whether what is waited for is there; takes it if so. */
  poll: () => boolean;
  /** Ends the wait at its limit. */
  limit: Timer;
}

/** The rounds of one fake system. */
export class Clock {
  /** Every how many empty polls a round passes. */
  lateBy: number;
  /** How much of what is due happens in one round. */
  readonly #portion: (due: number) => number;

  #due: (() => void)[] = [];
  #watchers = new Set<Watcher>();
  #timer: Timer | undefined;
  #polls = 0;

  constructor(lateBy: number, portion: (due: number) => number) {
    this.lateBy = lateBy;
    this.#portion = portion;
  }

  /** Does something in the next round. */
  later(action: () => void): void {
    this.#due.push(action);
    this.touch();
  }

  /** Lets one round pass. */
  pump(): void {
    const due = this.#due.splice(0, this.#portion(this.#due.length));
    for (const action of due) action();
    for (const watcher of [...this.#watchers]) {
      if (watcher.poll()) this.#end(watcher);
    }
    if (this.#watchers.size === 0) this.stop();
  }

  /** Somebody polls without waiting. */
  polled(): void {
    if (++this.#polls < this.lateBy) return;
    this.#polls = 0;
    this.pump();
  }

  /** Something changed that a waiter may wait for. */
  touch(): void {
    if (this.#watchers.size === 0 || this.#timer !== undefined) return;
    this.#timer = setTimer(0, () => {
      this.#timer = undefined;
      this.pump();
      if (this.#due.length > 0) this.touch();
    });
  }

  /**
   * Resolves to what `poll` gives once it gives something, or to `undefined`
   * after so many milliseconds.
   */
  until<T>(
    poll: () => T | undefined,
    milliseconds: number,
  ): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const watcher = {
      poll: () => {
        const value = poll();
        if (value === undefined) return false;
        resolve(value);
        return true;
      },
      limit: setTimer(milliseconds, () => {
        this.#end(watcher);
        resolve(undefined);
      }),
    };
    this.#watchers.add(watcher);
    this.touch();
    return promise;
  }

  #end(watcher: Watcher): void {
    clearTimer(watcher.limit);
    this.#watchers.delete(watcher);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#watchers.size;
  }

  /** Leaves no timer behind. */
  stop(): void {
    for (const { limit } of this.#watchers) clearTimer(limit);
    clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
