/** Random use of the 13 functions, by somebody who knows the pages alone. */
import { assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { useAtRandom } from "./run.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") acquireLibrary();

/** Steps, in which each pair of a verb and a state is reached some 20 times. */
const STEPS = 30_000;

for (const system of ["fake", "linux"] as const) {
  if (system === "linux" && Deno.build.os !== "linux") continue;
  Deno.test(`${system}: the 13 functions keep what their pages promise, whatever is called`, async () => {
    const seed = Date.now() % 1_000_000;
    const reached = await useAtRandom({ system, steps: STEPS, seed });
    console.log(`seed ${seed}: ${reached}`);
    assertEquals(reached.under(1), []);
  });
}
