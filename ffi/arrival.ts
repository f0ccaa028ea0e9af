/**
 * Waiting for something to arrive, without a hop where it comes at once.
 *
 * @module
 */

/** How long something is looked for before the wait on another thread. */
const LOOK_MS = 0.2;
/** And how often at least: on a busy machine time passes without a look. */
const LOOKS = 16;
/** From so many times in vain on, waits go without: one, two, four, and so on. */
const PATIENCE = 4;
/** At most so many, then it is looked for again. */
const MOST_SKIPPED = 63;

/** One turn of the event loop: signals, timers, other sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits in two steps: looks a few times, then sleeps.
 *
 * The hop to another thread and back takes longer than many answers on a busy
 * network. So it looks again and again for a moment, giving the event loop its
 * turn in between, and does so the less the more often that was in vain.
 */
export class Arrival {
  #inVain = 0;
  #skip = 0;

  /**
   * Waits until something is there, and has looked at it.
   *
   * @param look Takes what is there, and tells whether the wait is over.
   * @param sleep Waits on another thread.
   */
  async wait(
    look: () => boolean,
    sleep: () => Promise<unknown>,
  ): Promise<void> {
    if (this.#skip > 0) {
      this.#skip--;
    } else {
      if (await this.#found(look)) {
        this.#inVain = 0;
        return;
      }
      this.#inVain++;
      this.#skip = Math.min(2 ** (this.#inVain - PATIENCE), MOST_SKIPPED) | 0;
    }
    await sleep();
    look();
  }

  async #found(look: () => boolean): Promise<boolean> {
    const until = performance.now() + LOOK_MS;
    for (let i = 0; i < LOOKS || performance.now() < until; i++) {
      await nextTurn();
      if (look()) return true;
    }
    return false;
  }
}
