/**
 * Completion queues: how programs take completions, and wait for them.
 *
 * @module
 */
import { pause, timeNow } from "../clock.ts";
import { RIO_MAX_CQ_SIZE } from "../constants.ts";
import { WSAEALREADY } from "../error_numbers.ts";
import { check, checkHandle, refuseClosed } from "../errors.ts";
import { assertInternal, INTERNAL } from "../internal.ts";
import type { RioResults } from "../layout.ts";
import { logAsJson } from "../shown.ts";
import { assertInteger } from "../arguments.ts";
import { Arrival } from "../arrival.ts";
import { nextTurn } from "../turns.ts";
import type { SessionCore } from "./core.ts";
import type { RioCompletion } from "./completion.ts";
import { BATCH, giveResults, type QueueRecord, takeResults } from "./ledger.ts";
import {
  assertMode,
  type RioCompletionQueueOptions,
  type RioNotificationMode,
} from "./queue_options.ts";
import { Completion } from "./requests.ts";

/** How long an iterator that always finds something keeps the event loop. */
const TURN_AFTER_MS = 8;
/** How often an iterator looks at a queue that does not notify. */
const POLL_EVERY_MS = 1;

/** The ledger's record of a queue. */
export let queueRecordOf: (queue: RioCompletionQueue) => QueueRecord;
/** As `notify()`; says whether the wait keeps the process alive. */
export let notifyReferenced: (
  queue: RioCompletionQueue,
  referenced: boolean,
) => Promise<boolean>;
/** Ends the wait for a queue, which stays armed for the next wait. */
export let pauseNotify: (queue: RioCompletionQueue) => void;
/** Changes whether the wait of a queue, if there is one, is referenced. */
export let referenceNotify: (
  queue: RioCompletionQueue,
  referenced: boolean,
) => void;

/**
 * Where completed requests arrive.
 *
 * A queue serves any number of sockets. Each of them reserves one entry for
 * every request that it can have outstanding, so that a queue never overflows.
 *
 * Sources: Microsoft's pages on `RIOCreateCompletionQueue`,
 * `RIODequeueCompletion` and `RIONotify`.
 *
 * @example Wait for completions
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(4096);
 * using queue = session.createCompletionQueue({ capacity: 256 });
 * // Several sockets can share a queue, and one loop.
 * const open = () =>
 *   session.openSocket({
 *     transport: "udp",
 *     hostname: "127.0.0.1",
 *     receives: 1,
 *     sends: 1,
 *     completions: queue,
 *   });
 * using one = open();
 * using other = open();
 * await one.connect(other.address);
 * other.receive(buffer.slice(0, 2048));
 * one.send(buffer.slice(2048, 5));
 *
 * let left = 2;
 * for await (const batch of queue) {
 *   for (const { kind, bytesTransferred } of batch) {
 *     console.log(kind, bytesTransferred);
 *     left--;
 *   }
 *   if (left === 0) break;
 * }
 * ```
 */
export class RioCompletionQueue implements Disposable {
  readonly #core: SessionCore;
  readonly #record: QueueRecord;
  /** Completions that were dequeued before anybody asked for them. */
  readonly #backlog: Completion[];
  /** The one object that `walk()` shows to its visitors. */
  readonly #visited: Completion = new Completion();
  /** The wait that the iterators share. */
  #armed: Promise<boolean> | null = null;

  /** How the queue notifies. */
  readonly notification: RioNotificationMode;

  static {
    logAsJson(this);
    queueRecordOf = (queue) => queue.#record;
    notifyReferenced = (queue, referenced) => queue.#notify(referenced);
    pauseNotify = (queue) => queue.#core.waiter.pause(queue.#record.key);
    referenceNotify = (queue, referenced) =>
      queue.#core.waiter.setReferenced(queue.#record.key, referenced);
  }

