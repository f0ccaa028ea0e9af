/**
 * The sends of one call, which are awaited together.
 *
 * @module
 */
import { NativePromise } from "../../globals.ts";

/** The sends of one call. */
export class SendGroup {
  /** Sends that have not completed. */
  left = 0;
  /** Datagrams that the system took. */
  sent = 0;
  /** Which datagram of the call is being posted. */
  index = 0;
  /** Whether one could not even be posted: no more of the call are. */
  refused = false;
  /** Which is the first that was not sent, and why. */
  failedIndex = Infinity;
  error: unknown = null;
  /** Called when `left` is 0; `null` while nobody waits. */
  done: (() => void) | null = null;
  /** What those who wait share. */
  ended: Promise<void> | null = null;

  /**
   * Whether a datagram of this group may leave with those of another one; takes
   * note of that.
   *
   * @param _at How many are before it there.
   */
  joins(other: SendGroup, _at: number): boolean {
    return other === this;
  }

  /** Takes note that the system took datagrams, from one of them on. */
  took(_index: number, count: number): void {
    this.sent += count;
  }

  /** Takes note that a datagram was not sent; the first of them is told. */
  failed(error: unknown, index: number = this.index): void {
    if (index >= this.failedIndex) return;
    this.failedIndex = index;
    this.error = error;
  }

  /** Takes note that one could not be posted. */
  refuse(error: unknown, index: number): void {
    this.refused = true;
    this.failed(error, index);
  }
}

/**
 * A datagram that is awaited by itself. Several may leave together, as the
 * first of them: each still has an outcome of its own.
 */
export class SingleSend extends SendGroup {
  /** With whom it leaves, perhaps itself. */
  first: SingleSend = this;
  /** What was told of those that were not sent. */
  #errors: Map<number, unknown> | null = null;
  #last: unknown = null;
  /** How many have an outcome, which come in their order. */
  #known = 0;

  override joins(other: SendGroup, at: number): boolean {
    if (!(other instanceof SingleSend)) return false;
    this.first = other;
    this.index = at;
    return true;
  }

  override took(index: number, count: number): void {
    this.#known = index + count;
  }

  override failed(error: unknown, index: number = this.index): void {
    this.#last = error;
    this.#known = index + 1;
    (this.#errors ??= new Map()).set(index, error);
  }

  /** Throws if one of those that left together was not sent. */
  assertSent(index: number): void {
    if (this.#errors?.has(index)) throw this.#errors.get(index);
    // The end of the socket, or what kept all that were left.
    if (index >= this.#known) throw this.error ?? this.#last;
  }
}

/** The groups that somebody waits for. */
export class SendGroups {
  readonly #groups: Set<SendGroup> = new Set();

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#groups.size === 0;
  }

  /** Waits for all sends of a group. */
  wait(group: SendGroup): Promise<void> {
    return group.ended ??= new NativePromise((resolve) => {
      group.done = resolve;
      this.#groups.add(group);
    });
  }

  /** Takes note that a send has ended; returns whether that ended a wait. */
  finished(group: SendGroup): boolean {
    if (--group.left > 0 || group.done === null) return false;
    this.#groups.delete(group);
    group.done();
    return true;
  }

  /** Ends every wait with a reason. */
  failAll(reason: unknown): void {
    for (const group of this.#groups) {
      group.error ??= reason;
      group.done!();
    }
    this.#groups.clear();
  }
}
