/** Random use of a session does what the model of the contract says. */
import { assert } from "@std/assert";
import { openLinux } from "../../ffi/linux/backend.ts";
import { type ModelSystem, runModel } from "./run.ts";

const STEPS = 60_000;
const systems: readonly ModelSystem[] = Deno.build.os === "linux"
  ? ["linux", "fake"]
  : ["fake"];

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") openLinux();

for (const system of systems) {
  Deno.test(`${system}: random use agrees with the model of the contract`, async () => {
    // A new seed each day: old ones are not looked at for ever.
    const seed = Math.floor(Date.now() / 86_400_000) * 1000;
    const steps = await runModel({ system, seed, steps: STEPS });
    console.log(`${steps} steps from seed ${seed}`);
    assert(steps >= STEPS);
  });
}
