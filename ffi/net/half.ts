/**
 * What the two directions of a connection have in common: waiting.
 *
 * @module
 */
import { nextTurn } from "../session/arrival.ts";
import type { RioSocket } from "../session/socket.ts";
import type { Driver } from "./driver.ts";
import type { Hub, SessionObserver } from "./streams/hub.ts";

/** One direction of a connection. */
export abstract class TcpHalf implements SessionObserver {
  readonly #hub: Hub;
  readonly #socket: RioSocket;
  readonly #driver: Driver;
  #waiting = false;
  #referenced = true;

  /**
   * Waits for nothing yet.
   *
   * @param hub What the session's connections share.
   * @param socket The connected socket.
   * @param driver Runs the completions of this direction.
   */
  constructor(hub: Hub, socket: RioSocket, driver: Driver) {
    this.#hub = hub;
    this.#socket = socket;
    this.#driver = driver;
  }

  /** What the session's connections share. */
  get hub(): Hub {
    return this.#hub;
  }

  /** The connected socket. */
  get socket(): RioSocket {
    return this.#socket;
  }

  /**
   * What a call resolves with: the value, after the event loop's turn where it
   * is due. What was asked for is done by then: calls keep their order.
   */
  inTurn<T>(value: T): T | Promise<T> {
    return this.#driver.turnIsDue() ? nextTurn().then(() => value) : value;
  }

  /** Changes whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (this.#waiting) this.#driver.reference(referenced);
  }

  /** Completes what has arrived. */
  poll(): void {
    this.#driver.poll();
  }

  /** Has the completions run until {@linkcode TcpHalf.rest}. */
  wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#hub.waiting.add(this);
    this.#driver.enter(this.#referenced);
  }

  /** Waits for nothing any more. */
  rest(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#hub.waiting.delete(this);
    this.#driver.leave(this.#referenced);
  }

  /** Whether requests are outstanding. */
  abstract get busy(): boolean;
  abstract abandoned(reason: unknown): void;
}
