/**
 * The account of one statement: what was made and not yet released, and how
 * many completions each queue owes.
 *
 * @module
 */
import { RIO_MSG_COMMIT_ONLY } from "../../ffi/constants.ts";
import type { RioBackend, RioHandle, RioMemory } from "../../ffi/contract.ts";

/** Everything that a backend gave out and did not get back. */
export class Ledger {
  /** Registrations, with the memory that has to stay reachable. */
  readonly buffers: Map<RioHandle, RioMemory> = new Map();
  /** Sockets. */
  readonly sockets: Set<RioHandle> = new Set();
  /** Open completion queues, with the completions that each one owes. */
  readonly queues: Map<RioHandle, number> = new Map();
  /** Request queues, with the completion queues of their two directions. */
  readonly requestQueues: Map<
    RioHandle,
    { receive: RioHandle; send: RioHandle }
  > = new Map();
  /** Whether the backend was closed. */
  closed = false;
  /** The keys of notifications. */
  readonly notifications: Set<number> = new Set();

  /** Notes that a queue owes `count` more completions, or less. */
  owe(queue: RioHandle, count: number): void {
    const owed = this.queues.get(queue);
    if (owed !== undefined) this.queues.set(queue, owed + count);
  }

  /** Notes the answer to a post: 0 promises one completion. */
  post(
    direction: "receive" | "send",
    requestQueue: RioHandle,
    flags: number,
    error: number,
  ): number {
    const queues = this.requestQueues.get(requestQueue);
    if (error === 0 && queues && (flags & RIO_MSG_COMMIT_ONLY) === 0) {
      this.owe(queues[direction], 1);
    }
    return error;
  }
}

/** The same backend, with everything it gives out noted in a ledger. */
export function keepLedger(rio: RioBackend, ledger: Ledger): RioBackend {
  const { rings, sockets, waits } = rio;
  return {
    name: rio.name,
    engine: rio.engine,
    calls: rio.calls,
    capabilities: rio.capabilities,
    direct: rio.direct,
    rings: over(rings, {
      registerBuffer(memory) {
        const id = rings.registerBuffer(memory);
        if (id > 0) ledger.buffers.set(id, memory);
        return id;
      },
      deregisterBuffer(id) {
        rings.deregisterBuffer(id);
        ledger.buffers.delete(id);
      },
      createCompletionQueue(size, notification) {
        const queue = rings.createCompletionQueue(size, notification);
        if (queue > 0) ledger.queues.set(queue, 0);
        return queue;
      },
      closeCompletionQueue(queue) {
        rings.closeCompletionQueue(queue);
        ledger.queues.delete(queue);
      },
      dequeueCompletion(queue, results, max) {
        const count = rings.dequeueCompletion(queue, results, max);
        if (count > 0) ledger.owe(queue, -count);
        return count;
      },
      createRequestQueue(...args) {
        const requestQueue = rings.createRequestQueue(...args);
        const [, , , receive, send] = args;
        if (requestQueue > 0) {
          ledger.requestQueues.set(requestQueue, { receive, send });
        }
        return requestQueue;
      },
      receive(queue, data, flags, context) {
        const error = rings.receive(queue, data, flags, context);
        return ledger.post("receive", queue, flags, error);
      },
      receiveEx(...args) {
        const [queue, , , , , , flags] = args;
        return ledger.post("receive", queue, flags, rings.receiveEx(...args));
      },
      send(queue, data, flags, context) {
        const error = rings.send(queue, data, flags, context);
        return ledger.post("send", queue, flags, error);
      },
      sendEx(...args) {
        const [queue, , , , flags] = args;
        return ledger.post("send", queue, flags, rings.sendEx(...args));
      },
    }),
    sockets: over(sockets, {
      open(family, type, protocol) {
        const socket = sockets.open(family, type, protocol);
        if (socket > 0) ledger.sockets.add(socket);
        return socket;
      },
      accept(listener, key) {
        const socket = sockets.accept(listener, key);
        if (socket > 0) ledger.sockets.add(socket);
        return socket;
      },
      close(socket) {
        const error = sockets.close(socket);
        if (error === 0) ledger.sockets.delete(socket);
        return error;
      },
    }),
    waits: over(waits, {
      createNotification(kind, key) {
        const error = waits.createNotification(kind, key);
        if (error === 0) ledger.notifications.add(key);
        return error;
      },
      closeNotification(key) {
        waits.closeNotification(key);
        ledger.notifications.delete(key);
      },
    }),
    close(keepNative) {
      ledger.closed = true;
      return rio.close(keepNative);
    },
  };
}

/** A part of a backend with some of its calls replaced. */
function over<T extends object>(part: T, noted: Partial<T>): T {
  return new Proxy(part, {
    get(target, name) {
      const own: unknown = Reflect.get(noted, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
