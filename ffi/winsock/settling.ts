/**
 * Calls that are refused for what a socket that was just closed still holds.
 *
 * Windows gives the entries of a closed request queue back to its completion
 * queues a moment later, on a thread of its own. Until then a queue cannot
 * shrink (`WSAETOOMANYREFS`), and a new request queue may find no room in it
 * (`WSAENOBUFS`), though nothing uses the room any more. Nothing tells when it
 * is there; so such a call is made again, a few times and after short pauses.
 *
 * @module
 */
import { block, timeNow } from "../clock.ts";

/** How long after a socket was closed a refusal may be for that, in ms. */
const SETTLES_MS = 100;
/** Pauses before the call is made again, in ms; the thread blocks meanwhile. */
const PAUSES_MS = [1, 2, 4, 8];

/** What sockets that were closed may still hold. */
export class Settling {
  #since = -Infinity;

  /** A socket with a request queue was closed. */
  begin(): void {
    this.#since = timeNow();
  }

  /**
   * Makes a call, and again where a socket was closed just before.
   *
   * @param call Returns a handle or 0, or minus an error number.
   * @param transient The error number that may be for what is still held.
   * @returns What the last call returned.
   */
  call(call: () => number, transient: number): number {
    let result = call();
    for (const milliseconds of PAUSES_MS) {
      if (result !== -transient) break;
      if (timeNow() - this.#since > SETTLES_MS) break;
      block(milliseconds);
      result = call();
    }
    return result;
  }
}
