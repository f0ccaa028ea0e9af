/**
 * How completion queues are made.
 *
 * @module
 */
import { assertOneOf } from "../arguments.ts";

/** How a completion queue tells that it has something. */
export type RioNotificationMode = "iocp" | "event" | "none";

const MODES: readonly RioNotificationMode[] = ["iocp", "event", "none"];

/** Options of {@linkcode RioSession.createCompletionQueue}. */
export interface RioCompletionQueueOptions {
  /**
   * How many completions the queue can hold, in entries; 1 to 134,217,728.
   *
   * @default {256}
   */
  capacity?: number;
  /**
   * How the queue tells that it has something: through an I/O completion port,
   * through an event, or not at all. On Linux the first two are the same: an
   * eventfd behind epoll.
   *
   * On Windows all sessions of a thread wait for the port in one native call,
   * and for events in another, which takes at most 63 of them: queues that are
   * made while there are so many notify through the port.
   *
   * @default {"iocp"}
   */
  notification?: RioNotificationMode;
}

/** Refuses what is not a way to notify. */
export function assertMode(mode: unknown): asserts mode is RioNotificationMode {
  assertOneOf("notification", mode, MODES);
}
