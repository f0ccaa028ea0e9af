/**
 * Giving a socket its request queue, and the completion queues that it uses.
 *
 * @module
 */
import { RIO_MAX_CQ_SIZE } from "../constants.ts";
import { checkHandle, RioClosedError } from "../errors.ts";
import { assertInteger, assertOneOf } from "../arguments.ts";
import type { SessionCore } from "./core.ts";
import { CALL, type SocketRecord } from "./ledger.ts";
import {
  createCompletionQueue,
  queueRecordOf,
  RioCompletionQueue,
  type RioNotificationMode,
} from "./queue.ts";

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

/** The queues of one socket. */
export interface SocketQueues {
  receive: RioCompletionQueue;
  send: RioCompletionQueue;
  /** The queue was made for this socket alone. */
  owned: boolean;
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

/**
 * Reads options once, before they are checked: a getter may throw, close the
 * session, or give another value the next time.
 */
export function readOnce<T extends object>(options: T): T & RioQueueOptions {
  const copy: T & RioQueueOptions = { ...options };
  const { completions } = copy;
  if (completions && !(completions instanceof RioCompletionQueue)) {
    copy.completions = { ...completions };
  }
  return copy;
}

/**
 * Checks the options of a request queue, before any native call.
 *
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If a limit is out of range.
 * @throws {RioClosedError} If a completion queue was closed.
 */
export function assertQueueOptions(
  core: SessionCore,
  options: RioQueueOptions,
): void {
  const { receives = 64, sends = 64, completions, notification } = options;
  assertLimits(receives, sends);
  if (completions !== undefined) {
    const { receive, send } = givenQueues(completions);
    queueOfSession(core, receive);
    queueOfSession(core, send);
  } else if (notification !== undefined) {
    assertOneOf("notification", notification, ["iocp", "event", "none"]);
  }
}

/**
 * Creates the request queue of a socket.
 *
 * @throws {RioError} `WSAENOBUFS` if a completion queue has no room for it.
 */
export function attachQueues(
  core: SessionCore,
  record: SocketRecord,
  options: RioQueueOptions,
): SocketQueues {
  assertQueueOptions(core, options);
  const { receives = 64, sends = 64 } = options;
  const queues = chooseQueues(core, options, receives + sends);
  const receive = queueRecordOf(queues.receive);
  const send = queueRecordOf(queues.send);
  core.ledger.calls[CALL.createRequestQueue]!++;
  try {
    record.requestQueue = checkHandle(
      core.backend.rings.createRequestQueue(
        record.handle,
        receives,
        sends,
        receive.handle,
        send.handle,
      ),
      "RIOCreateRequestQueue",
      `create a request queue of ${receives} receives and ${sends} sends on completion queues with ${
        receive.capacity - receive.reserved
      } and ${send.capacity - send.reserved} free entries`,
    );
  } catch (error) {
    if (queues.owned) queues.receive.close();
    throw error;
  }
  record.receives = receives;
  record.sends = sends;
  core.ledger.attach(record, receive, send);
  return queues;
}

function chooseQueues(
  core: SessionCore,
  { completions, notification = "iocp" }: RioQueueOptions,
  capacity: number,
): SocketQueues {
  if (completions === undefined) {
    const queue = createCompletionQueue(core, { capacity, notification });
    queueRecordOf(queue).owned = true;
    return { receive: queue, send: queue, owned: true };
  }
  return { ...givenQueues(completions), owned: false };
}

function givenQueues(
  completions: RioQueueOptions["completions"] & object,
): Omit<SocketQueues, "owned"> {
  if (completions instanceof RioCompletionQueue) {
    return { receive: completions, send: completions };
  }
  // Programs without types can give anything.
  const { receive, send } = completions ?? {};
  if (
    !(receive instanceof RioCompletionQueue) ||
    !(send instanceof RioCompletionQueue)
  ) {
    throw new TypeError(
      "Invalid completions: give a RioCompletionQueue, or one each as receive and send",
    );
  }
  return { receive, send };
}

function queueOfSession(core: SessionCore, queue: RioCompletionQueue): void {
  const record = queueRecordOf(queue);
  if (!core.ledger.queues.has(record) && !record.closed) {
    throw new TypeError(
      "Invalid completions: the queue belongs to another session",
    );
  }
  if (queue.closed) {
    throw new RioClosedError(
      "Cannot use the completions: the queue was closed",
    );
  }
}
