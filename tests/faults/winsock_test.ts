/** Every native call of the Winsock backend fails once, over a fake Windows or over the provider. */
import { assertEquals } from "@std/assert";
import { KERNEL32, OLEAUT32, openLibrary, WS2_32 } from "../../ffi/mod.ts";
import { RIO_SIGNATURES } from "../../ffi/winsock/functions.ts";
import { failEveryCall } from "./faults.ts";
import { scenarios } from "./scenarios.ts";
import { winsockCalls } from "./winsock_calls.ts";
import { inItsTime, makeWindows, provider, SYSTEM } from "./winsock_systems.ts";

// Libraries stay open once they were: the sanitizers count from here.
if (provider !== undefined) openLibrary({ library: provider });

/** What tells nothing that a program could act on: these cannot fail. */
const INFALLIBLE = [
  "RIOCloseCompletionQueue",
  "RIODeregisterBuffer",
  "WSAGetLastError",
];
/** Called where the number of another call was lost: in pairs of faults. */
const AFTER_ANOTHER = ["CancelIoEx"];
/** Called once, when the libraries are opened, and not through the backend. */
const AT_OPENING = ["GetSystemDirectoryW"];

let total = 0;
const failed = new Set<string>();
for (const scenario of scenarios) {
  Deno.test(`${SYSTEM}: ${scenario.name}: nothing is lost when any call fails once`, async () => {
    const tally = await inItsTime(() =>
      failEveryCall(makeWindows, {
        calls: winsockCalls,
        scenarios: [scenario],
        brief: provider !== undefined,
      })
    );
    for (const name of tally.failed) failed.add(name);
    total += tally.injections;
    console.log(`${tally.injections} injections, ${total} in all`);
    assertEquals(tally.faults, []);
  });
}

Deno.test(`${SYSTEM}: every native call of the backend was made to fail`, () => {
  const calls = Object.keys({
    ...WS2_32,
    ...KERNEL32,
    ...OLEAUT32,
    ...RIO_SIGNATURES,
  });
  const fallible = [...calls, "ConnectEx", "AcceptEx"]
    .filter((name) =>
      ![...INFALLIBLE, ...AFTER_ANOTHER, ...AT_OPENING].includes(name)
    );
  assertEquals([...failed].toSorted(), fallible.toSorted());
});
