/**
 * What sleeps until there is something to look at.
 *
 * @module
 */
import type { RioWaitWay } from "../contract.ts";
import type { LinuxLibrary } from "./library.ts";

/** What is slept on; whoever owns them closes them after the sleeper. */
export interface Slept {
  readonly library: LinuxLibrary;
  /** The epoll instance: it can be read when it has something to tell. */
  readonly epoll: number;
  /** Never read and written but by the sleeper. */
  readonly eventfd: number;
}

/**
 * Told when a sleep has ended, and whether its sleeper still works; `false` if
 * there was no sleep.
 */
export type Slumber = (works: boolean) => void;

/** Sleeps; one at a time. */
export interface Sleeper {
  readonly way: RioWaitWay;
  /** Whether epoll is known to have nothing to tell: nobody has to ask it. */
  readonly quiet: boolean;
  /**
   * Sleeps until epoll has something to tell, or {@linkcode Sleeper.wake}.
   *
   * @param ended Called then, never before this call and the one that ends the
   * sleep have returned.
   */
  sleep(ended: Slumber): void;
  /** Ends the sleep that goes on; without one it does nothing. */
  wake(): void;
  /** As {@linkcode RioWaits.turn}; also while nobody sleeps. */
  turn?(call: () => void): void;
  /** Tells that there is no next sleep for now. */
  rest(): void;
  /**
   * Says whether sleeping keeps the process alive.
   *
   * @returns `false` if it cannot be changed: then it does.
   */
  setReferenced(referenced: boolean): boolean;
  /**
   * Ends the sleep that goes on.
   *
   * @param finished Called when the system does not use what was slept on.
   */
  close(finished: () => void): void;
}
