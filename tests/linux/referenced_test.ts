/** When a sleep on a thread of the pool keeps the process alive. */
import { releasedCalls } from "../unit/released_calls.ts";
import { assertEquals } from "@std/assert";
import { within } from "../faults/steps.ts";
import { asleep, sleepTest } from "./sleeping.ts";

sleepTest(
  "setReferenced() says whether the next sleep, and the one that goes on, keep the process alive",
  async (sleeping) => {
    const { waits } = sleeping.rio;
    for (const referenced of [false, true, false]) {
      waits.setReferenced(referenced);
      const { wait } = await asleep(sleeping);
      const released = [releasedCalls()];
      for (const other of [!referenced, referenced]) {
        assertEquals(waits.setReferenced(other), true);
        released.push(releasedCalls());
      }
      assertEquals(released, referenced ? [0, 1, 0] : [1, 0, 1]);
      waits.wake();
      assertEquals(releasedCalls(), 0);
      assertEquals(await within(wait, "the end of a wait"), 0);
    }
  },
  ["thread"],
);
