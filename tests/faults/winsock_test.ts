/** Every native call of the Winsock backend fails once, over a fake Windows. */
import { assertEquals } from "@std/assert";
import { failEveryCall } from "./faults.ts";
import { FaultyWindows, winsockCalls } from "./winsock_calls.ts";
import { scenarios } from "./scenarios.ts";

let total = 0;
for (const scenario of scenarios) {
  Deno.test(`fake: ${scenario.name}: nothing is lost when any call fails once`, async () => {
    const { injections, faults } = await failEveryCall(
      () => new FaultyWindows(),
      winsockCalls,
      [scenario],
    );
    total += injections;
    console.log(`${injections} injections, ${total} in all`);
    assertEquals(faults, []);
  });
}
