/**
 * Results of requests, from when they end until somebody takes them.
 *
 * @module
 */
import { highWord, RIORESULT, type RioResults } from "../layout.ts";
import { WSAETOOMANYREFS } from "../error_numbers.ts";
import type { Readiness } from "./readiness.ts";
import { hasRoom } from "./room.ts";

/** 32-bit words of one result. */
const RESULT_WORDS = RIORESULT.size / 4;

/** What a result belongs to. */
export interface ResultOwner {
  /** Takes note that one of its results was taken out. */
  dequeued(): void;
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
  #audible = 0;
  #head = 0;
  #mask = 0;
  #words: Int32Array = new Int32Array(RESULT_WORDS);
  #silent: Uint8Array = new Uint8Array(1);
  #owners: ResultOwner[] = [];

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
    if (!hasRoom(() => this.#grow(reserved))) return false;
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
    const slot = (this.#head + this.count) & this.#mask;
    const words = this.#words;
    const at = slot * RESULT_WORDS;
    words[at] = status;
    words[at + 1] = bytes;
    words[at + 4] = context;
    words[at + 5] = highWord(context);
    this.#owners[slot] = owner;
    this.#silent[slot] = silent ? 1 : 0;
    this.count++;
    if (silent) return;
    this.#audible++;
    if (this.armed) this.fire();
  }

  /** Moves at most `max` results out, and tells their owners. */
  take(results: RioResults, max: number): number {
    const count = Math.min(this.count, max);
    const source = this.#words;
    const target = results.words;
    let slot = this.#head;
    let to = 0;
    for (let i = 0; i < count; i++) {
      let from = slot * RESULT_WORDS;
      for (const end = to + RESULT_WORDS; to < end;) {
        target[to++] = source[from++]!;
      }
      if (this.#silent[slot] === 0) this.#audible--;
      this.#owners[slot]!.dequeued();
      slot = (slot + 1) & this.#mask;
    }
    this.#head = slot;
    this.count -= count;
    return count;
  }

  /** Makes the next result fire; one that is there fires at once. */
  arm(): void {
    this.armed = true;
    if (this.#audible > 0) this.fire();
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
    this.count = this.#audible = 0;
    this.#owners = [];
  }

  #grow(count: number): void {
    if (count <= this.#mask + 1) return;
    const capacity = 2 ** Math.ceil(Math.log2(count));
    const words = new Int32Array(capacity * RESULT_WORDS);
    const silent = new Uint8Array(capacity);
    const owners: ResultOwner[] = [];
    for (let i = 0; i < this.count; i++) {
      const from = (this.#head + i) & this.#mask;
      const at = from * RESULT_WORDS;
      words.set(this.#words.subarray(at, at + RESULT_WORDS), i * RESULT_WORDS);
      silent[i] = this.#silent[from]!;
      owners[i] = this.#owners[from]!;
    }
    this.#words = words;
    this.#silent = silent;
    this.#owners = owners;
    this.#head = 0;
    this.#mask = capacity - 1;
  }
}
