/**
 * Runs the completions of one queue for all who wait for them.
 *
 * @module
 */
import { Arrival } from "../arrival.ts";
import type { RioCompletion } from "../session/completion.ts";
import {
  armNotify,
  pauseNotify,
  referenceNotify,
  type RioCompletionQueue,
  waitLooks,
} from "../session/queue.ts";
import type { Wait } from "../session/waiter.ts";
import { toDenoError } from "./errors.ts";

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

/** One queue, which is waited for as long as anybody waits. */
export class Driver implements Wait {
  /** The queue; its requests carry an {@linkcode Operation} as context. */
  readonly queue: RioCompletionQueue;
  /** Whether whoever waits is told soon of what arrived before. */
  readonly looks: boolean;
  readonly #closed: () => Error;
  readonly #waiting: Set<Party> = new Set();
  #referenced = 0;
  #running = false;
  readonly #arrival: Arrival = new Arrival();

  /**
   * Takes a queue.
   *
   * @param queue The queue; nobody else dequeues from it.
   * @param closed What those who wait are told when the queue was closed.
   */
  constructor(queue: RioCompletionQueue, closed: () => Error) {
    this.queue = queue;
    this.looks = waitLooks(queue);
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
    if (referenced) this.reference(true);
    if (this.#running) return;
    this.#running = true;
    this.#goOn();
  }

  /** Ends a wait. */
  leave(party: Party, referenced: boolean): void {
    this.#waiting.delete(party);
    if (referenced) this.reference(false);
    if (this.#waiting.size === 0) pauseNotify(this.queue);
  }

  /** Changes whether one of the waits keeps the process alive. */
  reference(referenced: boolean): void {
    this.#referenced += referenced ? 1 : -1;
    referenceNotify(this.queue, this.#referenced > 0);
  }

  ended(): void {
    try {
      this.#look();
    } catch (error) {
      this.failed(error);
      return;
    }
    this.#goOn();
  }

  failed(error: unknown): void {
    this.#running = false;
    const reason = this.queue.closed ? this.#closed() : toDenoError(error);
    for (const party of this.#waiting) party.abandoned(reason);
  }

  #goOn(): void {
    if (this.queue.closed) return this.failed(undefined);
    if (this.#waiting.size === 0) {
      this.#running = false;
    } else if (this.looks) {
      this.#arm(this);
    } else {
      this.#arrival.wait(this.#look, this.#sleep).then(
        () => this.#goOn(),
        (error) => this.failed(error),
      );
    }
  }

  #arm(wait: Wait): void {
    try {
      armNotify(this.queue, this.#referenced > 0, wait);
    } catch (error) {
      wait.failed(error);
    }
  }

  readonly #look = (): boolean =>
    this.queue.closed || this.#waiting.size === 0 || this.poll() > 0;

  readonly #sleep = (): Promise<unknown> =>
    this.#waiting.size === 0
      ? Promise.resolve()
      : new Promise((ended, failed) => this.#arm({ ended, failed }));
}

function complete(completion: RioCompletion): void {
  (completion.context as Operation).complete(completion);
}
