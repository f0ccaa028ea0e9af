/**
 * Recounts the account of every session after each of its changes.
 *
 * The counts of a ledger say when memory may be released. Here they are counted
 * anew from what is in flight: the tests load this file first, and whatever is
 * wrong fails the test in which it happens.
 *
 * @module
 */
import type {
  BufferRecord,
  Ledger,
  QueueRecord,
  SocketRecord,
} from "../../ffi/session/ledger.ts";

/** With more requests than that, only every so many changes are recounted. */
const SMALL = 64;
const EVERY = 64;

let changes = 0;

/** Fails if an account says something that cannot be. */
export function audit(ledger: Ledger): void {
  changes++;
  if (ledger.requests.length > SMALL && changes % EVERY !== 0) return;
  const wrong = [...faultsOf(ledger)];
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}

/** Everything that is wrong with an account. */
export function* faultsOf(ledger: Ledger): Generator<string> {
  const uses = new Map<BufferRecord, number>();
  const receives = new Map<SocketRecord, number>();
  const sends = new Map<SocketRecord, number>();
  for (const request of ledger.requests) {
    const { socket, isSend, buffer, extended, extraBuffers } = request;
    if (socket === null) {
      if (buffer !== null || extraBuffers.some((used) => used !== null)) {
        yield "a request that has ended keeps a buffer";
      }
      continue;
    }
    add(isSend ? sends : receives, socket);
    for (const used of [buffer, ...(extended ? extraBuffers : [])]) {
      if (used !== null) add(uses, used);
    }
  }
  yield* buffersOf(ledger, uses);
  yield* socketsOf(ledger, receives, sends);
  yield* queuesOf(ledger);
  const inFlight = sum(receives.values()) + sum(sends.values());
  if (ledger.outstanding !== inFlight) {
    yield `${ledger.outstanding} requests outstanding, ${inFlight} in flight`;
  }
}

function* buffersOf(
  ledger: Ledger,
  uses: ReadonlyMap<BufferRecord, number>,
): Generator<string> {
  const { registered, deregistered, buffers } = ledger;
  if (registered - deregistered !== buffers.size) {
    yield `${buffers.size} buffers of ${registered} registered and ${deregistered} deregistered`;
  }
  for (const buffer of new Set([...buffers, ...uses.keys()])) {
    const used = uses.get(buffer) ?? 0;
    if (buffer.inFlight !== used) {
      yield `buffer ${buffer.id} says ${buffer.inFlight} uses, ${used} are in flight`;
    }
    if (used > 0 && !buffers.has(buffer)) {
      yield `buffer ${buffer.id} was deregistered with ${used} uses in flight`;
    }
    if (buffer.closing && used === 0 && buffers.has(buffer)) {
      yield `buffer ${buffer.id} is closing, unused and still registered`;
    }
  }
}

function* socketsOf(
  ledger: Ledger,
  receives: ReadonlyMap<SocketRecord, number>,
  sends: ReadonlyMap<SocketRecord, number>,
): Generator<string> {
  const open = ledger.sockets;
  for (
    const socket of new Set([...open, ...receives.keys(), ...sends.keys()])
  ) {
    const counts = [
      ["receives", socket.receives, receives],
      ["sends", socket.sends, sends],
    ] as const;
    for (const [what, { outstanding, limit }, inFlight] of counts) {
      const number = inFlight.get(socket) ?? 0;
      if (outstanding !== number) {
        yield `socket ${socket.handle} says ${outstanding} ${what}, ${number} are in flight`;
      }
      if (outstanding > limit) {
        yield `socket ${socket.handle} has ${outstanding} ${what}, its limit is ${limit}`;
      }
      if (number > 0 && !open.has(socket)) {
        yield `socket ${socket.handle} was given up with ${number} ${what}`;
      }
    }
  }
}

function* queuesOf(ledger: Ledger): Generator<string> {
  const reserved = new Map<QueueRecord, number>();
  const givenBack = new Map<QueueRecord, number>();
  const users = new Map<QueueRecord, number>();
  for (const socket of ledger.sockets) {
    for (const { queue, limit } of [socket.receives, socket.sends]) {
      if (queue === null) continue;
      add(reserved, queue, limit);
      // A system may have given back what a closed socket does not use.
      if (socket.closed) add(givenBack, queue, limit);
      add(users, queue);
    }
  }
  for (const queue of new Set([...ledger.queues, ...users.keys()])) {
    const { handle, capacity } = queue;
    const needed = reserved.get(queue) ?? 0;
    if (queue.reserved !== needed) {
      yield `queue ${handle} says ${queue.reserved} entries reserved, sockets have ${needed}`;
    }
    if (needed - (givenBack.get(queue) ?? 0) > capacity) {
      yield `queue ${handle} has ${queue.reserved} of ${capacity} entries reserved`;
    }
    const using = users.get(queue) ?? 0;
    if (queue.users !== using) {
      yield `queue ${handle} says ${queue.users} directions of sockets, it has ${using}`;
    }
    if (queue.closed && using > 0) {
      yield `queue ${handle} was closed under ${using} directions of sockets`;
    }
  }
}

function add<K>(counts: Map<K, number>, key: K, more = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
