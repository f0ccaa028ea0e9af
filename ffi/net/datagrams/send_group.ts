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

/** The groups that somebody waits for. */
export class SendGroups {
  readonly #groups: Set<SendGroup> = new Set();

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#groups.size === 0;
  }

  /** Waits for all sends of a group. */
  wait(group: SendGroup): Promise<void> {
    return new NativePromise((resolve) => {
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
