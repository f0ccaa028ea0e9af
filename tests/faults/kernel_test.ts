/**
 * The kernel itself refuses the system calls of the package, does less than it
 * was asked for, or takes its time: the numbers come the way they really come.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import type { Found } from "./kernel/child.ts";

const CHILD = new URL("kernel/child.ts", import.meta.url);

/** One of so many cases. */
const EVERY = 12;
/** The most that they take together. */
const SECONDS = 150;

for (const [i, engine] of (["epoll", "io_uring"] as const).entries()) {
  const name =
    `${engine}: nothing is lost when the kernel refuses a call, does less or takes long`;
  const reason = NOT_LINUX ??
    (engine === "io_uring" ? WITHOUT_URING : undefined);
  Deno.test({
    name,
    ignore: skipped(name, reason),
    async fn(t) {
      const { success, stdout, stderr } = await output(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--unstable-net", CHILD.pathname]
          .concat(engine, String(EVERY), String(7 * i)),
        seconds: SECONDS,
      });
      assert(success, stderr + stdout);
      const found: Found = JSON.parse(stdout.trim().split("\n").at(-1)!);
      const without = found.skipped;
      await t.step({
        name: "strace refuses calls in this process",
        ignore: skipped(name, without),
        fn() {
          console.log(`${found.cases} cases: ${found.calls.join(", ")}`);
          assertEquals(found.faults, []);
          assert(found.cases > 30);
        },
      });
    },
  });
}
