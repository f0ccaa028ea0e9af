/**
 * Which way to sleep works here.
 *
 * @module
 */
import type { RioWaitWay } from "../contract.ts";
import { openPoolThread } from "./pool_thread.ts";
import { openReactor } from "./reactor.ts";
import type { Sleeper, Slept } from "./sleeper.ts";

/**
 * Opens the best sleeper that works here.
 *
 * @param way The only one to open, where a test asks for it.
 * @throws {RangeError} If the system has no room.
 */
export function openSleeper(slept: Slept, way?: RioWaitWay): Sleeper {
  const reactor = way === "thread" ? null : openReactor(slept);
  return reactor ?? openPoolThread(slept);
}
