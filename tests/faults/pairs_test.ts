/**
 * A second call fails after the first one, in the clean-up or wherever it goes
 * on: of the first failures a part, of what can follow them all.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { pairSystems } from "./pair_systems.ts";
import { failPairs } from "./pairs.ts";
import { scenarios } from "./scenarios.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") acquireLibrary();

/** One of so many first failures. */
const EVERY = 15;

for (const [i, { name, calls, make, inTime }] of pairSystems().entries()) {
  Deno.test(`${name}: nothing is lost when a second call fails after the first`, async () => {
    const options = { calls, scenarios, every: EVERY, from: 5 * i };
    const { firsts, pairs, faults } = await inTime(() =>
      failPairs(make, options)
    );
    console.log(`${pairs} pairs, ${firsts} first failures`);
    assertEquals(faults, []);
    assert(pairs > 100);
  });
}