  /** @ignore */
  constructor(
    key: typeof INTERNAL,
    core: SessionCore,
    record: QueueRecord,
    notification: RioNotificationMode,
  ) {
    assertInternal(key, "RioSession.createCompletionQueue()");
    this.#core = core;
    this.#record = record;
    this.notification = notification;
    this.#backlog = core.openBacklog(record);
  }

  /** How many completions the queue can hold, in entries. */
  get capacity(): number {
    return this.#record.capacity;
  }

  /** How many entries the sockets on this queue have reserved. */
  get reserved(): number {
    return this.#record.reserved;
  }

  /** Whether the queue was closed, alone or with its session or socket. */
  get closed(): boolean {
    return this.#record.closing || this.#core.ledger.closed;
  }

  /**
   * Takes completions that have arrived, and never waits.
   *
   * @param max The most to take, in entries.
   * @default {64}
   * @returns The completions, oldest first; empty if none has arrived.
   * @throws {RangeError} If `max` is not a whole number of at least 1.
   * @throws {RioClosedError} If the queue was closed.
   * @throws {RioError} If the system finds the queue corrupt.
   */
  dequeue(max: number = BATCH): RioCompletion[] {
    if (max !== BATCH) assertInteger("max", max, 1, RIO_MAX_CQ_SIZE);
    const backlog = this.#backlog;
    const taken = backlog.length === 0 ? [] : backlog.splice(0, max);
    if (taken.length > 0 && this.closed) return taken as RioCompletion[];
    const results = takeResults();
    try {
      while (taken.length < max) {
        const wanted = Math.min(max - taken.length, BATCH);
        const count = this.#fetch(results, wanted);
        for (let i = 0; i < count; i++) {
          taken.push(this.#core.requests.finish(results, i, new Completion()));
        }
        // The last completion of a closed socket closes the socket's own queue.
        if (count < wanted || this.closed) break;
      }
    } finally {
      giveResults(results);
    }
    return taken as RioCompletion[];
  }

  /**
   * Visits completions that have arrived, without allocating, and never waits.
   *
   * All visits get the same object, filled again for each: read what you need
   * before you return. A visitor may post, dequeue and close. If it throws, the
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
    if (this.#backlog.length > 0) return this.#walkBacklog(visit, max);
    // A visitor that dequeues takes other room.
    const results = takeResults();
    let seen = 0;
    let count = 0;
    try {
      count = this.#fetch(results, max);
      const { requests } = this.#core;
      while (seen < count) {
        const completion = requests.finish(results, seen++, this.#visited);
        visit(completion as RioCompletion);
      }
    } finally {
      if (seen < count) this.#putBack(results, seen, count);
      giveResults(results);
    }
    return count;
  }

  #walkBacklog(
    visit: (completion: RioCompletion) => void,
    max: number,
  ): number {
    const taken = this.#backlog.splice(0, max) as RioCompletion[];
    let seen = 0;
    try {
      while (seen < taken.length) visit(taken[seen++]!);
    } finally {
      this.#backlog.unshift(...taken.slice(seen) as Completion[]);
    }
    return seen;
  }

  /**
   * Arms the notification, and waits until something has arrived that was not
   * posted with `dontNotify`.
   *
   * Keeps the process alive while it waits.
   *
   * @returns `true` when something has arrived; another `dequeue()` may have
   * taken it since. `false` when the queue was closed.
   * @throws {RioError} `WSAEALREADY` if it is armed already, `WSAEINVAL` if the
   * queue was made with notification `"none"`.
   * @throws {RioClosedError} If the queue was closed.
   */
  notify(): Promise<boolean> {
    return this.#notify(true);
  }

  async #notify(referenced: boolean): Promise<boolean> {
    this.#assertOpen("notify");
    const { ledger, backend, waiter } = this.#core;
    const { handle, key } = this.#record;
    const attempt =
      `arm a completion queue with notification "${this.notification}"`;
    // Once it has fired natively, the system would let it be armed again,
    // before the first caller was told.
    if (waiter.isWaiting(key)) check(WSAEALREADY, "RIONotify", attempt);
    if (this.#backlog.length > 0 && key !== 0) return true;
    if (!waiter.isArmed(key)) {
      ledger.calls.RIONotify++;
      check(backend.rings.notify(handle), "RIONotify", attempt);
    }
    return await waiter.fires(key, referenced);
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
    const { ledger, backend: { rings } } = this.#core;
    ledger.calls.RIOResizeCompletionQueue++;
    check(
      rings.resizeCompletionQueue(this.#record.handle, capacity),
      "RIOResizeCompletionQueue",
      `resize a completion queue from ${this.capacity} to ${capacity} entries, of which ${this.reserved} are reserved`,
    );
    this.#record.capacity = capacity;
  }

  /**
   * Closes the queue; a second call does nothing.
   *
   * `notify()` returns `false` to whoever waits for the queue, and iterators
   * end. The native queue stays until every socket on it is closed and drained.
   */
  close(): void {
    const record = this.#record;
    if (!record.closing) {
      record.closing = true;
      if (record.users > 0) this.#core.pull([record]);
      this.#core.ledger.releaseQueue(record);
      this.#core.late.add(record);
    }
    this.#core.closeBacklog(record);
    this.#core.forget(this);
  }

  /** What a queue shows when it is logged or serialised. */
  toJSON(): Record<string, unknown> {
    const { notification, capacity, reserved, closed } = this;
    return { notification, capacity, reserved, closed };
  }

  /** Does the same as {@linkcode RioCompletionQueue.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Yields completions in batches of 1 to 64, waiting where there are none;
   * ends when the queue is closed.
   *
   * With notification `"none"` it looks at the queue every millisecond.
   *
   * @throws {RioError} If the system finds the queue corrupt.
   */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<RioCompletion[]> {
    const arrival = new Arrival();
    const ended = () => this.closed && this.#backlog.length === 0;
    let batch: RioCompletion[] = [];
    const look = () => ended() || (batch = this.dequeue()).length > 0;
    let turn = timeNow() + TURN_AFTER_MS;
    while (!ended()) {
      if (!look()) {
        if (this.notification === "none") await pause(POLL_EVERY_MS);
        else if (this.#core.backend.waits.looks) await this.#sleep();
        else await arrival.wait(look, () => this.#sleep());
      }
      if (batch.length === 0) continue;
      const found = batch;
      batch = [];
      yield found;
      if (timeNow() < turn) continue;
      // Otherwise timers, signals and other sockets would have to wait.
      await nextTurn();
      turn = timeNow() + TURN_AFTER_MS;
    }
  }

  /** Waits as `notify()`; all iterators share one wait. */
  #sleep(): Promise<unknown> {
    return this.#armed ??= this.notify().finally(() => this.#armed = null);
  }

  /** Keeps what a visitor did not see, before what was dequeued since. */
  #putBack(results: RioResults, from: number, count: number): void {
    const later = this.#backlog.splice(0);
    this.#core.keep(this.#record, results, from, count);
    this.#backlog.push(...later);
  }

  /** Dequeues natively; the memory of these requests is the program's again. */
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
    if (this.#record.closing) refuseClosed(attempt, "completion queue");
  }
}

/** Creates a queue in a session. */
export function createCompletionQueue(
  core: SessionCore,
  options: RioCompletionQueueOptions = {},
): RioCompletionQueue {
  const { capacity = 256, notification: mode = "iocp" } = options;
  assertInteger("capacity", capacity, 1, RIO_MAX_CQ_SIZE);
  assertMode(mode);
  core.assertOpen("create a completion queue");
  const kind = mode === "none" ? null : mode;
  const record = core.ledger.createQueue(capacity, kind);
  const queue = new RioCompletionQueue(INTERNAL, core, record, mode);
  core.watch(queue, "RioCompletionQueue", (ledger) => {
    if (record.closing) return false;
    ledger.releaseQueue(record);
    return true;
  });
  return queue;
}
