/**
 * Results of requests, from when they end until somebody takes them.
 *
 * @module
 */
import type { RioResults } from "../layout.ts";
import { WSAETOOMANYREFS } from "../error_numbers.ts";
import type { Readiness } from "./readiness.ts";

/** What a result belongs to. */
export interface ResultOwner {
  /** Takes note that one of its results was taken out. */
  dequeued(): void;
}

/** One result; the object is used again for later ones. */
interface Result {
  owner: ResultOwner;
  silent: boolean;
  status: number;
  bytes: number;
  context: number;
}

/** A queue of results in the order of arrival, and its notification. */
export class ResultQueue {
  readonly #readiness: Readiness;
  /** What the notification reports; 0 for a queue that is only polled. */
  protected readonly key: number;
  /** The most results that request queues can reserve. */
  #size: number;
  /** Results reserved by request queues; never more are queued. */
  #reserved = 0;
  /** Whether the next result is to be told. */
  protected armed = false;
  /** Whether what arrives is dropped. */
  protected closed = false;
  /** Results queued. */
  protected count = 0;
  /** How many of the results may be told. */
  protected audible = 0;
  #head = 0;
  #mask = 0;
  #results: Result[] = [];

  /** Makes an empty queue that reports a key. */
  constructor(readiness: Readiness, size: number, key: number) {
    this.#readiness = readiness;
    this.#size = size;
    this.key = key;
  }

  /** Changes the size; 0 or an error number. */
  resize(size: number): number {
    // Queued results are among the reserved ones.
    if (size < this.#reserved) return WSAETOOMANYREFS;
    this.#size = size;
    return 0;
  }

  /**
   * Reserves results for a request queue, or gives some back.
   *
   * @param change How many more, or minus how many fewer.
   * @returns Whether there is room; without it nothing changes.
   */
  reserve(change: number): boolean {
    const reserved = this.#reserved + change;
    if (change > 0 && reserved > this.#size) return false;
    if (reserved > this.#mask + 1) this.#grow(reserved);
    this.#reserved = reserved;
    return true;
  }

  /** Queues a result, and tells it unless it is a silent one. */
  push(
    owner: ResultOwner,
    silent: boolean,
    status: number,
    bytes: number,
    context: number,
  ): void {
    if (this.closed) return;
    const slot = (this.#head + this.count++) & this.#mask;
    const result = this.#results[slot];
    if (result === undefined) {
      this.#results[slot] = { owner, silent, status, bytes, context };
    } else {
      result.owner = owner;
      result.silent = silent;
      result.status = status;
      result.bytes = bytes;
      result.context = context;
    }
    if (silent) return;
    this.audible++;
    if (this.armed) this.fire();
  }

  /** Moves at most `max` results out, and tells their owners. */
  take(results: RioResults, max: number): number {
    const count = Math.min(this.count, max);
    for (let i = 0; i < count; i++) {
      const result = this.#results[this.#head]!;
      this.#head = (this.#head + 1) & this.#mask;
      results.set(i, result.status, result.bytes, result.context);
      if (!result.silent) this.audible--;
      result.owner.dequeued();
    }
    this.count -= count;
    return count;
  }

  /** Makes the next result fire; one that is there fires at once. */
  arm(): void {
    this.armed = true;
    if (this.audible > 0) this.fire();
  }

  /** Tells whoever waits to look. */
  fire(): void {
    this.armed = false;
    this.#readiness.fire(this.key);
  }

  /** Ends the queue: what arrives later is dropped. */
  close(): void {
    this.closed = true;
    this.armed = false;
    this.count = this.audible = 0;
    this.#results = [];
  }

  #grow(count: number): void {
    const results = this.#results;
    // From the head on: what is queued comes first, then what is used again.
    this.#results = [
      ...results.slice(this.#head),
      ...results.slice(0, this.#head),
    ];
    this.#head = 0;
    this.#mask = 2 ** Math.ceil(Math.log2(count)) - 1;
  }
}
