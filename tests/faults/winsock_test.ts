/** Every native call of the Winsock backend fails once, over a fake Windows or over the provider. */
import { assertEquals } from "@std/assert";
import { openLibrary } from "../../ffi/mod.ts";
import { failEveryCall } from "./faults.ts";
import { winsockCalls } from "./winsock_calls.ts";
import { makeWindows, provider, SYSTEM } from "./winsock_systems.ts";
import { scenarios } from "./scenarios.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (provider !== undefined) openLibrary({ library: provider });

let total = 0;
for (const scenario of scenarios) {
  Deno.test(`${SYSTEM}: ${scenario.name}: nothing is lost when any call fails once`, async () => {
    const { injections, faults } = await failEveryCall(
      makeWindows,
      winsockCalls,
      [scenario],
    );
    total += injections;
    console.log(`${injections} injections, ${total} in all`);
    assertEquals(faults, []);
  });
}
