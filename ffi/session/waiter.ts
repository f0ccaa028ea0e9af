/**
 * The one wait of a session: one call on one pool thread waits for all of its
 * queues and sockets, however many there are.
 *
 * @module
 */
import type { RioBackend } from "../contract.ts";
import { RioError } from "../errors.ts";

/** How long a glance waits before it looks, in milliseconds. */
const GLANCE_AFTER_MS = 5;

/**
 * Gives promises that resolve when a key fires, and has the backend wait as
 * long as one of them is pending.
 */
export class Waiter {
  readonly #backend: RioBackend;
  readonly #pending: Map<number, PromiseWithResolvers<boolean>> = new Map();
  /** Keys whose wait is paused and that stay armed; whether they have fired. */
  readonly #paused: Map<number, boolean> = new Map();
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
   * Waits until a key fires; at most one wait for a key at a time.
   *
   * @returns Whether it fired; `false` after {@linkcode Waiter.pause} and
   * {@linkcode Waiter.cancel}.
   */
  wait(key: number): Promise<boolean> {
    const fired = this.#paused.get(key);
    this.#paused.delete(key);
    if (fired) return Promise.resolve(true);
    const pending = Promise.withResolvers<boolean>();
    this.#pending.set(key, pending);
    this.#running ??= this.#run();
    return pending.promise;
  }

  /** Waits a moment, without keeping the process alive, for a key to fire. */
  async glance(key: number): Promise<void> {
    await new Promise((resolve) =>
      Deno.unrefTimer(setTimeout(resolve, GLANCE_AFTER_MS))
    );
    // A wait that is ended at once: if the key has fired, the next one knows.
    const wait = this.wait(key);
    this.pause(key);
    await wait;
  }

  /** Whether somebody waits for a key. */
  isWaiting(key: number): boolean {
    return this.#pending.has(key);
  }

  /** Whether a key is still armed from a wait that was paused. */
  isPaused(key: number): boolean {
    return this.#paused.has(key);
  }

  /** Ends the wait for a key; if the key fires later, the next wait is told. */
  pause(key: number): void {
    if (!this.#pending.has(key)) return;
    this.cancel(key);
    this.#paused.set(key, false);
  }

  /** Ends the wait for a key for good, if there is one. */
  cancel(key: number): void {
    this.#paused.delete(key);
    this.#take(key)?.resolve(false);
    // A native wait that nobody needs would keep the process alive.
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
    else if (this.#paused.has(key)) this.#paused.set(key, true);
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
        // Those who were told go on first: often they wait again, and the loop
        // continues.
        await undefined;
      }
    } catch (error) {
      // These keys stay armed, so the next wait for one must not arm it again.
      for (const [key, pending] of this.#pending) {
        this.#paused.set(key, false);
        pending.reject(error);
      }
      this.#pending.clear();
    } finally {
      this.#running = null;
    }
  }
}
