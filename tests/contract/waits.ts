/**
 * Dequeuing and waiting, each within a bound: a statement that does not hold
 * fails and says what it waited for.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import type { RioBackend, RioHandle } from "../../ffi/contract.ts";
import { errorName } from "../../ffi/errors.ts";
import { RioResults } from "../../ffi/layout.ts";
import { PATIENCE_MS } from "../patience.ts";
import { keepLedger, Ledger } from "./ledger.ts";

/** Enough to see what wrongly happens a little later, in milliseconds. */
const PAUSE = 15;

/** One array of results serves all statements: blocks of memory are costly. */
const results = new RioResults(256);

/** One completion. */
export interface Completion {
  readonly status: number;
  readonly bytesTransferred: number;
  readonly requestContext: number;
}

/** A backend, and waiting for what it does. */
export class Waits {
  /** The backend; everything it gives out is noted in the ledger. */
  readonly rio: RioBackend;
  /** What is open, and which queue owes completions. */
  readonly ledger: Ledger = new Ledger();

  #fired = new Set<number>();
  #waiting: Promise<void> | undefined;

  /** Starts to take notes on a backend that was just opened. */
  constructor(rio: RioBackend) {
    this.rio = keepLedger(rio, this.ledger);
  }

  /** Passes 0; fails the statement for any error number. */
  done(error: number, what: string): void {
    assertEquals(error, 0, `${what} failed with ${errorName(error)}`);
  }

  /** Passes a handle; fails the statement for minus an error number. */
  made(handle: number, what: string): number {
    assert(handle > 0, `${what} failed with ${errorName(-handle)}`);
    return handle;
  }

  // Completions.

  /** What is in a queue now, at most `max`. */
  poll(queue: RioHandle, max: number = results.capacity): Completion[] {
    const count = this.rio.rings.dequeueCompletion(queue, results, max);
    assert(count >= 0, `RIODequeueCompletion failed with ${errorName(-count)}`);
    return Array.from({ length: count }, (_, i) => ({
      status: results.status(i),
      bytesTransferred: results.bytesTransferred(i),
      requestContext: results.requestContext(i),
    }));
  }

  /** The next `count` completions of a queue. */
  async dequeue(queue: RioHandle, count: number): Promise<Completion[]> {
    const completions: Completion[] = [];
    await this.until(() => {
      const max = Math.min(count - completions.length, results.capacity);
      completions.push(...this.poll(queue, max));
      return completions.length >= count;
    }, () => `completion ${completions.length + 1} of ${count}`);
    return completions;
  }

  /** The next completion of a queue. */
  async next(queue: RioHandle): Promise<Completion> {
    const [completion] = await this.dequeue(queue, 1);
    return completion!;
  }

  /** The next completion, which has to be a success: its byte count. */
  async succeeds(queue: RioHandle): Promise<number> {
    const { status, bytesTransferred } = await this.next(queue);
    assertEquals(status, 0, `a request completed with ${errorName(status)}`);
    return bytesTransferred;
  }

  /** Fails if a queue has something, now or in a moment. */
  async stays(queue: RioHandle): Promise<void> {
    await pause(PAUSE);
    assertEquals(this.poll(queue), [], "a completion that nobody expected");
  }

  /** Polls until a condition holds. */
  async until(
    condition: () => boolean,
    awaited: string | (() => string),
  ): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let round = 0; !condition(); round++) {
      if (Date.now() > deadline) {
        const what = typeof awaited === "string" ? awaited : awaited();
        fail(`Waited in vain for ${what}`);
      }
      if (round > 2) await pause(1);
    }
  }

  /**
   * Goes on until something counted reaches its total.
   *
   * @param step Does a part and returns the count.
   * @param total The count to reach; it has to grow all the time.
   */
  async untilTotal(step: () => number, total: number): Promise<void> {
    for (let count = -1; count < total;) {
      const before = count;
      await this.until(
        () => (count = step()) > before,
        `${total}, where ${before} was reached`,
      );
    }
  }

  // Notifications.

  /** Arms a queue's notification. */
  arm(queue: RioHandle): void {
    this.done(this.rio.rings.notify(queue), "RIONotify");
  }

  /** Waits until a key was reported. */
  async fires(key: number, awaited: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!this.#fired.delete(key)) {
      // What comes only because of the wake-up did not end the wait itself.
      const inTime = await this.#collect(Math.max(0, deadline - Date.now()));
      if (!inTime) fail(`Waited in vain for ${awaited}`);
    }
  }

  /** The keys that were reported so far or are in a moment. */
  async firedInAMoment(): Promise<Set<number>> {
    await this.#collect(0);
    await this.#collect(PAUSE);
    return this.#fired.size === 0 ? new Set() : this.#takeFired();
  }

  #takeFired(): Set<number> {
    const fired = this.#fired;
    this.#fired = new Set();
    return fired;
  }

  /**
   * Waits once; several callers share one wait.
   *
   * @returns Whether the wait ended without being woken in the end.
   */
  async #collect(milliseconds: number): Promise<boolean> {
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      this.rio.waits.wake();
    }, milliseconds);
    try {
      await (this.#waiting ??= this.#wait());
    } finally {
      clearTimeout(timer);
    }
    return inTime;
  }

  async #wait(): Promise<void> {
    try {
      const count = await this.rio.waits.wait();
      assert(count >= 0, `wait failed with ${errorName(-count)}`);
      for (let i = 0; i < count; i++) this.#fired.add(this.rio.waits.fired[i]!);
    } finally {
      this.#waiting = undefined;
    }
  }
}

/** Lets other things happen. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
