/**
 * Runs the completions of one queue for all who wait for them.
 *
 * @module
 */
import { Arrival } from "../arrival.ts";
import { pauseNotify, type RioCompletionQueue } from "../session/queue.ts";
import type { RioCompletion } from "../session/completion.ts";
import { toDenoError } from "./errors.ts";

/** How long completions are run before the event loop has its turn. */
const TURN_AFTER_MS = 8;
/** How often a queue is looked at when only unreferenced calls wait. */
const UNREFERENCED_POLL_MS = 5;

/** Given as context with every request: told when it has completed. */
export interface Operation {
  /** Takes what the completion says; it is filled anew after that. */
  complete(completion: RioCompletion): void;
}

/** Somebody who waits for completions of a queue. */
export interface Party {
  /** Told, with the reason, that no completion comes any more. */
  abandoned(reason: unknown): void;
}

/** One queue, and the loop that runs while anybody waits for it. */
export class Driver {
  /** The queue; its requests carry an {@linkcode Operation} as context. */
  readonly queue: RioCompletionQueue;
  readonly #closed: () => Error;
  readonly #waiting: Set<Party> = new Set();
  #referenced = 0;
  #running = false;
  #lastTurn = 0;
  readonly #arrival: Arrival = new Arrival();
  // Made once: a wait allocates no closures.
  readonly #look = (): boolean =>
    this.queue.closed || this.#waiting.size === 0 || this.poll() > 0;
  readonly #sleep = (): Promise<unknown> => {
    if (this.#waiting.size === 0) return Promise.resolve();
    return this.#referenced > 0 ? this.queue.notify() : unreferencedPause();
  };

  /**
   * Takes a queue.
   *
   * @param queue The queue; nobody else dequeues from it.
   * @param closed What those who wait are told when the queue was closed.
   */
  constructor(queue: RioCompletionQueue, closed: () => Error) {
    this.queue = queue;
    this.#closed = closed;
  }

  /**
   * Completes what has arrived; returns how many requests that were.
   *
   * @throws {Error} One of Deno's errors, if the queue fails.
   */
  poll(): number {
    try {
      return this.queue.walk(complete);
    } catch (error) {
      throw toDenoError(error);
    }
  }

  /**
   * Begins a wait: completions are run as they arrive, until
   * {@linkcode Driver.leave}. Poll first: what is there already needs no wait.
   *
   * @param party Who waits.
   * @param referenced Whether the wait keeps the process alive.
   */
  enter(party: Party, referenced: boolean): void {
    this.#waiting.add(party);
    if (referenced) this.#referenced++;
    if (!this.#running) this.#run();
  }

  /** Ends a wait. */
  leave(party: Party, referenced: boolean): void {
    this.#waiting.delete(party);
    if (referenced) this.reference(false);
  }

  /** Changes whether one of the waits keeps the process alive. */
  reference(referenced: boolean): void {
    this.#referenced += referenced ? 1 : -1;
    // A notification that is waited for keeps the process alive: end the wait.
    if (this.#referenced === 0) pauseNotify(this.queue);
  }

  /**
   * Whether the event loop should have its turn now: a caller that always finds
   * something would keep timers and signals from running.
   */
  turnIsDue(): boolean {
    const now = performance.now();
    if (now - this.#lastTurn < TURN_AFTER_MS) return false;
    this.#lastTurn = now;
    return true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    let failure: unknown;
    try {
      while (this.#waiting.size > 0 && !this.queue.closed) {
        await this.#arrival.wait(this.#look, this.#sleep);
      }
    } catch (error) {
      failure = error;
    }
    this.#running = false;
    const reason = this.queue.closed ? this.#closed() : toDenoError(failure);
    for (const party of this.#waiting) party.abandoned(reason);
  }
}

function complete(completion: RioCompletion): void {
  (completion.context as Operation).complete(completion);
}

/** A pause that does not keep the process alive. */
function unreferencedPause(): Promise<void> {
  return new Promise((resolve) =>
    Deno.unrefTimer(setTimeout(resolve, UNREFERENCED_POLL_MS))
  );
}
