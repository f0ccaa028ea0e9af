/**
 * Time in the fake system: it passes in rounds, and nothing ever happens inside
 * the call that asked for it.
 *
 * Rounds pass while somebody polls (every few polls, see `lateBy`) or waits (one
 * per turn of the event loop).
 *
 * @module
 */

interface Watcher {
  /** Whether what is waited for is there; takes it if so. */
  poll: () => boolean;
}

/** The rounds of one fake system. */
export class Clock {
  /** Every how many empty polls a round passes. */
  lateBy: number;

  #due: (() => void)[] = [];
  #watchers = new Set<Watcher>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #polls = 0;

  constructor(lateBy: number) {
    this.lateBy = lateBy;
  }

  /** Does something in the next round. */
  later(action: () => void): void {
    this.#due.push(action);
    this.touch();
  }

  /** Lets one round pass. */
  pump(): void {
    for (const action of this.#due.splice(0)) action();
    for (const watcher of [...this.#watchers]) {
      if (watcher.poll()) this.#watchers.delete(watcher);
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
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
      if (this.#due.length > 0) this.touch();
    });
  }

  /** Resolves to what `poll` gives once it gives something. */
  until<T>(poll: () => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#watchers.add({
      poll: () => {
        const value = poll();
        if (value === undefined) return false;
        resolve(value);
        return true;
      },
    });
    this.touch();
    return promise;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#watchers.size;
  }

  /** Leaves no timer behind. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
