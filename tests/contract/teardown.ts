/**
 * The end of a statement: everything is released in the one clean order, and
 * every completion that is owed has to come.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Waits } from "./waits.ts";
import { pause } from "./waits.ts";

/** Releases everything and fails for each completion too few or too many. */
export async function settle(t: Waits): Promise<void> {
  const { ledger, rio } = t;
  for (const socket of [...ledger.sockets]) {
    t.done(rio.sockets.close(socket), "closesocket at the end");
  }
  for (const queue of [...ledger.queues.keys()]) {
    const owed = () => ledger.queues.get(queue)!;
    await t.until(() => {
      t.poll(queue);
      return owed() <= 0;
    }, () => `${owed()} completions that a queue owes`);
    t.poll(queue);
    assertEquals(owed(), 0, `${-owed()} completions more than requests`);
  }
  release(t);
}

/** Releases what a statement that failed has left, as far as that goes. */
export async function giveUp(t: Waits): Promise<void> {
  const { ledger, rio } = t;
  for (const socket of [...ledger.sockets]) rio.sockets.close(socket);
  await pause(20);
  for (const queue of [...ledger.queues.keys()]) t.poll(queue);
  release(t);
}

function release({ ledger, rio }: Waits): void {
  if (ledger.closed) return;
  for (const id of [...ledger.buffers.keys()]) rio.rings.deregisterBuffer(id);
  for (const queue of [...ledger.queues.keys()]) {
    rio.rings.closeCompletionQueue(queue);
  }
  for (const notification of [...ledger.notifications]) {
    rio.waits.closeNotification(notification);
  }
  rio.close(false);
}
