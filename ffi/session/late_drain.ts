/**
 * Queues that were closed while requests of closed sockets were still under way:
 * nobody can dequeue from them any more, and only that gives memory back.
 *
 * @module
 */
import { callLater } from "../clock.ts";
import type { Ledger, QueueRecord } from "./ledger.ts";

/** When to look first, and at the most how long after a look, in ms. */
const FIRST_MS = 2;
const MOST_MS = 1000;

/** Looks for what completes late, less and less often. */
export class LateDrain {
  readonly #ledger: Ledger;
  readonly #pull: (queues: Iterable<QueueRecord>) => void;
  readonly #queues: Set<QueueRecord> = new Set();
  #cancel: (() => void) | null = null;

  /**
   * Looks for nothing yet.
   *
   * @param ledger The account of the queues.
   * @param pull Dequeues what has arrived.
   */
  constructor(
    ledger: Ledger,
    pull: (queues: Iterable<QueueRecord>) => void,
  ) {
    this.#ledger = ledger;
    this.#pull = pull;
  }

  /**
   * Looks until the queue is drained, where it was closed and every socket on it,
   * too. Does not keep the process alive.
   */
  add(queue: QueueRecord): void {
    if (!queue.closing || queue.closed || this.#ledger.closed) return;
    for (const { closed, receives, sends } of this.#ledger.sockets) {
      const uses = receives.queue === queue || sends.queue === queue;
      if (uses && !closed) return;
    }
    this.#queues.add(queue);
    if (this.#cancel === null) this.#lookAfter(FIRST_MS);
  }

  /** Looks no more: the session is closed, which drains everything. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#queues.clear();
  }

  #lookAfter(milliseconds: number): void {
    this.#cancel = callLater(milliseconds, () => {
      this.#cancel = null;
      // Without a word where the collector found the session.
      if (this.#ledger.closed) return;
      this.#pull(this.#queues);
      for (const queue of this.#queues) {
        if (queue.closed) this.#queues.delete(queue);
      }
      if (this.#queues.size > 0) {
        this.#lookAfter(Math.min(2 * milliseconds, MOST_MS));
      }
    });
  }
}
