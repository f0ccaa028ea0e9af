/**
 * The sends of one call, which are awaited together.
 *
 * @module
 */
import { Promise } from "../../globals.ts";

/** The sends of one call. */
export class SendGroup {
  /** Sends that have not completed. */
  left = 0;
  /** Datagrams that the system took. */
  sent = 0;
  /** The error of the first that it did not take. */
  error: Error | null = null;
  /** Called when `left` is 0; `null` while nobody waits. */
  done: (() => void) | null = null;

  /** Takes note that a send failed; the first error is told. */
  failed(error: unknown): void {
    this.error ??= error as Error;
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
    return new Promise((resolve) => {
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
      group.failed(reason);
      group.done!();
    }
    this.#groups.clear();
  }
}
