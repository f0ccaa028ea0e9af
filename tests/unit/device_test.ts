/** The one interface of a socket, and what is kept while a socket waits. */
import { assertEquals, assertThrows } from "@std/assert";
import { Hold } from "../../ffi/net/hold.ts";
import { AF_INET } from "../../ffi/constants.ts";
import { WSAEINVAL } from "../../ffi/error_numbers.ts";
import { RioError } from "../../ffi/errors.ts";
import { toDevice, useDevice } from "../../ffi/session/device.ts";
import type { EndpointParts } from "../../ffi/session/endpoint.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

Deno.test("toDevice() takes an index as it is where sockets are bound to indices", () => {
  assertEquals(toDevice(1, false), { index: 1, name: "" });
});

Deno.test("toDevice() refuses 0 and what is no index, by type or by range", () => {
  assertThrows(() => toDevice(0, false), RangeError, "device");
  assertThrows(() => toDevice({}, false), TypeError, "device");
});

Deno.test(
  "toDevice() refuses an index that no interface has where sockets are bound to names",
  {
    ignore: skipped("toDevice() by a name", NOT_LINUX),
  },
  () => {
    assertThrows(
      () => toDevice(0x7FFFFFFF, true),
      TypeError,
      "Invalid device 2147483647: this host has no interface of that index",
    );
  },
);

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

for (const bindToDevice of [false, true]) {
  Deno.test(`useDevice() tells that the system refuses, ${bindToDevice ? "by its name" : "by its index"}`, () => {
    const backend = {
      sockets: { setOption: () => WSAEINVAL },
      capabilities: { bindToDevice },
    };
    const parts = { core: { backend }, record: { handle: 1 }, family: AF_INET };
    const error = assertThrows(
      () =>
        useDevice(
          parts as unknown as EndpointParts,
          { index: 7, name: "eth7" },
          false,
        ),
      RioError,
      "bind a socket to interface 7",
    );
    assertEquals([error.errno, error.syscall], [WSAEINVAL, "setsockopt"]);
  });
}
