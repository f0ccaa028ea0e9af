/**
 * The end of a session: what is released, when, and in which order.
 *
 * The package promises that no program can make the kernel write to memory that
 * is not registered any more. These rules keep that promise. Whatever ends a
 * session, `using`, `close()` or the garbage collector, goes through this file.
 *
 * 1. **When memory may be written.** From a post that returned 0 until its
 *    completion is dequeued, native code may read and write every slice of the
 *    request, at any time. `BufferRecord.inFlight` counts these uses.
 *    Guard: the fault "a request's buffer is not counted as in use", and
 *    `auditLedgers()`, which recounts after every change while tests run.
 * 2. **What ends a request.** Only that its completion is dequeued. Closing the
 *    socket does not end its requests, it only makes their completions arrive.
 *    Guard: "a buffer in use survives the collector until its request ends".
 * 3. **A buffer is deregistered once, and never while it is in flight.** If
 *    requests use it, the last of their completions deregisters it.
 *    Guard: the faults "a buffer is deregistered while requests use it" and "a
 *    buffer is not deregistered with its last completion".
 * 4. **Its memory outlives the registration.** The ledger holds the memory
 *    until it is deregistered; views that a program keeps hold it after that.
 *    Guard: the faults "a registration is not remembered" and "the pin of
 *    registered memory is dropped", and `tests/session/kept_views_test.ts`.
 * 5. **The safe order.** Sockets are closed; completions are dequeued until
 *    none is outstanding; buffers are deregistered; each completion queue is
 *    closed, then the port or event that it notifies through; the backend is
 *    closed last. A request queue ends with its socket, a completion queue
 *    stays until its sockets are drained.
 *    Guard: every fault whose name begins with "teardown:", on Linux and, by
 *    the verifier of the Windows suite, on the Windows build.
 * 6. **What is leaked on purpose.** If requests do not end in time, their
 *    buffers stay registered, and their memory, the queues and the reference to
 *    Winsock stay for the life of the process, because native code may write to
 *    that memory at any time. `stats().abandoned` counts these buffers.
 *    Guard: `tests/session/abandoned_test.ts`.
 * 7. **A drained session holds nothing.** When no request is outstanding, no
 *    buffer is in flight and every closed socket has given back what it
 *    reserved. So `release()` can release everything without exceptions.
 *    Guard: every test that ends with the account of its session, and
 *    `auditLedgers()`.
 * 8. **A program that ends has ended its requests.** At `unload` sessions that
 *    are open are released, because the process may go on without the isolate.
 *    Guard: `tests/session/unload_memory_test.ts`.
 *
 * @module
 */
import { block, pause, timeNow } from "../clock.ts";
import { atUnload } from "../unload.ts";
import type { Ledger } from "./ledger.ts";

/** How long leaving a `using` block waits for requests, in milliseconds. */
export const DISPOSE_MS = 250;
/** How long `close()` waits for requests, in milliseconds. */
export const CLOSE_MS = 5000;
/** How long {@linkcode reclaim} waits for requests, in milliseconds. */
const RECLAIM_MS = 100;

/** Looks before time counts: on a busy machine it passes, and nobody has run. */
const LOOKS = 50;

/** Sessions that could not be drained: rule 6. */
const kept: Ledger[] = [];

/**
 * Dequeues until nothing is outstanding, for a bounded time.
 *
 * Each `yield` asks the caller to wait a moment: one caller blocks, the other
 * awaits a timer.
 *
 * @param source Dequeues what has arrived: a ledger, or the core of a session.
 * @param drained What has outstanding requests: a socket, or a whole ledger.
 * @param milliseconds The most that it takes, where it has looked often enough.
 */
function* drain(
  source: { pull(): void },
  drained: { readonly outstanding: number },
  milliseconds: number,
): Generator<void, void, void> {
  const end = timeNow() + milliseconds;
  source.pull();
  for (let looks = 1; drained.outstanding > 0; looks++) {
    if (looks >= LOOKS && timeNow() >= end) return;
    yield;
    source.pull();
  }
}

/** Drains while this thread blocks. */
export function drainNow(...args: Parameters<typeof drain>): void {
  for (const _ of drain(...args)) block(1);
}

/** Drains while the event loop goes on. */
export async function drainSoon(
  ...args: Parameters<typeof drain>
): Promise<void> {
  for (const _ of drain(...args)) {
    await pause(1);
  }
}

/**
 * Releases everything, after the sockets were closed and drained.
 *
 * What is still in flight stays, with everything that it uses: rule 6.
 *
 * @returns Resolves when no native call goes on: a test that ends before that
 * would be told of what it left.
 */
export function release(ledger: Ledger): Promise<void> | void {
  busy.delete(ledger);
  const drained = ledger.outstanding === 0;
  for (const buffer of ledger.buffers) ledger.releaseBuffer(buffer);
  for (const queue of ledger.queues) ledger.releaseQueue(queue);
  if (!drained) {
    ledger.abandoned += ledger.buffers.size;
    kept.push(ledger);
  }
  ledger.sockets.clear();
  return ledger.backend.close(!drained);
}

/** Those with requests that native code carries out whenever it likes. */
const busy: Set<Ledger> = new Set();
let listens = false;

/**
 * Has a session end, at the latest, when the program does, where native code
 * carries its requests out whenever it likes. The process may go on then, and
 * memory that requests use would be freed: `deno test` runs each file in an
 * isolate of its own, and `deno run --watch` starts the program again.
 */
export function endAtUnload(ledger: Ledger): void {
  if (!ledger.backend.capabilities.overlapped) return;
  if (!listens) atUnload(unload, true);
  listens = true;
  busy.add(ledger);
}

function unload(): void {
  for (const ledger of [...busy]) reclaim(ledger);
}

/** Ends a session that the garbage collector found. */
export function reclaim(ledger: Ledger): void {
  ledger.closeSockets();
  drainNow(ledger, ledger, RECLAIM_MS);
  release(ledger);
}
