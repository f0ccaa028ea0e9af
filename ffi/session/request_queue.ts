/**
 * The request queue of a socket, and the completion queues that it uses.
 *
 * @module
 */
import { assertInteger, refuseType } from "../arguments.ts";
import { RIO_MAX_CQ_SIZE } from "../constants.ts";
import { checkHandle, refuseClosed } from "../errors.ts";
import type { SessionCore } from "./core.ts";
import type { SocketRecord } from "./ledger.ts";
import {
  createCompletionQueue,
  queueRecordOf,
  RioCompletionQueue,
} from "./queue.ts";
import { assertMode, type RioNotificationMode } from "./queue_options.ts";

/** Where the requests of one socket complete; often one queue for both. */
export interface SocketQueues {
  readonly receive: RioCompletionQueue;
  readonly send: RioCompletionQueue;
}

/** How many requests a socket can have outstanding, and where they complete. */
export interface RioQueueOptions {
  /**
   * Receives that can be outstanding at a time, in entries.
   *
   * @default {64}
   */
  receives?: number;
  /**
   * Sends that can be outstanding at a time, in entries.
   *
   * @default {64}
   */
  sends?: number;
  /**
   * Where requests complete: one queue, or one for each direction. By default
   * the socket has a queue of its own, which is closed with it.
   */
  completions?: RioCompletionQueue | {
    /** Where receives complete. */
    receive: RioCompletionQueue;
    /** Where sends complete. */
    send: RioCompletionQueue;
  };
  /**
   * How the socket's own completion queue notifies.
   *
   * @default {"iocp"}
   */
  notification?: RioNotificationMode;
}

/**
 * Given in place of queues, for this package only: makes them, or is `null` for
 * one of the socket's own. Where the system moves data without requests, that
 * waits until somebody needs a request queue, and most never do.
 */
export const LATE_QUEUES: unique symbol = Symbol("late queues");

/** Options as this package gives them. */
export interface QueueOptions extends RioQueueOptions {
  readonly [LATE_QUEUES]?: (() => SocketQueues) | null;
}

/** {@linkcode RioQueueOptions}, read once and checked. */
export interface QueuePlan {
  readonly receives: number;
  readonly sends: number;
  /** Gives the queues that were given; `null` for one of the socket's own. */
  readonly given: (() => SocketQueues) | null;
  readonly notification: RioNotificationMode;
  /** Whether the request queue is made when somebody needs it. */
  readonly late: boolean;
}

/**
 * Reads the options of a request queue, each once: a getter may close the
 * session, or give another value the next time.
 *
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If a limit is out of range.
 * @throws {RioClosedError} If a completion queue was closed.
 */
export function planQueues(
  core: SessionCore,
  options: QueueOptions,
): QueuePlan {
  const { receives = 64, sends = 64, completions, notification = "iocp" } =
    options;
  assertLimits(receives, sends);
  if (completions === undefined) assertMode(notification);
  const make = options[LATE_QUEUES];
  const late = make !== undefined && core.backend.direct !== null;
  if (completions === undefined) {
    return { receives, sends, given: make ?? null, notification, late };
  }
  const queues = toQueues(completions);
  assertUsable(core, queues);
  return { receives, sends, given: () => queues, notification, late };
}

/**
 * Creates the request queue of a socket.
 *
 * @throws {RioError} `WSAENOBUFS` if a completion queue has no room for it.
 * @throws {RioClosedError} If a completion queue was closed.
 */
export function attachQueues(
  core: SessionCore,
  record: SocketRecord,
  plan: QueuePlan,
): SocketQueues {
  const { receives, sends } = plan;
  const given = plan.given?.() ?? null;
  // Time may have passed since the plan was made: accept() waits in between.
  if (given !== null) assertUsable(core, given);
  const queues = given ?? createOwnQueue(core, plan);
  const receive = queueRecordOf(queues.receive);
  const send = queueRecordOf(queues.send);
  core.ledger.calls.RIOCreateRequestQueue++;
  const handle = core.backend.rings.createRequestQueue(
    record.handle,
    receives,
    sends,
    receive.handle,
    send.handle,
  );
  if (handle < 0 && given === null) queues.receive.close();
  record.requestQueue = checkHandle(
    handle,
    "RIOCreateRequestQueue",
    `create a request queue of ${receives} receives and ${sends} sends on completion queues with ${
      receive.capacity - receive.reserved
    } and ${send.capacity - send.reserved} free entries`,
  );
  core.ledger.attach(record.receives, receive);
  core.ledger.attach(record.sends, send);
  core.ledger.setLimits(record, receives, sends);
  return queues;
}

/** Creates a queue for one socket alone, with which it is closed. */
function createOwnQueue(
  core: SessionCore,
  { receives, sends, notification }: QueuePlan,
): SocketQueues {
  const capacity = receives + sends;
  const queue = createCompletionQueue(core, { capacity, notification });
  queueRecordOf(queue).owned = true;
  return { receive: queue, send: queue };
}

function toQueues(
  completions: RioQueueOptions["completions"] & object,
): SocketQueues {
  if (completions instanceof RioCompletionQueue) {
    return { receive: completions, send: completions };
  }
  // Programs without types can give anything.
  const { receive, send } = completions ?? {};
  if (
    receive instanceof RioCompletionQueue && send instanceof RioCompletionQueue
  ) return { receive, send };
  return refuseType(
    "completions",
    completions,
    "give a RioCompletionQueue, or one each as receive and send",
  );
}

function assertUsable(core: SessionCore, queues: SocketQueues): void {
  for (const queue of [queues.receive, queues.send]) {
    const record = queueRecordOf(queue);
    if (!core.ledger.queues.has(record) && !record.closed) {
      throw new TypeError(
        "Invalid completions: the queue belongs to another session",
      );
    }
    if (queue.closed) refuseClosed("use the completions", "queue");
  }
}

/** Checks the two limits of a request queue. */
export function assertLimits(receives: number, sends: number): void {
  assertInteger("receives", receives, 0, RIO_MAX_CQ_SIZE);
  assertInteger("sends", sends, 0, RIO_MAX_CQ_SIZE);
  if (receives + sends === 0) {
    throw new RangeError(
      "Invalid receives and sends: at least one of them must be above 0",
    );
  }
}
