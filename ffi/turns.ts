/**
 * Turns of the event loop.
 *
 * @module
 */
import { inNextTurn, timeNow } from "./clock.ts";
import { NativePromise } from "./globals.ts";

/** How long calls that need no wait may keep the event loop, in milliseconds. */
const DUE_AFTER_MS = 8;

/** Microtasks from the end of a wait to what a program does next. */
const CONTINUATIONS = 8;
const SETTLED = NativePromise.resolve();

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
/** The turn that somebody waits for. */
let awaited: Promise<void> | null = null;

/** Resolves after a turn of the event loop: signals, timers, other sockets. */
export function nextTurn(): Promise<void> {
  return new NativePromise((resolve) => inNextTurn(resolve));
}

/** Calls back when the event loop has looked at all that it watches. */
export function afterLooking(call: () => void): void {
  let left = TURNS_TO_LOOK;
  const step = () => {
    if (--left === 0) call();
    else inNextTurn(step);
  };
  inNextTurn(step);
}

/**
 * Calls back when those who were told of something have gone on, without a turn
 * of the event loop: it takes them a few microtasks to send an answer.
 */
export async function afterContinuations(call: () => void): Promise<void> {
  for (let i = 0; i < CONTINUATIONS; i++) await SETTLED;
  call();
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
    inNextTurn(beginTurn);
  }
  return now - turnBegan >= DUE_AFTER_MS;
}

/**
 * A value, or a promise of it where the event loop should have its turn first.
 * What gave the value is done already, and what comes while others wait for the
 * turn is told after them: the order of calls stays.
 */
export function inTurn<T>(value: T): T | Promise<T> {
  if (awaited === null) {
    if (!turnIsDue()) return value;
    awaited = nextTurn();
    // Those who waited are told a few microtasks after it.
    awaited.then(() => inNextTurn(endTurn));
  }
  return awaited.then(() => value);
}

function endTurn(): void {
  awaited = null;
}

function beginTurn(): void {
  turnBegan = null;
  calls = 0;
}
