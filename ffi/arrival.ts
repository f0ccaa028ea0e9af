/**
 * A wait that looks for a moment before it sleeps on another thread.
 *
 * @module
 */
import { timeNow } from "./clock.ts";
import { nextTurn } from "./turns.ts";

/** How long to look before sleeping, in milliseconds. */
const LOOK_MS = 0.2;
/** How often to look at least: on a busy machine one turn can take longer. */
const LOOKS = 16;
/**
 * After so many looks in vain in a row, the next waits sleep without a look:
 * one of them, then two, four, and so on.
 */
const PATIENCE = 4;
/** The most waits in a row that sleep without a look. */
const MOST_SKIPPED = 63;

/**
 * Waits in two steps: looks several times, then sleeps.
 *
 * To another thread and back takes longer than many answers of a busy network
 * take to arrive. So a wait first looks several times, with a turn of the event
 * loop in between. Where nothing was found several times in a row, it looks
 * less often.
 */
export class Arrival {
  #inVain = 0;
  #skip = 0;

  /**
   * Waits until `look` found something, or `sleep` ended.
   *
   * @param look Takes what has arrived, and tells whether that ends the wait.
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
    const until = timeNow() + LOOK_MS;
    for (let i = 0; i < LOOKS || timeNow() < until; i++) {
      await nextTurn();
      if (look()) return true;
    }
    return false;
  }
}
