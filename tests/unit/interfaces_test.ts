import { assertEquals } from "@std/assert";
import { interfaceIndex } from "../../ffi/interfaces.ts";
import { openWith, pretend } from "./stand_ins.ts";

const LUID = 6n << 48n;

/** A text without the 0 at its end. */
function textOf(name: Uint8Array | Uint16Array): string {
  assertEquals(name.at(-1), 0);
  return String.fromCharCode(...name.subarray(0, -1));
}

/** The functions of a Windows with one interface of two names. */
const symbols = {
  ConvertInterfaceAliasToLuid(name: Uint16Array, luid: BigUint64Array) {
    if (textOf(name) !== "Étage 1") return 123;
    luid[0] = LUID;
    return 0;
  },
  ConvertInterfaceLuidToIndex([luid]: BigUint64Array, index: Uint32Array) {
    if (luid !== LUID) return 2;
    index[0] = 11;
    return 0;
  },
  if_nametoindex: (name: Uint8Array) =>
    textOf(name) === "ethernet_32769" ? 12 : 0,
};

Deno.test("interfaceIndex() knows an interface of Windows by either name", async () => {
  using _os = pretend("windows");
  using libraries = openWith(() => ({ symbols }));
  assertEquals(interfaceIndex("Étage 1"), 11);
  assertEquals(interfaceIndex("ethernet_32769"), 12);
  assertEquals(interfaceIndex("elsewhere"), 0);
  assertEquals(libraries.asked, ["iphlpapi.dll"]);
  // What is opened is closed in the next turn: before this one's call.
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(libraries.open, 0);
});
