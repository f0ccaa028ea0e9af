/**
 * What a session and everything opened from it have in common.
 *
 * @module
 */
import { WeakRef } from "../globals.ts";
import type { RioBackend } from "../contract.ts";
import { refuseClosed } from "../errors.ts";
import type { RioResults } from "../layout.ts";
import { LateDrain } from "./late_drain.ts";
import { Ledger, type QueueRecord } from "./ledger.ts";
import { Permissions } from "./permissions.ts";
import { Completion, Requests } from "./requests.ts";
import type { Waiter } from "./waiter.ts";

/** What is left of an object that a program dropped. */
interface Dropped {
  readonly ledger: Ledger;
  /** The name of its class, or what tells it. */
  readonly what: string | (() => string);
  /** Releases it; `false` where that was done already. */
  release(ledger: Ledger): boolean;
}

/**
 * Releases what programs dropped without disposing it, and warns.
 *
 * It holds records, never the objects: an object that it held would never be
 * collected. Programs cannot rely on it, because the collector may never run.
 */
const collected = new FinalizationRegistry<Dropped>(
  ({ ledger, what, release }) => {
    if (ledger.closed || !release(ledger)) return;
    const name = typeof what === "string" ? what : what();
    // deno-lint-ignore no-console -- a leak in the program, and nobody to throw at
    console.warn(
      `${name} was dropped without being disposed and was released by the garbage collector: declare it with "using"`,
    );
  },
);

/** The parts of a session. */
export class SessionCore {
  readonly backend: RioBackend;
  readonly ledger: Ledger;
  readonly requests: Requests;
  readonly waiter: Waiter;
  readonly permissions: Permissions;
  /** Drains queues that were closed before their last completion. */
  readonly late: LateDrain;
  /**
   * Completions that were dequeued before anybody asked for them.
   *
   * Only the `RioCompletionQueue` keeps its array alive. A record stays until
   * its native queue is closed: if it kept the array, and so the sockets that
   * the completions name, a program could drop them and they would stay.
   */
  readonly #backlogs: WeakMap<QueueRecord, WeakRef<Completion[]>> =
    new WeakMap();
  /** The session itself: it is not collected while a part of it is in use. */
  owner: object | null = null;

  constructor(backend: RioBackend) {
    this.backend = backend;
    this.ledger = new Ledger(backend);
    this.requests = new Requests(this.ledger);
    this.waiter = this.ledger.waiter;
    this.permissions = new Permissions();
    this.late = new LateDrain(this.ledger, (queues) => this.pull(queues));
  }

  /** Refuses to go on in a session that was closed. */
  assertOpen(attempt: string): void {
    if (this.ledger.closed) refuseClosed(attempt, "session");
  }

  /**
   * Dequeues what has arrived, and keeps it for the next `dequeue()`.
   *
   * @param queues Where to look; on every queue by default.
   */
  pull(queues?: Iterable<QueueRecord>): void {
    this.ledger.pull(
      (queue, results, count) => this.keep(queue, results, 0, count),
      queues,
    );
  }

  /** Keeps results for the next `dequeue()` of their queue. */
  keep(
    queue: QueueRecord,
    results: RioResults,
    from: number,
    count: number,
  ): void {
    const backlog = this.#backlogs.get(queue)?.deref();
    for (let i = from; i < count; i++) {
      const completion = this.requests.finish(results, i, new Completion());
      backlog?.push(completion);
    }
  }

  /** Where the completions of a queue are kept from now on. */
  openBacklog(queue: QueueRecord): Completion[] {
    const backlog: Completion[] = [];
    this.#backlogs.set(queue, new WeakRef(backlog));
    return backlog;
  }

  /** Drops what is kept for a queue, and keeps nothing more for it. */
  closeBacklog(queue: QueueRecord): void {
    this.#backlogs.get(queue)?.deref()?.splice(0);
    this.#backlogs.delete(queue);
  }

  /** Has an object released when it is collected without being disposed. */
  watch(
    object: object,
    what: Dropped["what"],
    release: Dropped["release"],
  ): void {
    collected.register(object, { ledger: this.ledger, what, release }, object);
  }

  /** Ends {@linkcode SessionCore.watch}: the object was released. */
  forget(object: object): void {
    collected.unregister(object);
  }
}
