/** The short form of everything at once. */
import { RioSession } from "../../mod.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { ENGINES, soakTimed } from "../soak/timed.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (Deno.build.os === "linux") RioSession.open().close();

for (const backend of ENGINES) {
  Deno.test({
    name: `everything at once is accounted for to the last byte: ${backend}`,
    ignore: skipped("everything at once", NOT_LINUX),
    async fn() {
      const seed = Date.now() >>> 0;
      console.log(`seed ${seed}`);
      await soakTimed({ seconds: 3, seed, backend });
    },
  });
}
