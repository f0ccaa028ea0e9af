/**
 * The one wait of a session: everything that waits goes through one call on
 * one pool thread, whatever the number of queues and sockets.
 *
 * @module
 */
import type { RioBackend } from "../contract.ts";
import { RioError } from "../errors.ts";

/** How long a glance waits before it looks, in milliseconds. */
const GLANCE_AFTER_MS = 5;

/** Hands out promises for keys and runs the backend's wait while any is open. */
export class Waiter {
  readonly #backend: RioBackend;
  readonly #pending: Map<number, PromiseWithResolvers<boolean>> = new Map();
  /** Keys still armed natively whose wait was paused: not fired, fired. */
  readonly #paused: Set<number> = new Set();
  readonly #missed: Set<number> = new Set();
  #running: Promise<void> | null = null;
  #lastKey = 0;

  constructor(backend: RioBackend) {
    this.#backend = backend;
  }

  /** A key that nothing else in this session uses. */
  createKey(): number {
    return ++this.#lastKey;
  }

  /**
   * Waits until a key fires. One promise a key at a time.
   *
   * @returns Whether it fired; `false` after {@linkcode Waiter.pause} and
   * {@linkcode Waiter.cancel}.
   */
  wait(key: number): Promise<boolean> {
    this.#paused.delete(key);
    if (this.#missed.delete(key)) return Promise.resolve(true);
    const pending = Promise.withResolvers<boolean>();
    this.#pending.set(key, pending);
    this.#running ??= this.#run();
    return pending.promise;
  }

  /**
   * Waits a moment, and looks whether a key has fired; does not keep the process
   * alive meanwhile.
   */
  async glance(key: number): Promise<void> {
    await new Promise((resolve) =>
      Deno.unrefTimer(setTimeout(resolve, GLANCE_AFTER_MS))
    );
    // A native wait that returns at once: what it collects is there next time.
    const look = this.wait(key);
    this.pause(key);
    await look;
  }

  /** Whether somebody waits for a key. */
  isWaiting(key: number): boolean {
    return this.#pending.has(key);
  }

  /** Whether a key is armed natively from a wait that was paused. */
  isPaused(key: number): boolean {
    return this.#paused.has(key) || this.#missed.has(key);
  }

  /** Ends the wait for a key, and remembers for the next one if it fires. */
  pause(key: number): void {
    if (!this.#pending.has(key)) return;
    this.cancel(key);
    this.#paused.add(key);
  }

  /** Ends the wait for a key for good, if there is one. */
  cancel(key: number): void {
    this.#paused.delete(key);
    this.#missed.delete(key);
    this.#take(key)?.resolve(false);
    // A pending native wait would keep the process alive for nothing.
    if (this.#running && this.#pending.size === 0) this.#backend.waits.wake();
  }

  /** Ends every wait. */
  cancelAll(): void {
    for (const key of [...this.#pending.keys()]) this.cancel(key);
  }

  /** Resolves when no native wait goes on. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #fire(key: number): void {
    const pending = this.#take(key);
    if (pending) pending.resolve(true);
    else if (this.#paused.delete(key)) this.#missed.add(key);
  }

  #take(key: number): PromiseWithResolvers<boolean> | undefined {
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    return pending;
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.size > 0) {
        const count = await this.#backend.waits.wait();
        if (count < 0) {
          throw new RioError({
            errno: -count,
            syscall: "wait",
            attempt: "wait for completions",
          });
        }
        const fired = this.#backend.waits.fired;
        for (let i = 0; i < count; i++) this.#fire(fired[i]!);
        // The promises' continuations run first: often they wait again, and
        // this loop then goes on without a new start.
        await undefined;
      }
    } catch (error) {
      // They stay armed natively: the next wait for one of them takes over.
      for (const [key, pending] of this.#pending) {
        this.#paused.add(key);
        pending.reject(error);
      }
      this.#pending.clear();
    } finally {
      this.#running = null;
    }
  }
}
