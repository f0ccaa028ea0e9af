/**
 * What somebody writes down who knows the pages on Registered I/O, and nothing
 * of any backend: what there is, what is promised, and what each call answers.
 *
 * @module
 */
import type { RioHandle, RioMemory } from "../../ffi/contract.ts";

/** A registration. */
export interface Registration {
  readonly id: RioHandle;
  readonly memory: RioMemory;
  uses: number;
  ended: boolean;
}

/** A completion queue. */
export interface Queue {
  readonly handle: RioHandle;
  size: number;
  /** Entries that request queues have reserved. */
  reserved: number;
  /** Armed, and nothing has come since that notifies. */
  armed: "no" | "yes" | "perhaps";
  ended: boolean;
}

/** A socket, and its request queue once it has one. */
export interface Socket {
  readonly handle: RioHandle;
  requests: RioHandle;
  queue: Queue | null;
  receives: Limit;
  sends: Limit;
  /** Requests that may not have begun. */
  deferred: boolean;
  ended: boolean;
  /** It has given back its entries. */
  drained: boolean;
}

/** One direction. */
export interface Limit {
  most: number;
  outstanding: number;
}

/** A request, until its completion is dequeued. */
export interface Request {
  readonly socket: Socket;
  readonly registration: Registration;
  readonly limit: Limit;
}

/** How a socket stands, in one word. */
export function stateOfSocket(socket: Socket): string {
  const { receives, sends } = socket;
  const outstanding = receives.outstanding + sends.outstanding;
  if (socket.ended) return outstanding > 0 ? "closed, not drained" : "closed";
  if (socket.requests === 0) return "without queue";
  if (outstanding === 0) return "idle";
  if (socket.deferred) return "deferred";
  const full = receives.outstanding === receives.most ||
    sends.outstanding === sends.most;
  return full ? "full" : "busy";
}

/** How a queue stands, in one word. */
export function stateOfQueue(queue: Queue): string {
  if (queue.ended) return "closed";
  if (queue.armed !== "no") return "armed";
  if (queue.reserved === 0) return "unused";
  return queue.reserved === queue.size ? "full" : "used";
}

/** How a registration stands, in one word. */
export function stateOfRegistration({ ended, uses }: Registration): string {
  return ended ? "ended" : uses > 0 ? "in use" : "idle";
}
