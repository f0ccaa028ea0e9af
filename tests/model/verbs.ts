/** What the model can do to a session, and in which states. @module */
import type { Buffer, Queue, Socket } from "./parts.ts";

/** Of things of a kind that are open. */
const HOW_MANY = ["none", "some"] as const;
const BUFFER = ["idle", "in use"] as const;
const QUEUE = ["unused", "used", "full", "waited for"] as const;
/** Of a socket whose queue is open. */
const SOCKET = [
  ...["idle datagrams", "busy datagrams", "full datagrams"],
  ...["idle connection", "busy connection", "full connection"],
] as const;
/** Of any socket that is open. */
const ANY_SOCKET = [
  ...SOCKET,
  ...["datagrams without queue", "connection without queue"],
] as const;

/** What the model does, and in which states of what it does it to. */
export const PAIRS = {
  "register": HOW_MANY,
  "slice": BUFFER,
  "open a queue": HOW_MANY,
  "open a socket": QUEUE,
  "open a connection": ["unused", "used", "waited for"],
  "receive": ANY_SOCKET,
  "send": ANY_SOCKET,
  "defer": SOCKET,
  "commit": ANY_SOCKET,
  "notify": QUEUE,
  "dequeue": QUEUE,
  "walk": QUEUE,
  "resize a queue": QUEUE,
  "resize a socket": SOCKET,
  "close a socket": ANY_SOCKET,
  "dispose a socket": ANY_SOCKET,
  "close a queue": QUEUE,
  "deregister": BUFFER,
  "dispose a buffer": BUFFER,
  "use what was closed": ["datagrams", "connection"],
  "drop a buffer": BUFFER,
  "collect": BUFFER,
  "dispose in any order": BUFFER,
  "start a worker": ["beside others or not"],
  "finish a worker": ["at its end"],
  "terminate a worker": ["in the middle"],
} as const;

/** What it does a few times only in a process: what that leaves stays. */
export const FEW = ["terminate a worker"] as const;

/** Something that the model does. */
export type Verb = keyof typeof PAIRS;

/** How many of a kind there are. */
export function howMany(things: readonly unknown[]): string {
  return things.length === 0 ? "none" : "some";
}

/** How a buffer stands. */
export function stateOfBuffer({ real }: Buffer): string {
  return real.inFlight > 0 ? "in use" : "idle";
}

/** How a queue stands that is open. */
export function stateOfQueue({ real, waiting }: Queue): string {
  if (waiting !== null) return "waited for";
  if (real.reserved === 0) return "unused";
  return real.reserved === real.capacity ? "full" : "used";
}

/** How a socket stands that is open. */
export function stateOfSocket({ real, queue, isStream }: Socket): string {
  const kind = kindOfSocket(isStream);
  if (queue.closed) return `${kind} without queue`;
  if (real.outstanding === 0) return `idle ${kind}`;
  const full = real.outstandingReceives === real.receives ||
    real.outstandingSends === real.sends;
  return `${full ? "full" : "busy"} ${kind}`;
}

/** What a socket carries. */
export function kindOfSocket(isStream: boolean): string {
  return isStream ? "connection" : "datagrams";
}
