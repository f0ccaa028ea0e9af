/** The one interface of a socket, and what is kept while a socket waits. */
import { assertEquals, assertThrows } from "@std/assert";
import { Hold } from "../../ffi/net/hold.ts";
import { toDevice } from "../../ffi/session/device.ts";

Deno.test("toDevice() takes an index as it is where sockets are bound to indices", () => {
  assertEquals(toDevice(1, false), { index: 1, name: "" });
});

Deno.test("toDevice() refuses 0 and what is no index, by type or by range", () => {
  assertThrows(() => toDevice(0, false), RangeError, "device");
  assertThrows(() => toDevice({}, false), TypeError, "device");
});

Deno.test("a hold keeps its owner while something waits, and nobody without one", () => {
  const hold = new Hold();
  hold.begin();
  assertEquals(hold.held, null);
  const owner = {};
  hold.of(owner);
  hold.begin();
  assertEquals(hold.held === owner, true);
  hold.end();
  assertEquals(hold.held, null);
});
