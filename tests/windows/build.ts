/** Builds what runs beside the Windows build of Deno: the provider and the ABI program. */

import { enter, once, type Rig, wine } from "./rig.ts";

const SOURCES = "tests/windows/provider";
const GCC = "/usr/bin/x86_64-w64-mingw32-gcc-win32";
const OBJDUMP = "/usr/bin/x86_64-w64-mingw32-objdump";
const WINSOCK = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ws2_32.dll";
const FLAGS =
  "-std=gnu11 -O2 -g0 -Wall -Wextra -Werror -D_WIN32_WINNT=0x0A00 -static-libgcc"
    .split(" ");

/** Makes `build/` in the cache when a source has changed. */
export async function build(rig: Rig): Promise<void> {
  const sources: Record<string, string> = {};
  for await (const { name } of Deno.readDir(`${rig.checkout}/${SOURCES}`)) {
    sources[name] = await Deno.readTextFile(
      `${rig.checkout}/${SOURCES}/${name}`,
    );
  }
  const recipe = JSON.stringify([FLAGS, Object.entries(sources).sort()]);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(recipe),
  );
  // A folder of its own for each state of the sources: a run may still have the last one loaded.
  await once(
    `${rig.cache}/build`,
    btoa(String.fromCharCode(...new Uint8Array(digest))),
    () => {
      return make(rig, sources);
    },
  );
}

async function make(rig: Rig, sources: Record<string, string>): Promise<void> {
  const parts = Object.keys(sources).filter((name) =>
    name.endsWith(".c") && name !== "abi.c"
  );
  const code = parts.map((name) => sources[name]).join("\n");
  const own = Array.from(
    code.matchAll(/^OVERRIDE\([^,]+, (\w+)\)/gm),
    (match) => match[1] ?? "",
  );
  const dump = await tool(rig, [OBJDUMP, "-p", WINSOCK]);
  const all = Array.from(
    dump.matchAll(/\+base\[.*\]\s+\w{4}\s+(\w+)/g),
    (match) => match[1] ?? "",
  );
  const missing = own.filter((name) => !all.includes(name));
  if (missing.length > 0) {
    throw new Error(`ws2_32.dll does not export ${missing.join(", ")}`);
  }
  const lines = all.map((name) =>
    own.includes(name)
      ? `  ${name} = override_${name}`
      : `  ${name} = ws2_32.${name}`
  );
  await Deno.writeTextFile(
    `${rig.cache}/build/rio_provider.def`,
    `LIBRARY rio_provider.dll\nEXPORTS\n${lines.join("\n")}\n`,
  );
  const libraries = ["-lws2_32", "-lmswsock", "-luuid"];
  await tool(
    rig,
    [GCC, ...FLAGS, "-shared", "-o", "/rio/build/rio_provider.dll"]
      .concat(parts.sort(), "/rio/build/rio_provider.def", libraries),
  );
  await tool(rig, [
    GCC,
    ...FLAGS,
    "-o",
    "/rio/build/abi.exe",
    "abi.c",
    ...libraries,
    "-loleaut32",
  ]);
  const abi = await wine(rig, ["Z:\\rio\\build\\abi.exe"], {
    seconds: 60,
    stdout: "piped",
  });
  if (abi.code !== 0) throw new Error(`abi.exe ended with ${abi.code}`);
  JSON.parse(abi.stdout);
  await Deno.writeTextFile(`${rig.cache}/build/abi.json`, abi.stdout);
}

async function tool(rig: Rig, command: string[]): Promise<string> {
  const { code, stdout, stderr } = await enter(rig, command, {
    cwd: `/checkout/${SOURCES}`,
    seconds: 120,
    stdout: "piped",
    stderr: "piped",
  });
  if (code !== 0) {
    throw new Error(`${command[0]} ended with ${code}\n${stderr}`);
  }
  return stdout;
}
