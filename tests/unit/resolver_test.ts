/** What the system's resolver is asked, and what becomes of its answer. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ipVersion } from "../../ffi/address.ts";
import { errnoOfCode, lookUp, lookUpNow } from "../../ffi/resolver.ts";
import { RioError } from "../../mod.ts";

/** Lets the library be closed that is held open for a turn. */
async function rest(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

Deno.test("lookUp() and lookUpNow() give the same addresses of this host", async () => {
  const addresses = await lookUp("localhost");
  assert(addresses.length > 0);
  for (const address of addresses) assert(ipVersion(address) !== 0);
  assertEquals(lookUpNow("localhost"), addresses);
  await rest();
});

Deno.test("lookUp() and lookUpNow() fail for a name longer than any can be", async () => {
  const name = "a".repeat(5000);
  for (
    const error of [
      assertThrows(() => lookUpNow(name), Error),
      await assertRejects(() => lookUp(name), Error),
    ]
  ) {
    assertInstanceOf(error.cause, RioError);
  }
  // And what comes next finds its own name.
  assertEquals(lookUpNow("127.0.0.1"), ["127.0.0.1"]);
  assertEquals(lookUpNow("::1"), ["::1"]);
  await rest();
});

Deno.test("a code of getaddrinfo() has a number of Windows, also where that has none", () => {
  assertEquals(errnoOfCode(-2), 11001); // EAI_NONAME
  assertEquals(errnoOfCode(-11), 11003); // EAI_SYSTEM
});

Deno.test("lookUp() answers many that ask at a time, each with its own", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `127.0.0.${i + 1}`);
  assertEquals(
    await Promise.all(names.map((name) => lookUp(name))),
    names.map((name) => [name]),
  );
  await rest();
});
