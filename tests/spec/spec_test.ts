/**
 * The written model of the contract holds in every state, and the systems do
 * what it does.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { skipped } from "../skip.ts";
import { library } from "../windows/provider.ts";
import {
  checkModel,
  PRINTED,
  traces,
  WITHOUT_SPIN,
  WITHOUT_TRACES,
} from "./spin.ts";
import { specSystems } from "./systems.ts";

// Kept open: only the first opening is seen by the sanitizer.
if (Deno.build.os === "linux") acquireLibrary();
if (Deno.build.os === "windows") openLibrary(library ? { library } : {});

const LIVES = 100;

// Requests of a life: one more takes ten times as long.
for (const [eager, requests] of [[true, 3], [false, 2]] as const) {
  const name =
    `the model of a session holds in every state, where requests complete ${
      eager ? "at once" : "late"
    }`;
  Deno.test({
    name,
    ignore: skipped(name, WITHOUT_SPIN),
    async fn() {
      const found = await checkModel({ eager, requests });
      console.log(`${found.states} states`);
      assertEquals([found.errors, found.unreached], [0, 0], found.text);
      assert(found.states > 50_000);
    },
  });
}

for (const { name: system, eager, replay } of specSystems()) {
  const name = `${system}: a session does what its model does`;
  Deno.test({
    name,
    ignore: skipped(name, WITHOUT_TRACES),
    async fn() {
      const seed = Date.now() % 1_000_000;
      const lives = await traces({ eager, lives: LIVES, seed });
      console.log(`${lives.length} lives, ${PRINTED ?? `seed ${seed}`}`);
      for (const lines of lives) await replay(lines);
      assert(lives.length >= LIVES);
    },
  });
}
