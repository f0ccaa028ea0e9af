/**
 * Completion queues.
 *
 * @module
 */
import { RIO_MAX_CQ_SIZE } from "../constants.ts";
import type { RioNotificationKind } from "../contract.ts";
import { WSAEALREADY } from "../error_numbers.ts";
import { check, checkHandle, RioClosedError } from "../errors.ts";
import { assertInternal, INTERNAL } from "../internal.ts";
import { RioResults } from "../layout.ts";
import { assertInteger, assertOneOf } from "../arguments.ts";
import { Arrival, nextTurn } from "../arrival.ts";
import type { SessionCore } from "./core.ts";
import { CALL, type Notification, type QueueRecord } from "./ledger.ts";
import { Completion, type RioCompletion } from "./requests.ts";

/** How a completion queue tells that it has something. */
export type RioNotificationMode = "iocp" | "event" | "none";

/** Results fetched by one native call. */
const BATCH = 64;
/** How long an iterator that always finds something keeps the event loop. */
const TURN_AFTER_MS = 8;
/** How often an iterator looks at a queue that does not notify. */
const POLL_EVERY_MS = 1;

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
   * through an event, or not at all. On Linux the first two are the same.
   *
   * @default {"iocp"}
   */
  notification?: RioNotificationMode;
}

/** The ledger's record of a queue. */
export let queueRecordOf: (queue: RioCompletionQueue) => QueueRecord;
/** Ends a wait of a queue, which stays armed. */
export let pauseNotify: (queue: RioCompletionQueue) => void;

/**
 * Where completed requests arrive.
 *
 * A queue serves any number of sockets. Each socket reserves as many entries as
 * it can have requests outstanding, so that a queue never overflows.
 *
 * Sources: Microsoft's pages on `RIOCreateCompletionQueue`,
 * `RIODequeueCompletion` and `RIONotify`.
 *
 * @example Wait for completions
 * ```ts no-assert
 * import type { RioCompletionQueue } from "@winsock/rio";
 *
 * async function log(queue: RioCompletionQueue) {
 *   for await (const batch of queue) {
 *     for (const { kind, bytesTransferred } of batch) {
 *       console.log(kind, bytesTransferred);
 *     }
 *   }
 * }
 * ```
 */
export class RioCompletionQueue implements Disposable {
  readonly #core: SessionCore;
  readonly #record: QueueRecord;
  readonly #backlog: Completion[] = [];
  readonly #reused: Completion = new Completion();
  readonly #key: number;
  #results: RioResults | null = new RioResults(BATCH);
  #armed: Promise<boolean> | null = null;

  /** How the queue notifies. */
  readonly notification: RioNotificationMode;

  static {
    queueRecordOf = (queue) => queue.#record;
    pauseNotify = (queue) => queue.#core.waiter.pause(queue.#key);
  }

