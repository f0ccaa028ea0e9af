/**
 * What the objects of one session share.
 *
 * @module
 */
import type { RioBackend } from "../contract.ts";
import { RioClosedError } from "../errors.ts";
import type { RioResults } from "../layout.ts";
import { Ledger, type QueueRecord } from "./ledger.ts";
import { Permissions } from "./permissions.ts";
import { Completion, Requests } from "./requests.ts";
import type { Waiter } from "./waiter.ts";

interface Net {
  ledger: Ledger;
  /** What the user dropped. */
  what: string;
  /** Releases it; `false` where that was done already. */
  release(ledger: Ledger): boolean;
}

/**
 * The finalisation net: objects that were dropped without disposal.
 *
 * It holds records, never the objects that it waits for. It is the last net
 * and not a way to manage resources: the collector may never run.
 */
const net = new FinalizationRegistry<Net>(({ ledger, what, release }) => {
  if (ledger.closed || !release(ledger)) return;
  // deno-lint-ignore no-console -- a leak in the program, and nobody to throw at
  console.warn(
    `${what} was dropped without being disposed and was released by the garbage collector: declare it with "using"`,
  );
});

/** The shared parts of a session and of everything opened from it. */
export class SessionCore {
  readonly backend: RioBackend;
  readonly ledger: Ledger;
  readonly requests: Requests;
  readonly waiter: Waiter;
  readonly permissions: Permissions;
  /**
   * Completions that were dequeued ahead of their reader. They belong to the
   * queue alone: the net holds its record, and through it would hold them.
   */
  readonly backlogs: WeakMap<QueueRecord, WeakRef<Completion[]>> =
    new WeakMap();
  /** The session itself: as long as a part of it is held, it is held. */
  owner: object | null = null;

  constructor(backend: RioBackend) {
    this.backend = backend;
    this.ledger = new Ledger(backend);
    this.requests = new Requests(this.ledger);
    this.waiter = this.ledger.waiter;
    this.permissions = new Permissions();
  }

  /** Refuses to go on in a session that was closed. */
  assertOpen(attempt: string): void {
    if (this.ledger.closed) {
      throw new RioClosedError(`Cannot ${attempt}: the session was closed`);
    }
  }

  /** Dequeues what has arrived, and keeps it for whoever dequeues next. */
  pull(): void {
    this.ledger.pull((queue, results, count) =>
      this.stash(queue, results, 0, count)
    );
  }

  /** Keeps results for the next dequeue of their queue. */
  stash(
    queue: QueueRecord,
    results: RioResults,
    from: number,
    count: number,
  ): void {
    const backlog = this.backlogs.get(queue)?.deref();
    for (let i = from; i < count; i++) {
      const completion = this.requests.finish(results, i, new Completion());
      backlog?.push(completion);
    }
  }

  /** Puts an object into the finalisation net. */
  watch(object: object, what: string, release: Net["release"]): void {
    net.register(object, { ledger: this.ledger, what, release }, object);
  }

  /** Takes an object out of the net: it was released. */
  forget(object: object): void {
    net.unregister(object);
  }
}
