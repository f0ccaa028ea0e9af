/** Waiting, waking and giving the event loop a turn. @module */
import { assert, assertEquals } from "@std/assert";
import type { Statement } from "../harness.ts";
import { pause } from "../waits.ts";

/** Every statement about `wait`, `wake` and `turn`. */
export const waiting: readonly Statement[] = [
  {
    name: "wake() ends a wait that goes on, with no key",
    async run(t) {
      const wait = t.rio.waits.wait();
      await pause(5);
      t.rio.waits.wake();
      assertEquals(await wait, 0);
    },
  },
  {
    name: "wake() ends the next wait when none goes on",
    async run(t) {
      t.rio.waits.wake();
      assertEquals(await t.rio.waits.wait(), 0);
    },
  },
  {
    name: "wake() works a hundred times in a row",
    async run(t) {
      for (let i = 0; i < 100; i++) {
        const wait = t.rio.waits.wait();
        t.rio.waits.wake();
        assertEquals(await wait, 0);
      }
    },
  },
  {
    name: "waits that are woken as soon as they begin report what fires",
    async run(t) {
      const { queue, key } = t.notifying("iocp");
      const [a, b] = t.udpPair({ received: queue }, {});
      t.receive(a, t.room(8));
      t.arm(queue);
      t.send(b, t.put("told"));
      let fired = false;
      for (let i = 0; i < 200 && !fired; i++) {
        const wait = t.rio.waits.wait();
        t.rio.waits.wake();
        const count = await wait;
        fired = t.rio.waits.fired.subarray(0, count).includes(key);
        if (!fired) await pause(5);
      }
      assert(fired, "nothing was reported");
      assertEquals(await t.succeeds(queue), 4);
    },
  },
  {
    name: "close() ends a wait that goes on",
    async run(t) {
      const wait = t.rio.waits.wait();
      await pause(5);
      t.rio.close(false);
      let over = false;
      wait.then(() => over = true);
      await t.until(() => over, "a wait on a backend that was closed");
    },
  },
];
