/**
 * What the TCP sockets of one session share: two completion queues, the loops
 * that run them, and registered memory.
 *
 * @module
 */
import { RIO_MAX_CQ_SIZE } from "../../constants.ts";
import { RioClosedError } from "../../errors.ts";
import type { RioCompletionQueue } from "../../session/queue.ts";
import type { RioQueueOptions } from "../../session/request_queue.ts";
import type { RioSession } from "../../session/session.ts";
import { Driver } from "../driver.ts";
import { interrupted } from "../errors.ts";
import { type SessionUse, useSession } from "../shared_session.ts";
import { SlicePool } from "./slice_pool.ts";

/** Entries that a queue has from the start, and that it never goes below. */
const LEAST_CAPACITY = 256;

/** How many requests can be outstanding at a time. */
interface Limits {
  /** Receives that can be outstanding. */
  receives: number;
  /** Sends that can be outstanding. */
  sends: number;
}

/** What a connection starts with. */
const CONNECTION_LIMITS: Readonly<Limits> = { receives: 1, sends: 1 };

/** The hubs that are in use, by their sessions. */
const hubs: WeakMap<RioSession, Hub> = new WeakMap();

/**
 * Uses the hub of a session, which ends with its last user.
 *
 * @param session The caller's session; by default the one that all share.
 * @returns The hub; disposing it, once, ends the use.
 * @throws {RioClosedError} If the session was closed.
 */
export function useHub(session?: RioSession): Hub {
  using stack = new DisposableStack();
  const use = stack.use(useSession(session));
  if (use.session.closed) {
    throw new RioClosedError("Cannot open a socket: the session was closed");
  }
  const known = hubs.get(use.session);
  if (known) return known.share();
  const hub = new Hub(use);
  hubs.set(use.session, hub);
  stack.move();
  return hub;
}

/** The shared parts; made for the first TCP socket, closed with the last. */
export class Hub implements Disposable {
  readonly session: RioSession;
  /** Runs the completions of receives. */
  readonly receives: Driver;
  /**
   * Runs the completions of sends; on a queue of their own, because polling a
   * queue may make the system try every receive that is posted on it.
   */
  readonly sends: Driver;
  readonly slices: SlicePool;
  readonly #use: SessionUse;
  #users = 1;
  /** Entries kept free in the queues for connections that are being opened. */
  #reserved: Limits = { receives: 0, sends: 0 };

  /**
   * Makes the parts, with one user.
   *
   * @param use The session, used as long as the hub is.
   */
  constructor(use: SessionUse) {
    this.#use = use;
    const { session } = use;
    this.session = session;
    using stack = new DisposableStack();
    const makeDriver = () =>
      new Driver(
        stack.use(session.createCompletionQueue({ capacity: LEAST_CAPACITY })),
        interrupted,
      );
    this.receives = makeDriver();
    this.sends = makeDriver();
    this.slices = new SlicePool(session);
    stack.move();
  }

  /** The request queue of a new connection, which completes on the hub's. */
  get queueOptions(): RioQueueOptions {
    const completions = {
      receive: this.receives.queue,
      send: this.sends.queue,
    };
    return { ...CONNECTION_LIMITS, completions };
  }

  /**
   * Keeps room in the queues, which grow first where it is missing, until a
   * request queue has taken it, or never will.
   *
   * @param limits How much room; by default what a new connection needs.
   * @returns Gives the room back when it is disposed.
   * @throws {RioError} If the system refuses; then nothing is kept.
   */
  reserve({ receives, sends }: Limits = CONNECTION_LIMITS): Disposable {
    const reserved = this.#reserved;
    grow(this.receives.queue, reserved.receives + receives);
    grow(this.sends.queue, reserved.sends + sends);
    reserved.receives += receives;
    reserved.sends += sends;
    return {
      [Symbol.dispose]() {
        reserved.receives -= receives;
        reserved.sends -= sends;
      },
    };
  }

  /** Gives room back that closed connections no longer need. */
  shrink(): void {
    shrink(this.receives.queue, this.#reserved.receives);
    shrink(this.sends.queue, this.#reserved.sends);
  }

  /** Completes what has arrived. */
  poll(): void {
    // Completing a receive may end the last connection, and the hub with it.
    if (!this.receives.queue.closed) this.receives.poll();
    if (!this.sends.queue.closed) this.sends.poll();
  }

  /** Uses the hub once more, for a connection that is accepted. */
  share(): Hub {
    this.#users++;
    return this;
  }

  /** Ends one use; the last one closes queues and memory. */
  [Symbol.dispose](): void {
    if (--this.#users > 0) return;
    hubs.delete(this.session);
    this.slices.close();
    this.receives.queue.close();
    this.sends.queue.close();
    this.#use[Symbol.dispose]();
  }
}

function grow(queue: RioCompletionQueue, more: number): void {
  const needed = queue.reserved + more;
  if (needed <= queue.capacity) return;
  const doubled = Math.min(2 * queue.capacity, RIO_MAX_CQ_SIZE);
  queue.resize(Math.max(needed, doubled));
}

function shrink(queue: RioCompletionQueue, reserved: number): void {
  if (queue.closed || queue.capacity === LEAST_CAPACITY) return;
  if (4 * (queue.reserved + reserved) > queue.capacity) return;
  queue.resize(Math.max(LEAST_CAPACITY, queue.capacity >> 1));
}
