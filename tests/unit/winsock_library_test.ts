import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { openLibrary } from "../../ffi/winsock/library.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { openWith } from "./stand_ins.ts";

Deno.test("openLibrary() passes a missing permission on, whichever library it is for", () => {
  using fake = createFakeWindows();
  const windows = { symbols: { ...fake.symbols } };
  for (const refused of ["kernel32.dll", "ws2_32.dll", "oleaut32.dll"]) {
    using libraries = openWith((path) => {
      if (path.endsWith(refused)) throw new Deno.errors.NotCapable(path);
      return windows;
    });
    assertThrows(() => openLibrary(), Deno.errors.NotCapable, refused);
    assertStringIncludes(libraries.asked.at(-1)!, refused);
  }
  using _all = openWith(() => windows);
  assertEquals(typeof openLibrary().DispCallFunc, "function");
});
