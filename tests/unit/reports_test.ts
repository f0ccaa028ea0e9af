/** Error reports of the network, by their numbers. */
import { assertInstanceOf, assertStringIncludes } from "@std/assert";
import { reported } from "../../ffi/net/datagrams/reports.ts";

Deno.test("reported() names what the network says, and a number that it does not know", () => {
  for (const errno of [10054, 10065, 10013]) {
    const error = reported(errno, "recvfrom");
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "reach the peer");
  }
});
