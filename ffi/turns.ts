/**
 * Turns of the event loop.
 *
 * @module
 */

// Taken when the package is loaded: a test may replace them with a clock that
// somebody has to move.
const { queueMicrotask, setImmediate, setTimeout } = globalThis;

/** How long calls that need no wait may keep the event loop, in milliseconds. */
const DUE_AFTER_MS = 8;

/** Microtasks from the end of a wait to what a program does next. */
const CONTINUATIONS = 8;

/** When a call was made first in this turn; `null` before that. */
let turnBegan: number | null = null;

/** Resolves after a turn of the event loop: signals, timers, other sockets. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls back after a turn of the event loop. */
export function inNextTurn(call: () => void): void {
  setImmediate(call);
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
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A pause that does not keep the process alive. */
export function unreferencedPause(milliseconds: number): Promise<void> {
  return new Promise((resolve) =>
    Deno.unrefTimer(setTimeout(resolve, milliseconds))
  );
}

/**
 * Whether the event loop should have its turn now: a caller that always finds
 * something would keep timers and signals from running.
 */
export function turnIsDue(): boolean {
  const now = performance.now();
  if (turnBegan === null) {
    turnBegan = now;
    setImmediate(() => turnBegan = null);
    return false;
  }
  return now - turnBegan >= DUE_AFTER_MS;
}
