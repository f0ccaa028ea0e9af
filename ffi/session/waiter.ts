/**
 * The one wait of a thread: it waits for all queues and sockets of all
 * sessions, however many there are.
 *
 * @module
 */
import { unreferencedPause } from "../clock.ts";
import { NativePromise, queueMicrotask } from "../globals.ts";
import type { RioWaits } from "../contract.ts";
import { RioError } from "../errors.ts";
import { afterLooking, nextTurn } from "../turns.ts";

/** How often to look where a wait cannot be left alone, in milliseconds. */
const GLANCE_EVERY_MS = 5;

/** Somebody who waits for a key. */
export interface Wait {
  /** Told once: whether the key fired, or the wait was cancelled. */
  ended(fired: boolean): void;
  /** Told instead that the system cannot wait. */
  failed(error: unknown): void;
}

/** Somebody who waits for a socket, and is told by it. */
export interface Watching extends Pick<Wait, "failed"> {
  /** Its place among those who wait, which the waiter alone writes; -1 for none. */
  place: number;
}

/** A wait for a key. */
interface Pending {
  readonly wait: Wait;
  /** Whether it keeps the process alive. */
  referenced: boolean;
}

/** The waiters of this thread, one for all backends that share their waits. */
const waiters: WeakMap<RioWaits, Waiter> = new WeakMap();

/** The waiter of a backend. */
export function waiterOf(waits: RioWaits): Waiter {
  const known = waiters.get(waits);
  if (known) return known;
  const made = new Waiter(waits);
  waiters.set(waits, made);
  return made;
}

/**
 * Tells those who wait for keys, and has the system wait as long as there are
 * any.
 */
export class Waiter {
  readonly #waits: RioWaits;
  readonly #pending: Map<number, Pending> = new Map();
  /** Keys that stayed armed when their wait ended; whether they have fired. */
  readonly #armed: Map<number, boolean> = new Map();
  /** Those who wait without a key, in no order. */
  readonly #watching: Watching[] = [];
  /** How many of those who wait keep the process alive. */
  #referenced = 0;
  #running = false;
  /** Who is told when no native wait goes on that nobody needs. */
  readonly #idle: (() => void)[] = [];
  #lastKey = 0;

  constructor(waits: RioWaits) {
    this.#waits = waits;
  }

  /** A key that nothing else in this thread uses. */
  createKey(): number {
    return ++this.#lastKey;
  }

  /**
   * Waits until a key fires; at most one wait for a key at a time.
   *
   * @param referenced Whether the wait keeps the process alive.
   */
  wait(key: number, referenced: boolean, wait: Wait): void {
    const fired = this.#armed.get(key);
    this.#armed.delete(key);
    if (fired) return queueMicrotask(() => wait.ended(true));
    this.#pending.set(key, { wait, referenced });
    if (referenced) this.#reference(1);
    this.#begin();
  }

  /** As {@linkcode Waiter.wait}; resolves with whether the key fired. */
  fires(key: number, referenced: boolean = true): Promise<boolean> {
    return new NativePromise((ended, failed) => {
      this.wait(key, referenced, { ended, failed });
    });
  }

