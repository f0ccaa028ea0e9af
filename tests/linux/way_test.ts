import { assertEquals } from "@std/assert";
import { openLinux } from "../../ffi/linux/backend.ts";
import { runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { WAY } from "./way.ts";

const here = `by the ${WAY}`;

Deno.test({
  name: `waits end ${here} in this run`,
  ignore: skipped("the way of waits", NOT_LINUX),
  fn() {
    const rio = openLinux();
    assertEquals(rio.waits.way, WAY);
    rio.close(false);
  },
});

Deno.test({
  name: `waits end ${here} in the programs of this run`,
  ignore: skipped("the way of waits in programs", NOT_LINUX),
  async fn() {
    const backend = new URL("../../ffi/linux/backend.ts", import.meta.url);
    const { stdout } = await runScript(
      `const { openLinux } = await import("${backend}");
      const rio = openLinux();
      console.log(rio.waits.way);
      rio.close(false);`,
      { flags: ["-A"] },
    );
    assertEquals(stdout.trim(), WAY);
  },
});
