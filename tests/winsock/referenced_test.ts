/** When the waits of the Winsock backend keep the process alive. */
import { releasedCalls } from "../unit/released_calls.ts";
import { assertEquals } from "@std/assert";
import { type Rig, withRig } from "./open.ts";
import { tearDown, watched } from "./watched.ts";

/** How many native waits go on, and how many of them keep the process alive. */
function waiting({ fake }: Rig): [all: number, keeping: number] {
  return [fake.waiting, fake.waiting - releasedCalls()];
}

for (const kind of ["iocp", "event"] as const) {
  /** Makes the call that wakes the native wait fail. */
  const failToWake = ({ fake }: Rig, times: number) =>
    fake.fail(
      kind === "iocp" ? "PostQueuedCompletionStatus" : "SetEvent",
      6,
      { times },
    );

  Deno.test(`setReferenced() says whether the wait for ${kind} that goes on keeps the process alive`, () =>
    withRig({}, async (rig) => {
      const { waits } = rig.backend;
      const bound = watched(rig, kind, 5);
      const wait = waits.wait();
      const seen = [waiting(rig)];
      for (const referenced of [false, true]) {
        assertEquals(waits.setReferenced(referenced), true);
        seen.push(waiting(rig));
      }
      assertEquals(seen, [[1, 1], [1, 0], [1, 1]]);
      waits.wake();
      assertEquals(await wait, 0);
      tearDown(rig, [bound]);
    }));

  Deno.test(`setReferenced() says whether the next wait for ${kind} keeps the process alive`, () =>
    withRig({}, async (rig) => {
      const { waits } = rig.backend;
      const bound = watched(rig, kind, 5);
      for (const referenced of [false, true]) {
        assertEquals(waits.setReferenced(referenced), true);
        const wait = waits.wait();
        assertEquals(waiting(rig), [1, referenced ? 1 : 0]);
        waits.wake();
        assertEquals(await wait, 0);
      }
      tearDown(rig, [bound]);
    }));

  Deno.test(`wake() keeps the process alive until the wait for ${kind} has ended, which did not`, () =>
    withRig({}, async (rig) => {
      const { waits } = rig.backend;
      const bound = watched(rig, kind, 5);
      waits.setReferenced(false);
      const wait = waits.wait();
      waits.wake();
      assertEquals(waiting(rig), [1, 1]);
      waits.setReferenced(false);
      assertEquals(waiting(rig), [1, 1]);
      assertEquals(await wait, 0);
      tearDown(rig, [bound]);
    }));

  Deno.test(`a native wait for ${kind} that is left over keeps the process alive for who waits next, and for close()`, () =>
    withRig({}, async (rig) => {
      const { waits } = rig.backend;
      const bound = watched(rig, kind, 5);
      const wait = waits.wait();
      failToWake(rig, 1);
      waits.wake();
      assertEquals(await wait, 0);
      assertEquals(waiting(rig), [1, 0]);
      assertEquals(waits.setReferenced(true), true);
      assertEquals(waiting(rig), [1, 0]);
      const next = waits.wait();
      assertEquals(waiting(rig), [1, 1]);
      failToWake(rig, 1);
      waits.wake();
      assertEquals(await next, 0);
      tearDown(rig, [bound]);
      assertEquals(waiting(rig), [1, 0]);
      rig.backend.close(false);
      assertEquals(waiting(rig), [1, 1]);
    }));
}
