/**
 * What sending and receiving have in common, of datagrams and of streams: calls
 * that wait for completions.
 *
 * @module
 */
import type { RioSocket } from "../session/socket.ts";
import type { Driver, Party } from "./driver.ts";
import { interrupted } from "./errors.ts";
import { Hold } from "./hold.ts";

/** One direction of a socket. */
export abstract class Half<Call extends { reject(reason: unknown): void }>
  implements Party {
  /** The socket; its owner closes it. */
  readonly socket: RioSocket;
  /** The calls that wait, in their order. */
  readonly calls: Call[] = [];
  /** Keeps the object that the program calls, while something waits. */
  readonly hold: Hold = new Hold();
  readonly #driver: Driver;
  readonly #settled: () => void;
  #closed = false;
  #waiting = false;
  #referenced = true;

  /**
   * Waits for nothing yet.
   *
   * @param socket The socket.
   * @param driver Runs the completions of this direction.
   * @param settled Called when it was closed and is not busy any more.
   */
  constructor(
    socket: RioSocket,
    driver: Driver,
    settled: () => void = () => {},
  ) {
    this.socket = socket;
    this.#driver = driver;
    this.#settled = settled;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Whether the kernel still uses memory of this direction: then completions
   * are run even when it was closed.
   */
  get busy(): boolean {
    return false;
  }

  get lingers(): boolean {
    return this.#closed && this.busy;
  }

  /** Completes what has arrived. */
  poll(): void {
    this.#driver.poll();
  }

  /** The same, unless a wait would find it as soon, and at a smaller price. */
  glance(): void {
    this.#driver.glance();
  }

  /** The same, also where the system has told of nothing. */
  look(): void {
    this.#driver.look();
  }

  /** Changes whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (this.#waiting) this.#driver.reference(this, referenced);
  }

  /** Has the completions run until {@linkcode Half.rest}. */
  wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.hold.begin();
    this.#driver.enter(this, this.#referenced);
  }

  /** Waits for nothing any more. */
  rest(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.hold.end();
    this.#driver.leave(this, this.#referenced);
  }

  /** Ends the calls that wait, each with the reason. */
  rejectAll(reason: unknown): void {
    for (const call of this.calls.splice(0)) call.reject(reason);
  }

  /** Ends every wait; the owner of the socket closes that next. */
  close(): void {
    this.#closed = true;
    if (this.#waiting) this.rejectAll(interrupted());
    // Also where a wait has failed before: the memory is given back by the last
    // completion.
    if (this.busy) this.wait();
    else this.rest();
  }

  /** Tells that a request has ended: the last one may settle it. */
  settle(): void {
    if (this.#closed && !this.busy) this.#settled();
  }

  told(): void {
    this.poll();
  }

  abandoned(reason: unknown): void {
    this.rejectAll(reason);
    this.rest();
  }
}
