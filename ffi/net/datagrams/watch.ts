/**
 * Waiting for a datagram socket itself: where the system tells of it, its
 * completion queues do not have to notify.
 *
 * @module
 */
import type { RioDirectSocket } from "../../contract.ts";
import { attachDirect, type Direct } from "../../session/direct.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Waiter, Watching } from "../../session/waiter.ts";
import {
  type Driver,
  type Party,
  QueueDriver,
  runCompletions,
} from "../driver.ts";
import { badResource, toDenoError } from "../errors.ts";

/** What runs the completions of a socket, in both directions. */
export interface Drivers {
  readonly receives: Driver;
  readonly sends: Driver;
  /** How data is moved without requests, where the system can. */
  readonly direct: Direct | null;
}

/**
 * Has the completions of a socket run.
 *
 * @throws {RioError} If the system refuses.
 */
export function openDrivers(socket: RioSocket): Drivers {
  const direct = attachDirect(socket, {
    readable: () => receives.told(),
    writable: () => sends.told(),
    closed() {
      receives.closed();
      sends.closed();
    },
  });
  if (direct === null) {
    return {
      receives: new QueueDriver(socket.completions, badResource),
      sends: new QueueDriver(socket.sendCompletions, badResource),
      direct,
    };
  }
  const receives = new Watch(socket, "completions", direct);
  const sends = new Watch(socket, "sendCompletions", direct);
  return { receives, sends, direct };
}

/** Waits for one direction of a socket, for one party. */
class Watch implements Driver, Watching {
  readonly #socket: RioSocket;
  readonly #which: "completions" | "sendCompletions";
  readonly #io: RioDirectSocket;
  readonly #waiter: Waiter;
  #party: Party | null = null;
  place = -1;

  constructor(
    socket: RioSocket,
    which: "completions" | "sendCompletions",
    { io, waiter }: Direct,
  ) {
    this.#socket = socket;
    this.#which = which;
    this.#io = io;
    this.#waiter = waiter;
  }

  poll(): number {
    return runCompletions(this.#socket[this.#which]);
  }

  glance(): void {
    if (this.#io.mayReceive) this.poll();
  }

  look(): void {
    this.#io.ask();
    // Without a request nothing can complete.
    if (this.#socket.outstanding > 0) this.poll();
  }

  enter(party: Party, referenced: boolean): void {
    this.#party = party;
    // Nobody would tell of a socket that is closed.
    if (this.#socket.closed) party.abandoned(badResource());
    else this.#waiter.enter(this, referenced);
  }

  leave(_party: Party, referenced: boolean): void {
    this.#party = null;
    this.#waiter.leave(this, referenced);
  }

  reference(_party: Party, referenced: boolean): void {
    this.#waiter.reference(this, referenced);
  }

  /** Something has arrived, or there is room. */
  told(): void {
    if (this.#party === null) return;
    try {
      this.#party.told();
    } catch (error) {
      this.failed(error);
    }
  }

  /** The socket was closed, and its owner did not know. */
  closed(): void {
    if (this.#party !== null) this.failed(badResource());
  }

  failed(error: unknown): void {
    this.#party?.abandoned(toDenoError(error));
  }
}
