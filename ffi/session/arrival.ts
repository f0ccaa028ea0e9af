/**
 * Waiting for something to arrive, without a hop where it comes at once.
 *
 * @module
 */

/** How long something is looked for before the wait on another thread. */
const LOOK_MS = 0.05;
/** And how often at least: on a busy machine time passes without a look. */
const LOOKS = 16;
/** What takes longer than this to come is not looked for the next time. */
const WORTH_LOOKING_MS = 0.5;

/** One turn of the event loop: signals, timers, other sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits in two steps: looks a few times, then sleeps.
 *
 * The hop to another thread and back takes longer than many answers on a busy
 * network. So it looks again and again for a moment, giving the event loop its
 * turn in between, as long as that has been worth it lately.
 */
export class Arrival {
  #worthLooking = true;

  /**
   * Waits until something is there.
   *
   * @param look Looks, and tells whether the wait is over.
   * @param sleep Waits on another thread.
   */
  async wait(
    look: () => boolean,
    sleep: () => Promise<unknown>,
  ): Promise<void> {
    const start = performance.now();
    if (this.#worthLooking) {
      for (
        let looks = 0;
        looks < LOOKS || performance.now() - start < LOOK_MS;
        looks++
      ) {
        await nextTurn();
        if (look()) return;
      }
    }
    await sleep();
    this.#worthLooking = performance.now() - start < WORTH_LOOKING_MS;
  }
}
