/**
 * Queues that notify, for statements that hold for each kind of notification.
 *
 * @module
 */
import type { RioNotificationKind } from "../../ffi/contract.ts";
import type { Endpoint, Harness } from "./harness.ts";
import { pause } from "./waits.ts";

/** How a queue can notify. */
export const KINDS: readonly RioNotificationKind[] = ["event", "iocp"];

/** A pair of which `b` receives into a queue that notifies. */
export function notified(t: Harness, kind: RioNotificationKind): {
  a: Endpoint;
  b: Endpoint;
  key: number;
} {
  const { queue, key } = t.notifying(kind);
  const [a, b] = t.udpPair({}, { received: queue });
  return { a, b, key };
}

/** Delivers one datagram and waits until it is on its queue unseen. */
export async function deliver(
  t: Harness,
  a: Endpoint,
  b: Endpoint,
  flags = 0,
): Promise<void> {
  t.receive(b, t.room(8), { flags });
  t.send(a, t.put("deliver"));
  await t.succeeds(a.sent);
  await pause(5);
}
