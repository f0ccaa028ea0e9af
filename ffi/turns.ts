/**
 * Turns of the event loop.
 *
 * @module
 */
import {
  clearTimeout,
  NativePromise,
  queueMicrotask,
  setImmediate,
  setTimeout,
  timeNow,
  unrefTimer,
} from "./globals.ts";

/** How long calls that need no wait may keep the event loop, in milliseconds. */
const DUE_AFTER_MS = 8;

/** Microtasks from the end of a wait to what a program does next. */
const CONTINUATIONS = 8;

/** So many calls are made before anybody asks how long they take. */
const FEW_CALLS = 64;

/**
 * While it has something to do, the event loop looks at descriptors after so many
 * turns at the latest: 61 in Tokio, which Deno runs on.
 */
const TURNS_TO_LOOK = 64;

/** Calls since the event loop is known to have had a turn. */
let calls = 0;
/** When it was asked first in this turn; `null` before that. */
let turnBegan: number | null = null;

/** Resolves after a turn of the event loop: signals, timers, other sockets. */
export function nextTurn(): Promise<void> {
  return new NativePromise((resolve) => setImmediate(resolve));
}

/** Calls back after a turn of the event loop. */
export function inNextTurn(call: () => void): void {
  setImmediate(call);
}

/** Calls back when the event loop has looked at all that it watches. */
export function afterLooking(call: () => void): void {
  let left = TURNS_TO_LOOK;
  const step = () => {
    if (--left === 0) call();
    else setImmediate(step);
  };
  setImmediate(step);
}

/**
 * Calls back when those who were told of something have gone on, without a turn
 * of the event loop: it takes them a few microtasks to send an answer.
 */
export function afterContinuations(call: () => void): void {
  let left = CONTINUATIONS;
  const step = () => {
    if (--left === 0) call();
    else queueMicrotask(step);
  };
  queueMicrotask(step);
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new NativePromise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Calls back after so many milliseconds, and does not keep the process alive.
 *
 * @returns Has it not call any more.
 */
export function callLater(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  unrefTimer(timer);
  return () => clearTimeout(timer);
}

/** A pause that does not keep the process alive. */
export function unreferencedPause(milliseconds: number): Promise<void> {
  return new NativePromise((resolve) =>
    unrefTimer(setTimeout(resolve, milliseconds))
  );
}

/**
 * Whether the event loop should have its turn now: a caller that always finds
 * something would keep timers and signals from running.
 */
function turnIsDue(): boolean {
  // So few calls take no time: nobody has to look at a clock for them.
  if (++calls < FEW_CALLS) return false;
  const now = timeNow();
  if (turnBegan === null) {
    turnBegan = now;
    setImmediate(beginTurn);
  }
  return now - turnBegan >= DUE_AFTER_MS;
}

/**
 * A value, or a promise of it where the event loop should have its turn first.
 * What gave the value is done already, so that waiting for the turn does not
 * change the order of calls.
 */
export function inTurn<T>(value: T): T | Promise<T> {
  return turnIsDue() ? nextTurn().then(() => value) : value;
}

function beginTurn(): void {
  turnBegan = null;
  calls = 0;
}
