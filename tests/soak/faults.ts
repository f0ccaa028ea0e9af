/**
 * Calls that fail in pairs, all of them, and calls that the kernel refuses.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import type { Found } from "../faults/kernel/child.ts";
import { pairSystems } from "../faults/pair_systems.ts";
import { failPairs } from "../faults/pairs.ts";
import { scenarios } from "../faults/scenarios.ts";
import { WITHOUT_URING } from "../linux/engine.ts";

const CHILD = new URL("../faults/kernel/child.ts", import.meta.url);
/** The most that the calls that the kernel refuses take together. */
const SECONDS = 1800;

/**
 * Has calls fail.
 *
 * @param every One of so many first failures, and of so many calls.
 */
export async function soakFaults(every: number): Promise<void> {
  for (const { name, calls, make, inTime } of pairSystems()) {
    const done = await inTime(() =>
      failPairs(make, { calls, scenarios, every })
    );
    assertEquals(done.faults, []);
    console.log(`${done.pairs} pairs of calls that fail: ${name}`);
  }
  if (Deno.build.os !== "linux") return;
  for (const engine of ["epoll", "io_uring"]) {
    if (engine === "io_uring" && WITHOUT_URING !== undefined) continue;
    const args = ["run", "-A", "--no-check", "--unstable-net", CHILD.pathname]
      .concat(engine, String(every));
    const { success, stdout, stderr } = await output(Deno.execPath(), {
      args,
      seconds: SECONDS,
    });
    assert(success, stderr + stdout);
    const text = stdout.trim().split("\n").at(-1)!;
    const found: Found = JSON.parse(text);
    assertEquals(found.faults, []);
    const what = found.skipped ?? `${found.cases} calls`;
    console.log(`${what} that the kernel refuses: ${engine}`);
  }
}
