/**
 * Runs the completions of one queue for all who wait for them.
 *
 * @module
 */
import { NativePromise } from "../globals.ts";
import { Arrival } from "../arrival.ts";
import { unreferencedPause } from "../clock.ts";
import type { RioCompletion } from "../session/completion.ts";
import {
  notifyReferenced,
  pauseNotify,
  referenceNotify,
  type RioCompletionQueue,
} from "../session/queue.ts";
import { toDenoError } from "./errors.ts";

/** How often to look for those who linger, in milliseconds. */
const LOOK_EVERY_MS = 5;

/** Given as context with every request: told when it has completed. */
export interface Operation {
  /** Takes what the completion says; it is filled anew after that. */
  complete(completion: RioCompletion): void;
}

/** Somebody who waits for completions of a queue. */
export interface Party {
  /** Whether it was closed, and the kernel still uses its memory. */
  readonly lingers: boolean;
  /** Told, where the system does, that it may be worth to look. */
  told(): void;
  /** Told, with the reason, that no completion comes any more. */
  abandoned(reason: unknown): void;
}

/** Runs the completions of one queue for all who wait for them. */
export interface Driver {
  /**
   * Completes what has arrived; returns how many requests that were.
   *
   * @throws {Error} One of Deno's errors, if the queue fails.
   */
  poll(): number;
  /** The same, unless a wait would find it as soon, and at a smaller price. */
  glance(): void;
  /** The same, also where the system has told of nothing. */
  look(): void;
  /**
   * Begins a wait: completions are run as they arrive, until
   * {@linkcode Driver.leave}.
   *
   * @param party Who waits.
   * @param referenced Whether the wait keeps the process alive.
   */
  enter(party: Party, referenced: boolean): void;
  /** Ends a wait. */
  leave(party: Party, referenced: boolean): void;
  /** Changes whether a wait keeps the process alive. */
  reference(party: Party, referenced: boolean): void;
}

/** Completes what has arrived on a queue whose contexts are operations. */
export function runCompletions(queue: RioCompletionQueue): number {
  try {
    return queue.walk(complete);
  } catch (error) {
    throw toDenoError(error);
  }
}

/** Waits for the notifications of a queue, which several sockets may share. */
export class QueueDriver implements Driver {
  /** The queue; its requests carry an {@linkcode Operation} as context. */
  readonly queue: RioCompletionQueue;
  readonly #closed: () => Error;
  readonly #waiting: Set<Party> = new Set();
  /** Those who were closed when a wait failed. */
  readonly #lingering: Set<Party> = new Set();
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
    this.#closed = closed;
  }

  poll(): number {
    return runCompletions(this.queue);
  }

  glance(): void {
    this.poll();
  }

  look(): void {
    this.poll();
  }

  enter(party: Party, referenced: boolean): void {
    this.#waiting.add(party);
    if (referenced) this.reference(party, true);
    if (!this.#running) this.#run();
  }

  leave(party: Party, referenced: boolean): void {
    this.#waiting.delete(party);
    if (referenced) this.reference(party, false);
    if (this.#waiting.size === 0) pauseNotify(this.queue);
  }

  reference(_party: Party, referenced: boolean): void {
    this.#referenced += referenced ? 1 : -1;
    referenceNotify(this.queue, this.#referenced > 0);
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
    for (const party of this.#waiting) {
      party.abandoned(reason);
      if (party.lingers) this.#linger(party);
    }
  }

  /**
   * Runs completions without a wait, which has failed: nobody is left to ask
   * for them, and only they give the memory of a closed socket back.
   */
  async #linger(party: Party): Promise<void> {
    const lingering = this.#lingering;
    lingering.add(party);
    if (lingering.size > 1) return;
    while (lingering.size > 0 && !this.queue.closed) {
      await unreferencedPause(LOOK_EVERY_MS);
      try {
        if (!this.queue.closed) this.poll();
      } catch {
        // Whoever waited was told why.
      }
      for (const one of lingering) if (!one.lingers) lingering.delete(one);
    }
    lingering.clear();
  }

  // Made once: a wait allocates no closures.
  readonly #look = (): boolean =>
    this.queue.closed || this.#waiting.size === 0 || this.poll() > 0;

  readonly #sleep = (): Promise<unknown> =>
    this.#waiting.size === 0
      ? NativePromise.resolve()
      : notifyReferenced(this.queue, this.#referenced > 0);
}

function complete(completion: RioCompletion): void {
  (completion.context as Operation).complete(completion);
}
