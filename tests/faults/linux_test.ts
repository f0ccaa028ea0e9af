/** Every system call of the Linux backend fails once, in every documented way. */
import { assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { failEveryCall } from "./faults.ts";
import { FaultyLinux, linuxCalls } from "./linux_calls.ts";
import { scenarios } from "./scenarios.ts";

if (Deno.build.os === "linux") {
  // Kept open: only the first opening is seen by the sanitizer.
  acquireLibrary();
  let total = 0;
  for (const scenario of scenarios) {
    Deno.test(`linux: ${scenario.name}: nothing is lost when any call fails once`, async () => {
      const { injections, faults } = await failEveryCall(
        () => new FaultyLinux(),
        linuxCalls,
        [scenario],
      );
      total += injections;
      console.log(`${injections} injections, ${total} in all`);
      assertEquals(faults, []);
    });
  }
} else {
  console.log(`skip: the Linux backend needs Linux, not ${Deno.build.os}`);
}
