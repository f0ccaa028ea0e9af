/** Builds what the tests need beside Deno: the provider and the ABI program. */

import { enter, once, type Rig, wine } from "./rig.ts";

const SOURCES = "tests/windows/provider";
const GCC = "/usr/bin/x86_64-w64-mingw32-gcc-win32";
const OBJDUMP = "/usr/bin/x86_64-w64-mingw32-objdump";
const WINSOCK = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ws2_32.dll";
const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
  .concat("-D_WIN32_WINNT=0x0A00", "-DWIN32_LEAN_AND_MEAN", "-static-libgcc");
const LIBRARIES = ["-lws2_32", "-lmswsock", "-luuid"];

/** Makes `build/` in the cache when a source has changed. */
export async function build(rig: Rig): Promise<void> {
  const sources: Record<string, string> = {};
  const folder = `${rig.checkout}/${SOURCES}`;
  for await (const { name } of Deno.readDir(folder)) {
    sources[name] = await Deno.readTextFile(`${folder}/${name}`);
  }
  const recipe = JSON.stringify([FLAGS, Object.entries(sources).sort()]);
  const bytes = new TextEncoder().encode(recipe);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const stamp = btoa(String.fromCharCode(...digest));
  await once(`${rig.cache}/build`, stamp, () => make(rig, sources));
}

async function make(rig: Rig, sources: Record<string, string>): Promise<void> {
  const parts = Object.keys(sources).sort()
    .filter((name) => name.endsWith(".c") && name !== "abi.c");
  const code = parts.map((name) => sources[name]).join("\n");
  const dump = await tool(rig, [OBJDUMP, "-p", WINSOCK]);
  const definition = moduleDefinition(
    names(dump, /\+base\[.*\]\s+\w{4}\s+(\w+)/g),
    names(code, /^OVERRIDE\([^,]+, (\w+)\)/gm),
  );
  await Deno.writeTextFile(
    `${rig.cache}/build/rio_provider.def`,
    definition,
  );
  const provider = ["-shared", "-o", "/rio/build/rio_provider.dll", ...parts]
    .concat("/rio/build/rio_provider.def", LIBRARIES);
  await Promise.all([
    tool(rig, [GCC, ...FLAGS, ...provider]),
    tool(rig, [GCC, ...FLAGS, "-o", "/rio/build/abi.exe", "abi.c"]),
  ]);
  const abi = await wine(rig, ["Z:\\rio\\build\\abi.exe"], {
    seconds: 60,
    stdout: "piped",
  });
  if (abi.code !== 0) throw new Error(`abi.exe ended with ${abi.code}`);
  JSON.parse(abi.stdout);
  await Deno.writeTextFile(`${rig.cache}/build/abi.json`, abi.stdout);
}

// Every export of Wine's ws2_32.dll: ours, or a forwarder to Wine's.
function moduleDefinition(all: string[], own: string[]): string {
  const missing = own.filter((name) => !all.includes(name));
  if (missing.length > 0) {
    throw new Error(`ws2_32.dll does not export ${missing.join(", ")}`);
  }
  const lines = all.map((name) => {
    const target = own.includes(name) ? `override_${name}` : `ws2_32.${name}`;
    return `  ${name} = ${target}\n`;
  });
  return `LIBRARY rio_provider.dll\nEXPORTS\n${lines.join("")}`;
}

function names(text: string, pattern: RegExp): string[] {
  return Array.from(text.matchAll(pattern), ([, name = ""]) => name);
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
