/** Looking for completions that come late. */
import { assertEquals } from "@std/assert";
import { LateDrain } from "../../ffi/session/late_drain.ts";
import type { Ledger, QueueRecord } from "../../ffi/session/ledger.ts";

Deno.test("LateDrain leaves a session alone that was closed without a word", async () => {
  const { promise: looked, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  // Open when the queue is closed, and closed when it is looked at.
  const ledger = {
    sockets: new Set(),
    get closed() {
      if (++asked > 1) resolve();
      return asked > 1;
    },
  } as unknown as Ledger;
  let pulls = 0;
  const drain = new LateDrain(ledger, () => pulls++);
  drain.add({ closing: true, closed: false } as QueueRecord);
  // A look keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  await looked;
  clearInterval(alive);
  assertEquals(pulls, 0);
  drain.stop();
});
