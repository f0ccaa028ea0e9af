/**
 * Holds the Linux backend to the contract, with each engine and way to wait.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { openLinux, openUring } from "../../ffi/linux/backend.ts";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { skipped } from "../skip.ts";
import { testContract } from "./all.ts";
import { pause } from "./waits.ts";

/** Descriptors of this process, each with what it is. */
function descriptors(): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      found.push(`${name} ${Deno.readLinkSync(`/proc/self/fd/${name}`)}`);
    } catch (error) {
      // The one that listed the others is closed by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort();
}

if (Deno.build.os === "linux") {
  // Kept for the life of the process: opening the C library takes time, and
  // only the first opening is seen by the sanitizer.
  acquireLibrary();
  const engines = [["linux", openLinux], ["io_uring", openUring]] as const;
  for (const [engine, openEngine] of engines) {
    for (const way of ["reactor", "thread"] as const) {
      const name = way === "reactor" ? engine : `${engine}, ${way}`;
      const first = `${name}: waits end by the ${way}`;
      if (engine === "io_uring" && skipped(first, WITHOUT_URING)) continue;
      Deno.test(first, () => {
        const rio = openEngine({ way });
        assertEquals(rio.waits.way, way);
        rio.close(false);
      });
      testContract({
        name,
        open() {
          const before = new Set(descriptors());
          return {
            rio: openEngine({ way }),
            async faults() {
              // A wait that goes on holds its descriptors until it returned.
              for (let round = 0; round < 200; round++) {
                if (descriptors().every((name) => before.has(name))) return [];
                await pause(5);
              }
              return descriptors()
                .filter((name) => !before.has(name))
                .map((name) => `descriptor ${name} is open`);
            },
          };
        },
      });
    }
  }
} else {
  console.log(`skip: the Linux backend needs Linux, not ${Deno.build.os}`);
}
