/**
 * Holds the Winsock backend to the contract, over a fake Windows: once through
 * prepared argument frames, once through `Deno.UnsafeFnPointer`.
 *
 * @module
 */
import { createWinsockBackend } from "../../ffi/winsock/open.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { testContract } from "./all.ts";
import { pause } from "./waits.ts";

for (const dispatch of [true, false]) {
  testContract({
    name: dispatch ? "fake frames" : "fake pointers",
    open() {
      const fake = createFakeWindows({ dispatch });
      return {
        rio: createWinsockBackend(fake.symbols),
        async faults(misuse) {
          // What a pending wait uses is released when it returned.
          for (let i = 0; i < 200 && left(fake).length > 0; i++) await pause(5);
          const faults = left(fake);
          const violations = fake.takeViolations();
          fake[Symbol.dispose]();
          return misuse ? faults : [...faults, ...violations];
        },
      };
    },
  });
}

/** What is open in a fake Windows. */
function left(fake: ReturnType<typeof createFakeWindows>): string[] {
  const waits = fake.waiting > 0 ? [`${fake.waiting} waits go on`] : [];
  const open = Object.entries(fake.leftovers())
    .map(([what, number]) => `${number} ${what} are left`);
  return [...waits, ...open];
}
