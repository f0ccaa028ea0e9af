/** Which files are opened: those of the system, or the one that was asked for. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { openLibrary } from "../../ffi/winsock/library.ts";

const SYSTEM = "C:\\Windows\\System32";

/** What `GetSystemDirectoryW` tells. */
let told = SYSTEM;

/** Stands in for `Deno.dlopen` on a Windows with these files missing. */
function watchOpening(missing: readonly string[] = []) {
  const opened: string[] = [];
  const { dlopen } = Deno;
  Deno.dlopen = ((path: string | URL, symbols: object) => {
    opened.push(String(path));
    if (missing.includes(String(path))) throw new Error("not found");
    const calls = Object.keys(symbols).map((name) => [name, () => 0]);
    const functions = Object.fromEntries(calls);
    functions.GetSystemDirectoryW = (text: Uint16Array) => {
      for (let i = 0; i < told.length; i++) text[i] = told.charCodeAt(i);
      return told.length;
    };
    return { symbols: functions, close() {} };
  }) as typeof Deno.dlopen;
  return {
    opened,
    [Symbol.dispose]: () => {
      Deno.dlopen = dlopen;
    },
  };
}

/** All but the one that is opened once for all. */
function beside(opened: readonly string[]): string[] {
  return opened.filter((path) => path !== "kernel32.dll");
}

Deno.test("openLibrary() opens what is in the system directory, by its whole path", () => {
  using watch = watchOpening();
  const symbols = openLibrary();
  assertEquals(watch.opened, [
    // Loaded in every process: the name cannot mean another file.
    "kernel32.dll",
    `${SYSTEM}\\ws2_32.dll`,
    `${SYSTEM}\\oleaut32.dll`,
  ]);
  assertStrictEquals(openLibrary(), symbols);
  assertEquals(watch.opened.length, 3);
});

Deno.test("openLibrary() opens the file that was asked for, and none in its place", () => {
  using watch = watchOpening();
  openLibrary({ library: "C:\\own\\provider.dll" });
  assertEquals(beside(watch.opened), [
    "C:\\own\\provider.dll",
    `${SYSTEM}\\oleaut32.dll`,
  ]);
});

Deno.test("openLibrary() throws NotSupported when the file that was asked for is missing", () => {
  const library = "C:\\own\\missing.dll";
  using watch = watchOpening([library]);
  const error = assertThrows(
    () => openLibrary({ library }),
    Deno.errors.NotSupported,
    library,
  );
  assertEquals((error.cause as Error).message, "not found");
  assertEquals(beside(watch.opened), [library]);
});

Deno.test("openLibrary() goes without DispCallFunc where there is no OLE Automation", () => {
  using _watch = watchOpening([`${SYSTEM}\\oleaut32.dll`]);
  const { DispCallFunc } = openLibrary({ library: "C:\\own\\nano.dll" });
  assertEquals(DispCallFunc, null);
});

for (const directory of ["", "x".repeat(262)]) {
  Deno.test(`openLibrary() opens nothing when GetSystemDirectoryW returns ${directory.length}`, () => {
    using watch = watchOpening();
    told = directory;
    try {
      assertThrows(
        () => openLibrary({ library: `C:\\${directory.length}.dll` }),
        Deno.errors.NotSupported,
        `GetSystemDirectoryW returned ${directory.length}`,
      );
    } finally {
      told = SYSTEM;
    }
    assertEquals(beside(watch.opened), []);
  });
}
