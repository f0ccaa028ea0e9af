/**
 * Runs the completions of one queue for all who wait for them.
 *
 * @module
 */
import { pauseNotify, type RioCompletionQueue } from "../session/queue.ts";
import type { RioCompletion } from "../session/requests.ts";

/** How long completions are looked for before a wait on another thread. */
const SPIN_MS = 0.05;
/** How long completions are run before the event loop has its turn. */
const TURN_AFTER_MS = 8;
/** How often a queue is looked at when only unreferenced calls wait. */
const UNREFERENCED_POLL_MS = 5;

/** Given as context with every request: told when it has completed. */
export interface Operation {
  /** Takes what the completion says; it is filled anew after that. */
  complete(completion: RioCompletion): void;
}

/** Ends a {@linkcode Driver.enter}. */
export interface Waiting {
  /** Whether it keeps the process alive. */
  readonly referenced: boolean;
}

/** One queue, and the loop that runs while anybody waits for it. */
export class Driver {
  /** The queue; its requests carry an {@linkcode Operation} as context. */
  readonly queue: RioCompletionQueue;
  #waiting = 0;
  #referenced = 0;
  #running = false;
  #lastTurn = 0;

  constructor(queue: RioCompletionQueue) {
    this.queue = queue;
  }

  /** Completes what has arrived; returns how many requests that were. */
  poll(): number {
    return this.queue.walk(complete);
  }

  /** Begins a wait: the queue is run until {@linkcode Driver.leave}. */
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
    try {
      while (this.#waiting > 0 && !this.queue.closed) {
        if (this.poll() === 0) await this.#arrival();
        else await nextTurn();
      }
    } finally {
      this.#running = false;
    }
  }

  async #arrival(): Promise<void> {
    // Traffic often comes in quick succession, and the hop to a thread and back
    // takes longer than many answers.
    const end = performance.now() + SPIN_MS;
    do {
      await nextTurn();
      if (this.queue.closed || this.#waiting === 0 || this.poll() > 0) return;
    } while (performance.now() < end);
    if (this.#referenced > 0) await this.queue.notify();
    else await unreferencedPause();
  }
}

function complete(completion: RioCompletion): void {
  (completion.context as Operation).complete(completion);
}

/** One turn of the event loop, without the clamping of timers. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A pause that does not keep the process alive. */
function unreferencedPause(): Promise<void> {
  return new Promise((resolve) =>
    Deno.unrefTimer(setTimeout(resolve, UNREFERENCED_POLL_MS))
  );
}
