/**
 * The end of a session: what is released, when, and in which order.
 *
 * These rules keep the promise of the package, that no program can make the
 * kernel write to memory that is not registered any more. Everything that ends
 * a session goes through this file: `using`, `close()` and the collector.
 *
 * 1. **When memory may be written.** From a post that returned 0 until its
 *    completion is dequeued, native code may read and write every slice of the
 *    request, at any time. The ledger counts this in `BufferRecord.inFlight`.
 *    Guard: the fault "a request's buffer is not counted as in use", and
 *    `auditLedgers()`, which recounts after every change while tests run.
 * 2. **What ends a request.** Nothing but its completion. A socket that is
 *    closed ends none of them, it only makes their completions come.
 *    Guard: "a buffer in use survives the collector until its request ends".
 * 3. **A buffer is deregistered once, and never while it is in flight.** With
 *    requests in flight that happens with the last completion.
 *    Guard: the faults "a buffer is deregistered while requests use it" and "a
 *    buffer is not deregistered with its last completion".
 * 4. **Its memory outlives the registration.** The ledger holds it until then;
 *    views that a program keeps hold it after that.
 *    Guard: the fault "a registration is not remembered", and
 *    `tests/session/kept_views_test.ts`.
 * 5. **The safe order.** Sockets are closed; completions are dequeued until
 *    none is outstanding; buffers are deregistered; queues are closed, then
 *    what they notify through; the backend is closed last. A request queue dies
 *    with its socket, a completion queue stays until its sockets are drained.
 *    Guard: every fault whose name begins with "teardown:", on Linux and, by
 *    the verifier of the Windows suite, on the Windows build.
 * 6. **What is leaked on purpose.** Requests that do not end in time: their
 *    buffers stay registered and their memory, queues and the reference to
 *    Winsock stay for the life of the process, because native code may write at
 *    any time. They are counted in `stats().abandoned`.
 *    Guard: `tests/session/abandoned_test.ts`.
 * 7. **A drained session holds nothing.** When no request is outstanding, no
 *    buffer is in flight and every closed socket has given back what it
 *    reserved; so the release below needs no force.
 *    Guard: every test that ends with the account of its session, and
 *    `auditLedgers()`.
 *
 * @module
 */
import type { Ledger } from "./ledger.ts";

/** How long leaving a `using` block waits for requests, in milliseconds. */
export const DISPOSE_MS = 250;
/** How long `close()` waits for requests, in milliseconds. */
export const CLOSE_MS = 5000;
/** How long the collector's net waits for requests, in milliseconds. */
const RECLAIM_MS = 100;

/** What could not be drained; native code may use it at any time. */
const kept: Ledger[] = [];

/**
 * Takes what has arrived until a goal is reached, for a bounded time.
 *
 * It yields where somebody has to wait a moment, so that one drain serves those
 * who block and those who await.
 *
 * @param pull Dequeues what has arrived.
 * @param done Whether the goal is reached.
 * @param milliseconds The most that it takes.
 */
function* drain(
  pull: () => void,
  done: () => boolean,
  milliseconds: number,
): Generator<void, void, void> {
  const end = performance.now() + milliseconds;
  pull();
  while (!done() && performance.now() < end) {
    yield;
    pull();
  }
}

/** Drains while this thread blocks. */
export function drainNow(...goal: Parameters<typeof drain>): void {
  for (const _ of drain(...goal)) pause(1);
}

/** Drains while the event loop goes on. */
export async function drainSoon(
  ...goal: Parameters<typeof drain>
): Promise<void> {
  for (const _ of drain(...goal)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * Releases everything, after the sockets were closed and drained.
 *
 * What is still in flight stays, with all that it needs: rule 6.
 */
export function release(ledger: Ledger): void {
  const drained = ledger.outstanding === 0;
  for (const buffer of ledger.buffers) ledger.releaseBuffer(buffer);
  for (const queue of ledger.queues) ledger.releaseQueue(queue);
  if (!drained) {
    ledger.abandoned += ledger.buffers.size;
    kept.push(ledger);
  }
  ledger.sockets.clear();
  ledger.backend.close(!drained);
}

/** The whole end of a session that nobody holds any more. */
export function reclaim(ledger: Ledger): void {
  ledger.closeSockets();
  const drained = () => ledger.outstanding === 0;
  drainNow(() => ledger.pull(), drained, RECLAIM_MS);
  release(ledger);
}

/** A word nobody changes, to wait on. */
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for a moment, so that native threads can get on. */
function pause(milliseconds: number): void {
  Atomics.wait(clock, 0, 0, milliseconds);
}
