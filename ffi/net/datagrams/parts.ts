/**
 * What a datagram socket is made of, and how it ends.
 *
 * @module
 */
import type { RioSocket } from "../../session/socket.ts";
import type { Inbox } from "./inbox.ts";
import type { Outbox } from "./outbox.ts";

/** What parts there are. */
export interface DatagramHalves {
  /** Receives. */
  readonly inbox: Inbox;
  /** Sends. */
  readonly outbox: Outbox;
  /** Datagrams that the system had no room for; `null` where it counts none. */
  dropped(): number | null;
}

/**
 * The parts of a datagram socket. They know nothing of the object that the
 * program holds, so that the collector finds out when it holds it no more.
 */
export class DatagramParts implements Disposable {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly dropped: () => number | null;
  readonly #resources: DisposableStack;

  /**
   * Puts both directions of a socket together.
   *
   * @param resources The socket and what is released with it.
   */
  constructor(halves: DatagramHalves, resources: DisposableStack) {
    this.inbox = halves.inbox;
    this.outbox = halves.outbox;
    this.dropped = halves.dropped;
    this.#resources = resources;
  }

  /** The socket underneath. */
  get socket(): RioSocket {
    return this.inbox.socket;
  }

  /** Ends what waits, and closes the socket. */
  [Symbol.dispose](): void {
    this.inbox.close();
    this.outbox.close();
    this.#resources.dispose();
  }
}
