/**
 * Every system call of the Linux backend fails once, in every documented way,
 * while it waits in each of its ways.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { failEveryCall } from "./faults.ts";
import { openUringLibrary } from "../../ffi/linux/uring/library.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { skipped } from "../skip.ts";
import { FaultyLinux } from "./faulty_linux.ts";
import { linuxCalls } from "./linux_calls.ts";
import { scenarios } from "./scenarios.ts";

if (Deno.build.os === "linux") {
  // Kept open: only the first opening is seen by the sanitizer.
  const { symbols } = acquireLibrary();
  using rings = openUringLibrary();
  const functions = Object.keys({ ...symbols, ...rings.symbols });
  let total = 0;
  const failed = new Set<string>();
  for (
    const [name, way, engine] of [
      ["linux", "reactor", "epoll"],
      ["linux, thread", "thread", "epoll"],
      ["io_uring", "reactor", "io_uring"],
      ["io_uring, thread", "thread", "io_uring"],
    ] as const
  ) {
    for (const scenario of scenarios) {
      const full =
        `${name}: ${scenario.name}: nothing is lost when any call fails once`;
      const ignore = engine === "io_uring" && skipped(full, WITHOUT_URING);
      Deno.test({ name: full, ignore }, async () => {
        const make = () => new FaultyLinux(way, engine);
        const tally = await failEveryCall(make, {
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
    const fallible = functions
      .filter((name) => name !== "__errno_location")
      .filter((name) => WITHOUT_URING === undefined || name in symbols);
    assertEquals([...failed].toSorted(), fallible.toSorted());
  });
} else {
  console.log(`skip: the Linux backend needs Linux, not ${Deno.build.os}`);
}
