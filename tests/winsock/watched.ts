/**
 * Sockets whose completion queues notify, over the fake.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { RioNotificationKind } from "../../ffi/contract.ts";
import { type Bound, type Registered, type Rig, slice } from "./open.ts";

/** A notification that must be there; its key. */
export function notification(
  rig: Rig,
  kind: RioNotificationKind,
  key: number,
): number {
  assertEquals(rig.backend.waits.createNotification(kind, key), 0);
  return key;
}

/** A socket whose queue notifies. */
export interface Watched extends Bound {
  /** Its key. */
  notification: number;
}

/** A UDP socket connected to itself whose queue notifies. */
export function watched(
  rig: Rig,
  kind: RioNotificationKind,
  key: number,
): Watched {
  const made = notification(rig, kind, key);
  const bound = rig.udp(made);
  rig.backend.sockets.connect(bound.socket, bound.name, 0);
  return { ...bound, notification: made };
}

/** Sends four bytes, of which the queue tells. */
export function send(
  rig: Rig,
  { rq }: Bound,
  buffer: Registered,
  flags = 0,
): void {
  assertEquals(rig.backend.rings.send(rq, slice(buffer, 0, 4), flags, 1), 0);
}

/** Closes sockets, queues, notifications and buffers, in this order. */
export function tearDown(
  rig: Rig,
  all: Watched[],
  ...buffers: Registered[]
): void {
  for (const { socket, cq, notification } of all) {
    rig.backend.sockets.close(socket);
    rig.dequeue(cq);
    rig.backend.rings.closeCompletionQueue(cq);
    rig.backend.waits.closeNotification(notification);
  }
  for (const { id } of buffers) rig.backend.rings.deregisterBuffer(id);
}
