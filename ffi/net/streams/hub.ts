/**
 * What the TCP sockets of one session share: two completion queues, the loops
 * that run them, and registered memory.
 *
 * @module
 */
import { RIO_MAX_CQ_SIZE } from "../../constants.ts";
import { RioClosedError } from "../../errors.ts";
import type { RioCompletionQueue } from "../../session/queue.ts";
import type { RioSession } from "../../session/session.ts";
import { Driver } from "../driver.ts";
import { interrupted } from "../errors.ts";
import { useSession } from "../shared_session.ts";
import { SlicePool } from "./slice_pool.ts";

/** Entries that a queue has from the start, and that it never goes below. */
const LEAST_CAPACITY = 256;

/** Told when nobody can wait any more, as when the session was closed. */
export interface SessionObserver {
  /** Ends whatever waits, for a reason. */
  abandoned(reason: unknown): void;
}

/** The requests of one connection: what it reserves in the queues. */
export interface Limits {
  /** Receives that can be outstanding. */
  receives: number;
  /** Sends that can be outstanding. */
  sends: number;
}

/** The shared parts; made by the first TCP socket and closed with the last. */
export class Hub {
  readonly session: RioSession;
  /** Runs what was received. */
  readonly receives: Driver;
  /** Runs what was sent; apart, so that looking for it tries no receive. */
  readonly sends: Driver;
  readonly slices: SlicePool;
  /** Whoever waits for a completion. */
  readonly waiting: Set<SessionObserver> = new Set();
  /** Reserved for connections that are about to be accepted. */
  #promised: Limits = { receives: 0, sends: 0 };

  constructor(session: RioSession) {
    this.session = session;
    const make = () =>
      new Driver(
        session.createCompletionQueue({ capacity: LEAST_CAPACITY }),
        (failure) => {
          const reason = session.closed ? interrupted() : failure;
          for (const observer of this.waiting) observer.abandoned(reason);
        },
      );
    this.receives = make();
    try {
      this.sends = make();
    } catch (error) {
      this.receives.queue.close();
      throw error;
    }
    this.slices = new SlicePool(session);
  }

  /** The queues, as a request queue wants them. */
  get completions(): {
    receive: RioCompletionQueue;
    send: RioCompletionQueue;
  } {
    return { receive: this.receives.queue, send: this.sends.queue };
  }

  /**
   * Promises room in the queues, which grow first where it is missing.
   *
   * @throws {RioError} If the system refuses; then nothing is promised.
   */
  promise({ receives, sends }: Limits): void {
    grow(this.receives.queue, this.#promised.receives + receives);
    grow(this.sends.queue, this.#promised.sends + sends);
    this.#promised.receives += receives;
    this.#promised.sends += sends;
  }

  /** Ends a promise: a request queue has reserved the room, or never will. */
  redeem({ receives, sends }: Limits): void {
    this.#promised.receives -= receives;
    this.#promised.sends -= sends;
  }

  /** Gives room back that closed connections no longer reserve. */
  shrink(): void {
    shrink(this.receives.queue, this.#promised.receives);
    shrink(this.sends.queue, this.#promised.sends);
  }

  /** Completes what has arrived. */
  poll(): void {
    // What completes first may be the end of the last connection, and of the hub.
    if (!this.receives.queue.closed) this.receives.poll();
    if (!this.sends.queue.closed) this.sends.poll();
  }

  /** Closes queues and memory, when no connection has a request outstanding. */
  close(): void {
    this.slices.close();
    this.receives.queue.close();
    this.sends.queue.close();
  }
}

function grow(queue: RioCompletionQueue, more: number): void {
  const needed = queue.reserved + more;
  if (needed <= queue.capacity) return;
  const doubled = Math.min(2 * queue.capacity, RIO_MAX_CQ_SIZE);
  queue.resize(Math.max(needed, doubled));
}

function shrink(queue: RioCompletionQueue, promised: number): void {
  if (queue.closed || queue.capacity === LEAST_CAPACITY) return;
  if (4 * (queue.reserved + promised) > queue.capacity) return;
  queue.resize(Math.max(LEAST_CAPACITY, queue.capacity >> 1));
}

/** One use of a hub. */
export interface HubUse {
  /** The hub. */
  readonly hub: Hub;
  /** Another use, for a connection that was accepted. */
  share(): HubUse;
  /** Ends the use; the last one closes the hub. */
  release(): void;
}

const hubs: WeakMap<RioSession, { hub: Hub; users: number }> = new WeakMap();

/**
 * Uses the hub of a session.
 *
 * @param session The caller's session; by default the one that all share.
 */
export function useHub(session?: RioSession): HubUse {
  const use = useSession(session);
  try {
    if (use.session.closed) {
      throw new RioClosedError("Cannot open a socket: the session was closed");
    }
    let shared = hubs.get(use.session);
    if (shared === undefined) {
      shared = { hub: new Hub(use.session), users: 0 };
      hubs.set(use.session, shared);
    }
    const own = shared;
    own.users++;
    let used = true;
    return {
      hub: own.hub,
      share: () => useHub(session),
      release() {
        if (!used) return;
        used = false;
        if (--own.users === 0) {
          hubs.delete(use.session);
          own.hub.close();
        }
        use.release();
      },
    };
  } catch (error) {
    use.release();
    throw error;
  }
}
