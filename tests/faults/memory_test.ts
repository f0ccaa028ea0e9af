/** The calls that reserve memory fail, too. */
import { assertEquals, assertThrows } from "@std/assert";
import { reserveOutlasting } from "../../ffi/outlasting.ts";

// Libraries stay open once they were: the sanitizers count from here.
reserveOutlasting(1);

Deno.test("reserveOutlasting() throws RangeError when the system has no room, and works the next time", () => {
  // More than any address space has.
  assertThrows(() => reserveOutlasting(2 ** 48), RangeError, "Cannot allocate");
  assertEquals(reserveOutlasting(1).byteLength, 65_536);
});