  /**
   * Has the system wait until {@linkcode Waiter.leave}.
   *
   * @param referenced Whether that keeps the process alive.
   */
  enter(watching: Watching, referenced: boolean): void {
    watching.place = this.#watching.push(watching) - 1;
    if (referenced && this.#referenced++ === 0) this.#retell();
    this.#begin();
  }

  /** Ends what {@linkcode Waiter.enter} began, and was not told that it failed. */
  leave(watching: Watching, referenced: boolean): void {
    const { place } = watching;
    if (place < 0) return;
    watching.place = -1;
    const last = this.#watching.pop()!;
    if (last !== watching) {
      this.#watching[place] = last;
      last.place = place;
    }
    if (referenced && --this.#referenced === 0) this.#retell();
  }

  /** Changes whether somebody who entered is referenced. */
  reference(watching: Watching, referenced: boolean): void {
    if (watching.place >= 0) this.#reference(referenced ? 1 : -1);
  }

  /** Whether somebody waits for a key. */
  isWaiting(key: number): boolean {
    return this.#pending.has(key);
  }

  /** Whether a key is still armed from a wait that ended before it fired. */
  isArmed(key: number): boolean {
    return this.#armed.has(key);
  }

  /** Changes whether the wait for a key, if there is one, is referenced. */
  setReferenced(key: number, referenced: boolean): void {
    const pending = this.#pending.get(key);
    if (pending === undefined || pending.referenced === referenced) return;
    pending.referenced = referenced;
    this.#reference(referenced ? 1 : -1);
  }

  /** Ends the wait for a key; if the key fires later, the next wait is told. */
  pause(key: number): void {
    if (!this.#pending.has(key)) return;
    this.cancel(key);
    this.#armed.set(key, false);
  }

  /** Ends the wait for a key, if there is one. */
  cancel(key: number): void {
    this.#armed.delete(key);
    const pending = this.#take(key);
    if (pending === undefined) return;
    pending.wait.ended(false);
    // A native wait that nobody needs would keep the process alive.
    if (this.#running && !this.#isWanted()) this.#waits.wake();
  }

  /** Ends a native wait that nobody needs; resolves when none goes on. */
  idle(): Promise<void> {
    if (!this.#running || this.#isWanted()) return NativePromise.resolve();
    this.#waits.wake();
    return new NativePromise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Resolves when all others in this thread who wait for descriptors were told of
   * what had happened until now.
   */
  async turn(): Promise<void> {
    await new NativePromise<void>((resolve) => {
      if (this.#waits.turn === undefined) afterLooking(resolve);
      else this.#waits.turn(resolve);
    });
    // What they were told is done in the next turn, or in the one after that.
    await nextTurn();
    await nextTurn();
  }

  readonly #isWanted = (): boolean =>
    this.#pending.size > 0 || this.#watching.length > 0;

  #reference(change: 1 | -1): void {
    const before = this.#referenced;
    this.#referenced += change;
    if (before > 0 !== this.#referenced > 0) this.#retell();
  }

  /** A wait that goes on has to know. */
  #retell(): void {
    if (this.#running && !this.#tell()) this.#waits.wake();
  }

  /**
   * Says whether waiting keeps the process alive.
   *
   * @returns `false` where it does anyway.
   */
  #tell(): boolean {
    return this.#waits.setReferenced(this.#referenced > 0);
  }

  #take(key: number): Pending | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return undefined;
    this.#pending.delete(key);
    if (pending.referenced) this.#reference(-1);
    return pending;
  }

  #begin(): void {
    // A native wait that goes on is needed now.
    if (this.#idle.length > 0) this.#tellIdle();
    if (this.#running) return;
    this.#running = true;
    this.#goOn();
  }

  /** Waits natively, as long as somebody waits. */
  #goOn(): void {
    if (this.#isWanted()) {
      if (this.#tell()) this.#wait();
      else this.#glance();
      return;
    }
    this.#running = false;
    this.#tellIdle();
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #wait(): void {
    this.#waits.wait(this.#isWanted).then(this.#ended, this.#failed);
  }

  /** Pauses, and has the next wait end as soon as it knows what has fired. */
  async #glance(): Promise<void> {
    await unreferencedPause(GLANCE_EVERY_MS);
    this.#wait();
    // Not before: a wait that was woken in advance does not look.
    this.#waits.wake();
  }

  readonly #ended = (count: number): void => {
    if (count < 0) {
      const attempt = "wait for completions";
      this.#failed(new RioError({ errno: -count, syscall: "wait", attempt }));
      return;
    }
    const { fired } = this.#waits;
    for (let i = 0; i < count; i++) {
      const key = fired[i]!;
      const pending = this.#take(key);
      if (pending) pending.wait.ended(true);
      else if (this.#armed.has(key)) this.#armed.set(key, true);
    }
    this.#goOn();
  };

  /** The keys stay armed, so the next wait for one must not arm it again. */
  readonly #failed = (error: unknown): void => {
    const pending = [...this.#pending];
    const watching = this.#watching.splice(0);
    this.#pending.clear();
    for (const who of watching) who.place = -1;
    this.#referenced = 0;
    for (const [key] of pending) this.#armed.set(key, false);
    for (const [, { wait }] of pending) wait.failed(error);
    for (const who of watching) who.failed(error);
    this.#goOn();
  };
}
