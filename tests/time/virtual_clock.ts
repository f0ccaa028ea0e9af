/**
 * A clock that tests move: time passes when nothing is left to be done, at once
 * and as far as the next thing that waits for it.
 *
 * So hours take as long as what happens in them, and the same happens each time.
 *
 * @module
 */
import { type Clock, replaceClock, type Timer } from "../../ffi/clock.ts";
import type { Random } from "../model/random.ts";

/** How long, in real time, something outside may take: a call of the system. */
const PATIENCE_MS = 5000;
/** Steps after the end of a test until nothing may be left that waits. */
const STEPS_TO_END = 10_000;

// Tests may replace them as well.
const { setTimeout, setImmediate, performance } = globalThis;

interface Waiting {
  readonly due: number;
  readonly call: () => void;
  /** Whether it happens while the thread is blocked, too. */
  readonly outside: boolean;
}

/** A clock that tests move. */
export class VirtualClock implements Clock {
  /** What a turn of the event loop takes, in milliseconds. */
  turn = 1 / 64;
  #now = 0;
  #last = 0;
  readonly #waiting: Map<number, Waiting> = new Map();
  #turns: (() => void)[] = [];
  readonly #random: Random | null;

  /**
   * Begins at 0.
   *
   * @param random Chooses what comes first of what may; otherwise that comes
   * first which was asked for first.
   */
  constructor(random: Random | null = null) {
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  setTimer(milliseconds: number, call: () => void): Timer {
    return this.#wait(milliseconds, call, false);
  }

  clearTimer(timer: Timer): void {
    this.#waiting.delete(timer as number);
  }

  referenceTimer(): void {}

  inNextTurn(call: () => void): void {
    this.#turns.push(call);
  }

  block(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#next(end, true);
      if (next === undefined) break;
      this.#fire(next);
    }
    this.#now = end;
  }

  /** Has the system do something by itself, so many milliseconds from now. */
  outside(milliseconds: number, call: () => void): void {
    this.#wait(milliseconds, call, true);
  }

  /** Resolves after so many milliseconds. */
  pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wait(milliseconds, resolve, false);
    });
  }

  /**
   * Goes on until a promise is settled.
   *
   * @throws {Error} If nothing is left that could settle it.
   */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    for (;;) {
      await turn();
      if (settled) return await promise;
      if (!this.#step()) await this.#something(() => settled);
    }
  }

  /** Goes on until nothing waits for time any more. */
  async end(): Promise<void> {
    for (let i = 0; i < STEPS_TO_END; i++) {
      await turn();
      if (!this.#step()) return;
    }
    throw new Error("Somebody waits for time, and never ends");
  }

  /** Whether there was something to do, and it was done. */
  #step(): boolean {
    const due = this.#next(this.#now, false);
    if (due !== undefined) {
      this.#fire(due);
    } else if (this.#turns.length > 0) {
      this.#now += this.turn;
      const at = this.#random?.below(this.#turns.length) ?? 0;
      this.#turns.splice(at, 1)[0]!();
    } else {
      const next = this.#next(Infinity, false);
      if (next === undefined) return false;
      this.#fire(next);
    }
    return true;
  }

  /** Waits in real time until there is something to do. */
  async #something(settled: () => boolean): Promise<void> {
    const late = performance.now() + PATIENCE_MS;
    while (!settled() && this.#turns.length + this.#waiting.size === 0) {
      if (performance.now() > late) {
        throw new Error("Nothing is left that could end the wait");
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #wait(milliseconds: number, call: () => void, outside: boolean): Timer {
    // No number that the platform may give.
    const timer = --this.#last;
    // At the earliest in the next turn: otherwise no time might ever pass.
    const due = this.#now + Math.max(milliseconds, this.turn);
    this.#waiting.set(timer, { due, call, outside });
    return timer;
  }

  /** What is due first, until a moment; of several one that is chosen. */
  #next(end: number, blocked: boolean): number | undefined {
    let first = end;
    let found: number[] = [];
    for (const [timer, { due, outside }] of this.#waiting) {
      if (due > first || blocked && !outside) continue;
      if (due < first) found = [];
      first = due;
      found.push(timer);
    }
    return found[this.#random?.below(found.length) ?? 0];
  }

  #fire(timer: number): void {
    const { due, call } = this.#waiting.get(timer)!;
    this.#waiting.delete(timer);
    this.#now = Math.max(this.#now, due);
    call();
  }
}

/** A turn of the platform's event loop: what was told goes on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Has the package take time from a virtual clock while a body runs, and sees to
 * it that nothing waits for that clock in the end.
 */
export async function inVirtualTime<T>(
  body: (clock: VirtualClock) => T | Promise<T>,
  random: Random | null = null,
): Promise<T> {
  const clock = new VirtualClock(random);
  replaceClock(clock);
  try {
    const result = await clock.until((async () => await body(clock))());
    await clock.end();
    return result;
  } finally {
    replaceClock();
  }
}
