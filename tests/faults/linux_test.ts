/**
 * Every system call of the Linux backend fails once, in every documented way,
 * while it waits in each of its ways.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { failEveryCall } from "./faults.ts";
import { FaultyLinux } from "./faulty_linux.ts";
import { linuxCalls } from "./linux_calls.ts";
import { scenarios } from "./scenarios.ts";

if (Deno.build.os === "linux") {
  // Kept open: only the first opening is seen by the sanitizer.
  const { symbols } = acquireLibrary();
  let total = 0;
  const failed = new Set<string>();
  for (const way of ["reactor", "thread"] as const) {
    const name = way === "reactor" ? "linux" : `linux, ${way}`;
    for (const scenario of scenarios) {
      Deno.test(`${name}: ${scenario.name}: nothing is lost when any call fails once`, async () => {
        const tally = await failEveryCall(() => new FaultyLinux(way), {
          calls: linuxCalls,
          scenarios: [scenario],
        });
        for (const name of tally.failed) failed.add(name);
        total += tally.injections;
        console.log(`${tally.injections} injections, ${total} in all`);
        assertEquals(tally.faults, []);
      });
    }
  }

  Deno.test("linux: every system call of the backend was made to fail", () => {
    // That one cannot fail.
    const fallible = Object.keys(symbols)
      .filter((name) => name !== "__errno_location");
    assertEquals([...failed].toSorted(), fallible.toSorted());
  });
} else {
  console.log(`skip: the Linux backend needs Linux, not ${Deno.build.os}`);
}
