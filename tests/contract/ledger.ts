/**
 * The account of one statement: what was made and not yet released, and how
 * many completions each queue owes.
 *
 * @module
 */
import { RIO_CORRUPT_CQ, RIO_MSG_COMMIT_ONLY } from "../../ffi/constants.ts";
import type {
  RioBackend,
  RioHandle,
  RioMemory,
  RioNotification,
} from "../../ffi/contract.ts";

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
  /** Notifications. */
  readonly notifications: Set<RioNotification> = new Set();

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
  const noted: Partial<RioBackend> = {
    registerBuffer(memory) {
      const id = rio.registerBuffer(memory);
      if (id > 0) ledger.buffers.set(id, memory);
      return id;
    },
    deregisterBuffer(id) {
      rio.deregisterBuffer(id);
      ledger.buffers.delete(id);
    },
    createCompletionQueue(size, notification) {
      const queue = rio.createCompletionQueue(size, notification);
      if (queue > 0) ledger.queues.set(queue, 0);
      return queue;
    },
    closeCompletionQueue(queue) {
      rio.closeCompletionQueue(queue);
      ledger.queues.delete(queue);
    },
    dequeueCompletion(queue, results, max) {
      const count = rio.dequeueCompletion(queue, results, max);
      if (count !== RIO_CORRUPT_CQ) ledger.owe(queue, -count);
      return count;
    },
    createRequestQueue(socket, receives, r, sends, s, receive, send, context) {
      const requestQueue = rio.createRequestQueue(
        socket,
        receives,
        r,
        sends,
        s,
        receive,
        send,
        context,
      );
      if (requestQueue > 0) {
        ledger.requestQueues.set(requestQueue, { receive, send });
      }
      return requestQueue;
    },
    receive(queue, data, flags, context) {
      const error = rio.receive(queue, data, flags, context);
      return ledger.post("receive", queue, flags, error);
    },
    receiveEx(queue, data, local, remote, control, out, flags, context) {
      const error = rio.receiveEx(
        queue,
        data,
        local,
        remote,
        control,
        out,
        flags,
        context,
      );
      return ledger.post("receive", queue, flags, error);
    },
    send(queue, data, flags, context) {
      const error = rio.send(queue, data, flags, context);
      return ledger.post("send", queue, flags, error);
    },
    sendEx(queue, data, local, remote, control, out, flags, context) {
      const error = rio.sendEx(
        queue,
        data,
        local,
        remote,
        control,
        out,
        flags,
        context,
      );
      return ledger.post("send", queue, flags, error);
    },
    openSocket(family, type, protocol) {
      const socket = rio.openSocket(family, type, protocol);
      if (socket > 0) ledger.sockets.add(socket);
      return socket;
    },
    accept(listener, key) {
      const socket = rio.accept(listener, key);
      if (socket > 0) ledger.sockets.add(socket);
      return socket;
    },
    closeSocket(socket) {
      const error = rio.closeSocket(socket);
      if (error === 0) ledger.sockets.delete(socket);
      return error;
    },
    createNotification(kind, key) {
      const notification = rio.createNotification(kind, key);
      if (typeof notification === "object") {
        ledger.notifications.add(notification);
      }
      return notification;
    },
    closeNotification(notification) {
      rio.closeNotification(notification);
      ledger.notifications.delete(notification);
    },
    close(keepNative) {
      rio.close(keepNative);
      ledger.closed = true;
    },
  };
  return new Proxy(rio, {
    get(target, name) {
      const own: unknown = Reflect.get(noted, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
