/**
 * The one wait of a session: everything that waits goes through one call on
 * one pool thread, whatever the number of queues and sockets.
 *
 * @module
 */
import type { RioBackend } from "../contract.ts";
import { RioError } from "../errors.ts";

interface Pending {
  resolve(fired: boolean): void;
  reject(error: unknown): void;
}

/** Hands out promises for keys and runs the backend's wait while any is open. */
export class Waiter {
  readonly #backend: RioBackend;
  readonly #pending: Map<number, Pending> = new Map();
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
   * @returns Whether it fired; `false` after {@linkcode Waiter.cancel}.
   */
  wait(key: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#pending.set(key, { resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Ends the wait for a key, if there is one. */
  cancel(key: number): void {
    this.#take(key)?.resolve(false);
    // A pending native wait would keep the process alive for nothing.
    if (this.#running && this.#pending.size === 0) this.#backend.wake();
  }

  /** Ends every wait. */
  cancelAll(): void {
    for (const key of [...this.#pending.keys()]) this.cancel(key);
  }

  /** Resolves when no native wait goes on. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #take(key: number): Pending | undefined {
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    return pending;
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.size > 0) {
        const count = await this.#backend.wait();
        if (count < 0) {
          throw new RioError({
            errno: -count,
            syscall: "wait",
            attempt: "wait for completions",
          });
        }
        const fired = this.#backend.fired;
        for (let i = 0; i < count; i++) this.#take(fired[i]!)?.resolve(true);
        // The promises' continuations run first: often they wait again, and
        // this loop then goes on without a new start.
        await undefined;
      }
    } catch (error) {
      for (const pending of this.#pending.values()) pending.reject(error);
      this.#pending.clear();
    } finally {
      this.#running = null;
    }
  }
}