  /** @ignore */
  constructor(key: typeof INTERNAL, core: SessionCore, record: QueueRecord) {
    assertInternal(key, "RioSession.createCompletionQueue()");
    this.#core = core;
    this.#record = record;
    this.#key = record.notification?.key ?? 0;
    this.notification = record.notification?.kind ?? "none";
    core.backlogs.set(record, new WeakRef(this.#backlog));
  }

  /** How many completions the queue can hold, in entries. */
  get capacity(): number {
    return this.#record.capacity;
  }

  /** How many entries the sockets on this queue have reserved. */
  get reserved(): number {
    return this.#record.reserved;
  }

  /** Whether the queue was closed, itself or with its session or socket. */
  get closed(): boolean {
    return this.#record.closing || this.#core.ledger.closed;
  }

  /**
   * Takes completions that have arrived; never waits.
   *
   * @param max The most to take, in entries.
   * @default {64}
   * @returns The completions, oldest first; empty if none has arrived.
   * @throws {RangeError} If `max` is not a whole number of at least 1.
   * @throws {RioClosedError} If the queue was closed.
   * @throws {RioError} If the system finds the queue corrupt.
   */
  dequeue(max: number = BATCH): RioCompletion[] {
    const taken: RioCompletion[] = this.#takeBacklog(max);
    if (taken.length > 0 && this.closed) return taken;
    while (taken.length < max) {
      const results = this.#results ??= new RioResults(BATCH);
      const wanted = Math.min(max - taken.length, BATCH);
      const count = this.#fetch(results, wanted);
      for (let i = 0; i < count; i++) {
        taken.push(this.#core.requests.finish(results, i, new Completion()));
      }
      // The last completion of a closed socket closes the queue with it.
      if (count < wanted || this.closed) break;
    }
    return taken;
  }

  /**
   * Visits completions that have arrived, without allocating; never waits.
   *
   * The completion is one object, filled anew for each visit: take out of it
   * what you need. A visitor may post, dequeue and close. If it throws, the
   * completions that it has not seen stay for the next call.
   *
   * @param visit Called with each completion, oldest first.
   * @param max The most to visit, in entries; up to 64.
   * @default {64}
   * @returns How many were visited.
   * @throws {RangeError} If `max` is not a whole number from 1 to 64.
   * @throws {RioClosedError} If the queue was closed.
   * @throws {RioError} If the system finds the queue corrupt.
   */
  walk(
    visit: (completion: RioCompletion) => void,
    max: number = BATCH,
  ): number {
    assertInteger("max", max, 1, BATCH);
    if (this.#backlog.length > 0) {
      const taken = this.#takeBacklog(max);
      let seen = 0;
      try {
        for (const completion of taken) {
          seen++;
          visit(completion);
        }
      } finally {
        this.#backlog.unshift(...taken.slice(seen));
      }
      return seen;
    }
    // Taken out while in use: a visitor that dequeues gets another one.
    const results = this.#results ?? new RioResults(BATCH);
    this.#results = null;
    let seen = 0;
    let count = 0;
    try {
      count = this.#fetch(results, max);
      const { requests } = this.#core;
      while (seen < count) {
        visit(requests.finish(results, seen++, this.#reused));
      }
    } finally {
      if (seen < count) this.#putBack(results, seen, count);
      this.#results = results;
    }
    return count;
  }

  /**
   * Arms the notification, and waits until something has arrived that was not
   * posted with `dontNotify`.
   *
   * Keeps the process alive while it waits.
   *
   * @returns `true` when there is something to dequeue, or was: whoever dequeues
   * in the meantime may have it. `false` when the queue was closed.
   * @throws {RioError} `WSAEALREADY` if it is armed already, `WSAEINVAL` if the
   * queue was made with notification `"none"`.
   * @throws {RioClosedError} If the queue was closed.
   */
  async notify(): Promise<boolean> {
    this.#assertOpen("notify");
    const { ledger, backend, waiter } = this.#core;
    if (this.#backlog.length > 0 && !this.#armed && this.#key !== 0) {
      return true;
    }
    const attempt =
      `arm a completion queue with notification "${this.notification}"`;
    // What has fired and was not told yet is armed for whoever waits for it.
    if (waiter.isWaiting(this.#key)) check(WSAEALREADY, "RIONotify", attempt);
    if (!waiter.isPaused(this.#key)) {
      ledger.calls[CALL.notify]!++;
      check(backend.rings.notify(this.#record.handle), "RIONotify", attempt);
    }
    const armed = this.#armed = waiter.wait(this.#key);
    try {
      return await armed;
    } finally {
      // Somebody may have armed it again since it fired.
      if (this.#armed === armed) this.#armed = null;
    }
  }

  /**
   * Gives the queue another size; keeps what is queued.
   *
   * @param capacity Entries; at least {@linkcode RioCompletionQueue.reserved}.
   * @throws {RangeError} If it is not a whole number from 1 to 134,217,728.
   * @throws {RioError} `WSAETOOMANYREFS` if that is less than what is reserved.
   * @throws {RioClosedError} If the queue was closed.
   */
  resize(capacity: number): void {
    assertInteger("capacity", capacity, 1, RIO_MAX_CQ_SIZE);
    this.#assertOpen("resize");
    this.#core.ledger.calls[CALL.resizeCompletionQueue]!++;
    check(
      this.#core.backend.rings.resizeCompletionQueue(
        this.#record.handle,
        capacity,
      ),
      "RIOResizeCompletionQueue",
      `resize a completion queue from ${this.capacity} to ${capacity} entries, of which ${this.reserved} are reserved`,
    );
    this.#record.capacity = capacity;
  }

  /**
   * Closes the queue; a second call does nothing.
   *
   * Whoever waits for it goes on, and iterators end. The native queue stays
   * until every socket on it is closed and drained.
   */
  close(): void {
    const record = this.#record;
    if (!record.closing) {
      record.closing = true;
      if (record.sockets > 0) this.#core.pull();
      this.#core.ledger.releaseQueue(record);
    }
    this.#backlog.length = 0;
    this.#core.backlogs.delete(record);
    this.#core.forget(this);
  }

  /** Does the same as {@linkcode RioCompletionQueue.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Yields completions in batches of 1 to 64, waiting where there are none;
   * ends when the queue is closed.
   *
   * A queue with notification `"none"` is looked at every millisecond.
   *
   * @throws {RioError} If the system finds the queue corrupt.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<RioCompletion[]> {
    const arrival = new Arrival();
    const ended = () => this.closed && this.#backlog.length === 0;
    let batch: RioCompletion[] = [];
    const look = () => ended() || (batch = this.dequeue()).length > 0;
    let turn = performance.now() + TURN_AFTER_MS;
    while (!ended()) {
      if (!look()) await arrival.wait(look, () => this.#sleep());
      if (batch.length === 0) continue;
      const found = batch;
      batch = [];
      yield found;
      if (performance.now() < turn) continue;
      // Timers, signals and other sockets have their turn, too.
      await nextTurn();
      turn = performance.now() + TURN_AFTER_MS;
    }
  }

  #sleep(): Promise<unknown> {
    if (this.notification === "none") {
      return new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
    }
    return this.#armed ?? this.notify();
  }

  #takeBacklog(max: number): Completion[] {
    if (max !== BATCH) assertInteger("max", max, 1, RIO_MAX_CQ_SIZE);
    return this.#backlog.length === 0 ? [] : this.#backlog.splice(0, max);
  }

  /** Keeps what a visitor did not see, ahead of what has settled since. */
  #putBack(results: RioResults, from: number, count: number): void {
    const later = this.#backlog.splice(0);
    this.#core.stash(this.#record, results, from, count);
    this.#backlog.push(...later);
  }

  /** Dequeues: from here on native code is done with these requests. */
  #fetch(results: RioResults, max: number): number {
    const core = this.#core;
    if (this.closed) this.#assertOpen("dequeue");
    const count = core.ledger.dequeue(this.#record, results, max);
    if (count >= 0) return count;
    const attempt = `dequeue up to ${max} completions`;
    return checkHandle(count, "RIODequeueCompletion", attempt);
  }

  #assertOpen(attempt: string): void {
    this.#core.assertOpen(attempt);
    if (this.#record.closing) {
      throw new RioClosedError(
        `Cannot ${attempt}: the completion queue was closed`,
      );
    }
  }
}

/** Creates a queue in a session. */
export function createCompletionQueue(
  core: SessionCore,
  options: RioCompletionQueueOptions = {},
): RioCompletionQueue {
  const { capacity = 256, notification: mode = "iocp" } = options;
  assertInteger("capacity", capacity, 1, RIO_MAX_CQ_SIZE);
  assertOneOf("notification", mode, ["iocp", "event", "none"]);
  core.assertOpen("create a completion queue");
  const notification = mode === "none" ? null : createNotification(core, mode);
  const record = core.ledger.createQueue(capacity, notification);
  const queue = new RioCompletionQueue(INTERNAL, core, record);
  core.watch(queue, "RioCompletionQueue", (ledger) => {
    if (record.closing) return false;
    ledger.releaseQueue(record);
    return true;
  });
  return queue;
}

function createNotification(
  core: SessionCore,
  kind: RioNotificationKind,
): Notification {
  const key = core.waiter.createKey();
  check(
    core.backend.waits.createNotification(kind, key),
    kind === "iocp" ? "CreateIoCompletionPort" : "CreateEventW",
    `create the notification "${kind}" of a completion queue`,
  );
  return { kind, key };
}
