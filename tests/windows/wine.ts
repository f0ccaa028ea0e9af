/** Whether this Windows is Wine, which lacks some things and has others. @module */

let known: boolean | undefined;

/**
 * Whether this is Wine: its `ntdll.dll` says so. With `RIO_TEST_AS=windows` it
 * does not count, because it has Registered I/O as Windows has.
 */
export function isWine(): boolean {
  return known ??= Deno.build.os === "windows" && hasVersion() &&
    Deno.env.get("RIO_TEST_AS") !== "windows";
}

function hasVersion(): boolean {
  const version = { parameters: [], result: "pointer" } as const;
  try {
    Deno.dlopen("ntdll.dll", { wine_get_version: version }).close();
    return true;
  } catch {
    return false;
  }
}
