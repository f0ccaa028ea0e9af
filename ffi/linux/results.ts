/**
 * Results of requests, in the order in which they arrived.
 *
 * @module
 */
import { highWord, RIORESULT, type RioResults } from "../layout.ts";

/** 32-bit words of one result. */
const RESULT_WORDS = RIORESULT.size / 4;

/** What a result belongs to. */
export interface ResultOwner {
  /** Takes note that one of its results was taken out. */
  dequeued(): void;
}

/** Results from when a request ended until somebody takes them. */
export class Results {
  /** How many there are. */
  count = 0;
  /** How many of them may be told. */
  audible = 0;
  #head = 0;
  #mask = 0;
  #words: Int32Array = new Int32Array(RESULT_WORDS);
  #silent: Uint8Array = new Uint8Array(1);
  #owners: ResultOwner[] = [];

  /**
   * Makes room for so many; what is there stays.
   *
   * @throws {RangeError} If the system has no room.
   */
  reserve(count: number): void {
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

  /** Adds a result; a silent one is not to be told. */
  push(
    owner: ResultOwner,
    silent: boolean,
    status: number,
    bytes: number,
    context: number,
  ): void {
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
    if (!silent) this.audible++;
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
      if (this.#silent[slot] === 0) this.audible--;
      this.#owners[slot]!.dequeued();
      slot = (slot + 1) & this.#mask;
    }
    this.#head = slot;
    this.count -= count;
    return count;
  }

  /** Drops all results. */
  clear(): void {
    this.count = this.audible = 0;
    this.#owners = [];
  }
}
