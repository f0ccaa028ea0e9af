/** Error reports of the network, by their numbers. */
import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import type { LinuxLibrary } from "../../ffi/linux/library.ts";
import { Earlier, forgetReports, REPORTS } from "../../ffi/linux/reports.ts";
import { reported } from "../../ffi/net/datagrams/reports.ts";

Deno.test("reported() names what the network says, and a number that it does not know", () => {
  for (const errno of [10054, 10065, 10013]) {
    const error = reported(errno, "recvfrom");
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "reach the peer");
  }
});

Deno.test("forgetReports() takes each copy that the kernel keeps, an empty one, too", () => {
  const left = [5, 0, 3];
  const recv = () => left.shift() ?? -1;
  forgetReports({ symbols: { recv } } as unknown as LinuxLibrary, 1);
  assertEquals(left, []);
});

Deno.test("Earlier.take() tells the error of an earlier datagram once, and each send has its attempts", () => {
  const earlier = new Earlier();
  const [code] = REPORTS.keys();
  const tries = () => {
    let count = 0;
    while (earlier.isIt(code!)) count++;
    return count;
  };
  const all = tries();
  assertEquals(earlier.take(), 0);
  for (let i = 0; i < 3; i++) {
    assertEquals(earlier.isIt(code!), true);
    assertEquals([earlier.take(), earlier.take()], [code, 0]);
    assertEquals(tries(), all);
  }
});
