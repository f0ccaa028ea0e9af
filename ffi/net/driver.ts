/**
 * Runs the completions of one queue for all who wait for them.
 *
 * @module
 */
import { toDenoError } from "./errors.ts";
import { Arrival } from "../arrival.ts";
import { RioClosedError } from "../errors.ts";
import { pauseNotify, type RioCompletionQueue } from "../session/queue.ts";
import type { RioCompletion } from "../session/completion.ts";

/** How long completions are run before the event loop has its turn. */
const TURN_AFTER_MS = 8;
/** How often a queue is looked at when only unreferenced calls wait. */
const UNREFERENCED_POLL_MS = 5;

/** Given as context with every request: told when it has completed. */
export interface Operation {
  /** Takes what the completion says; it is filled anew after that. */
  complete(completion: RioCompletion): void;
}

/** One queue, and the loop that runs while anybody waits for it. */
export class Driver {
  /** The queue; its requests carry an {@linkcode Operation} as context. */
  readonly queue: RioCompletionQueue;
  readonly #abandoned: (reason: unknown) => void;
  #waiting = 0;
  #referenced = 0;
  #running = false;
  #lastTurn = 0;
  readonly #arrival: Arrival = new Arrival();
  // Made once: a wait allocates no closures.
  readonly #look = (): boolean =>
    this.queue.closed || this.#waiting === 0 || this.poll() > 0;
  readonly #sleep = (): Promise<unknown> => {
    if (this.#waiting === 0) return Promise.resolve();
    return this.#referenced > 0 ? this.queue.notify() : unreferencedPause();
  };

  /**
   * Takes a queue.
   *
   * @param queue The queue; nobody else dequeues from it.
   * @param abandoned Called when nothing arrives for a wait any more, with the
   * reason; it ends the waits.
   */
  constructor(
    queue: RioCompletionQueue,
    abandoned: (reason: unknown) => void,
  ) {
    this.queue = queue;
    this.#abandoned = abandoned;
  }

  /** Completes what has arrived; returns how many requests that were. */
  poll(): number {
    return this.queue.walk(complete);
  }

  /**
   * Begins a wait, after a poll in vain: the queue is run until
   * {@linkcode Driver.leave}.
   */
  enter(referenced: boolean): void {
    this.#waiting++;
    if (referenced) this.#referenced++;
    if (!this.#running) this.#run();
  }

  /** Ends a wait. */
  leave(referenced: boolean): void {
    this.#waiting--;
    if (referenced) this.reference(false);
  }

  /** Changes whether one of the waits keeps the process alive. */
  reference(referenced: boolean): void {
    this.#referenced += referenced ? 1 : -1;
    // A wait on another thread keeps the process alive: end it.
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
    let reason: unknown;
    try {
      while (this.#waiting > 0 && !this.queue.closed) {
        await this.#arrival.wait(this.#look, this.#sleep);
      }
    } catch (error) {
      reason = error;
    }
    this.#running = false;
    if (this.#waiting > 0) this.#abandoned(toDenoError(reason ?? closed()));
  }
}

function closed(): RioClosedError {
  return new RioClosedError("Cannot wait: the completion queue was closed");
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
