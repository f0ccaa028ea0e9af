/** Whether this Windows is Wine, which lacks some things and has others. @module */

let known: boolean | undefined;

/** Whether this is Wine: its `ntdll.dll` says so. */
export function isWine(): boolean {
  return known ??= Deno.build.os === "windows" && hasVersion();
}

/**
 * Whether this Windows has no Registered I/O of its own: Wine, unless the
 * provider is in the place of its Winsock.
 */
export function lacksRio(): boolean {
  return isWine() && Deno.env.get("RIO_TEST_AS") !== "windows";
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
