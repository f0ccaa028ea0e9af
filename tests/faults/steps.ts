/**
 * What scenarios are made of.
 *
 * @module
 */
import {
  RioClosedError,
  type RioCompletion,
  type RioCompletionQueue,
  type RioListener,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { clearTimer, setTimer, timeNow } from "../../ffi/clock.ts";
import { nextTurn } from "../../ffi/turns.ts";
import { PATIENCE_MS } from "../patience.ts";

/** Something did not come that had to. */
export class HangError extends Error {}

/** Waits for a promise, for a bounded time. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  patience: number = PATIENCE_MS,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimer(
    patience,
    () => reject(new HangError(`Waited in vain for ${what}`)),
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimer(timer);
  }
}

/** Dequeues and waits until so many requests have completed well. */
export async function arrive(
  queue: RioCompletionQueue,
  count: number,
): Promise<RioCompletion[]> {
  const all: RioCompletion[] = [];
  let end = timeNow() + PATIENCE_MS;
  while (all.length < count) {
    // A notification of nothing, again and again, leaves no time for timers.
    if (timeNow() > end) throw new HangError("Told in vain");
    const some = queue.dequeue();
    if (some.length === 0) await within(queue.notify(), "a notification");
    for (const { error } of some) if (error) throw error;
    if (some.length > 0) end = timeNow() + PATIENCE_MS;
    all.push(...some);
  }
  return all;
}

/** Dequeues until so many requests have completed well, without a wait. */
export async function poll(
  queue: RioCompletionQueue,
  count: number,
): Promise<void> {
  for (const { error } of await finish(queue, count)) if (error) throw error;
}

/** Dequeues until so many requests have completed somehow. */
export async function finish(
  queue: RioCompletionQueue,
  count: number,
): Promise<RioCompletion[]> {
  const all: RioCompletion[] = [];
  const end = timeNow() + PATIENCE_MS;
  while (all.length < count) {
    if (timeNow() > end) throw new HangError("Polled in vain");
    all.push(...queue.dequeue());
    if (all.length < count) await nextTurn();
  }
  return all;
}

export async function connectedPair(
  session: RioSession,
): Promise<[client: RioSocket, server: RioSocket]> {
  using listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 4,
  });
  const accepted = expect(listener.accept({ receives: 4, sends: 4 }));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => giveUp(accepted, listener));
  const client = stack.use(session.openSocket({
    transport: "tcp",
    receives: 4,
    sends: 4,
    notification: "event",
  }));
  await within(client.connect(listener.address), "a connection");
  const server = await within(accepted, "an accepted connection");
  stack.move();
  return [client, server];
}

/** A promise that is awaited later, if nothing else has failed until then. */
export function expect<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Closes a listener, and what it accepted for nobody. */
export async function giveUp(
  accepted: Promise<Disposable>,
  listener: Disposable,
): Promise<void> {
  try {
    listener[Symbol.dispose]();
  } finally {
    // Why there is none was told by whoever waited for it.
    const connection = await accepted.catch(() => undefined);
    connection?.[Symbol.dispose]();
  }
}

export function listenOnce(session: RioSession): RioListener {
  return session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 1,
  });
}

/** Closes a session when waits have begun, which ends them. */
export async function closeDuring(
  session: RioSession,
  waits: readonly Promise<unknown>[],
): Promise<void> {
  const ended = Promise.allSettled(waits);
  await nextTurn();
  await within(session.close(), "close()");
  for (const wait of await within(ended, "the end of waits")) {
    if (wait.status === "fulfilled") continue;
    if (!(wait.reason instanceof RioClosedError)) throw wait.reason;
  }
}

export function addressed<S extends Parameters<RioSocket["writeAddress"]>[0]>(
  slice: S,
  socket: RioSocket,
): S {
  socket.writeAddress(slice, socket.address);
  return slice;
}
