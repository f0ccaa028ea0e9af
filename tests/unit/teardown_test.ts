/** How long requests are looked for that end late. */
import { assertEquals } from "@std/assert";
import { drainNow, drainSoon } from "../../ffi/session/teardown.ts";

/** A request that ends at a look. */
function request(endsAt: number) {
  let looks = 0;
  return {
    pull: () => void looks++,
    get outstanding() {
      return Number(looks < endsAt);
    },
    get looks() {
      return looks;
    },
  };
}

for (const drain of [drainNow, drainSoon]) {
  Deno.test(`${drain.name}() looks 50 times where all its time has passed`, async () => {
    const [late, never] = [request(50), request(Infinity)];
    for (const one of [late, never]) await drain(one, one, -1);
    assertEquals([late.outstanding, late.looks], [0, 50]);
    assertEquals([never.outstanding, never.looks], [1, 50]);
  });

  Deno.test(`${drain.name}() looks no more where all has ended`, async () => {
    const early = request(1);
    await drain(early, early, 1000);
    assertEquals(early.looks, 1);
  });
}
