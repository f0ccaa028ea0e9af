/**
 * Time: the only place of the package that reads a clock, sets a timer, gives
 * the event loop a turn, or blocks for a while.
 *
 * The platform's own is taken when the package is loaded, as in `globals.ts`.
 * Tests put one in its place that they move.
 *
 * @module
 */
import { NativePromise } from "./globals.ts";

/** What a timer is known by. */
export type Timer = number | ReturnType<typeof globalThis.setTimeout>;

/** Where time comes from. */
export interface Clock {
  /** Milliseconds that only go on, with fractions. */
  now(): number;
  /** Calls back after so many milliseconds. */
  setTimer(milliseconds: number, call: () => void): Timer;
  /** Has a timer not call any more. */
  clearTimer(timer: Timer): void;
  /** Says whether a timer keeps the process alive; it does at first. */
  referenceTimer(timer: Timer, referenced: boolean): void;
  /** Calls back after a turn of the event loop. */
  inNextTurn(call: () => void): void;
  /** Blocks the thread for so many milliseconds. */
  block(milliseconds: number): void;
}

const { setTimeout, clearTimeout, setImmediate } = globalThis;
const { refTimer, unrefTimer } = Deno;

/** Never changes: a wait for its change blocks the thread for a moment. */
const unchanged = new Int32Array(new SharedArrayBuffer(4));

const PLATFORM: Clock = {
  now: performance.now.bind(performance),
  setTimer: (milliseconds, call) => setTimeout(call, milliseconds),
  clearTimer: (timer) => clearTimeout(timer),
  referenceTimer: (timer, referenced) =>
    referenced ? refTimer(timer) : unrefTimer(timer),
  inNextTurn: (call) => void setImmediate(call),
  block: (milliseconds) => void Atomics.wait(unchanged, 0, 0, milliseconds),
};

let clock = PLATFORM;

/** Has all time come from another clock, or from the platform again. */
export function replaceClock(other: Clock = PLATFORM): void {
  clock = other;
}

/** Milliseconds that only go on, with fractions. */
export function timeNow(): number {
  return clock.now();
}

/** Calls back after so many milliseconds; keeps the process alive until then. */
export function setTimer(milliseconds: number, call: () => void): Timer {
  return clock.setTimer(milliseconds, call);
}

/** Has a timer, if there is one, not call any more. */
export function clearTimer(timer: Timer | undefined): void {
  if (timer !== undefined) clock.clearTimer(timer);
}

/** Says whether a timer keeps the process alive. */
export function referenceTimer(timer: Timer, referenced: boolean): void {
  clock.referenceTimer(timer, referenced);
}

/** Calls back after a turn of the event loop. */
export function inNextTurn(call: () => void): void {
  clock.inNextTurn(call);
}

/** Blocks the thread for so many milliseconds. */
export function block(milliseconds: number): void {
  clock.block(milliseconds);
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new NativePromise((resolve) => {
    clock.setTimer(milliseconds, resolve);
  });
}

/**
 * Calls back after so many milliseconds, and does not keep the process alive.
 *
 * @returns Has it not call any more.
 */
export function callLater(milliseconds: number, call: () => void): () => void {
  const timer = clock.setTimer(milliseconds, call);
  clock.referenceTimer(timer, false);
  return () => clock.clearTimer(timer);
}

/** A pause that does not keep the process alive. */
export function unreferencedPause(milliseconds: number): Promise<void> {
  return new NativePromise((resolve) => {
    callLater(milliseconds, resolve);
  });
}
