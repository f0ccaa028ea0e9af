/** Builds what the tests need beside Deno: the provider and the ABI program. */

import { enter, MOVED, once, type Rig, wine } from "./rig.ts";

const SOURCES = "tests/windows/provider";
const GCC = "/usr/bin/x86_64-w64-mingw32-gcc-win32";
const OBJDUMP = "/usr/bin/x86_64-w64-mingw32-objdump";
const DLLTOOL = "/usr/bin/x86_64-w64-mingw32-dlltool";
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
  const recipe = JSON.stringify([FLAGS, MOVED, Object.entries(sources).sort()]);
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
  const exported = names(dump, /\+base\[.*\]\s+\w{4}\s+(\w+)/g);
  const own = names(code, /^OVERRIDE\([^,]+, (\w+)\)/gm);
  const write = (name: string, text: string) =>
    Deno.writeTextFile(`${rig.cache}/build/${name}`, text);
  const provided = { library: "rio_provider", others: "ws2_32" };
  await write("rio_provider.def", moduleDefinition(exported, own, provided));
  // The same in the place of the system's, which has another name then.
  const system = { library: "ws2_32", others: MOVED };
  await write("ws2_32.def", moduleDefinition(exported, own, system));
  const all = exported.map((name) => `  ${name}\n`).join("");
  await write("moved.def", `LIBRARY ${MOVED}.dll\nEXPORTS\n${all}`);
  await tool(
    rig,
    [DLLTOOL, "-d", "/rio/build/moved.def"]
      .concat("-l", "/rio/build/libmoved.a"),
  );
  const provider = ["-shared", "-o", "/rio/build/rio_provider.dll", ...parts]
    .concat("/rio/build/rio_provider.def", LIBRARIES);
  const inPlace = ["-shared", "-o", "/rio/build/ws2_32.dll", ...parts]
    .concat("/rio/build/ws2_32.def", "/rio/build/libmoved.a")
    .concat(LIBRARIES.slice(1));
  await Promise.all([
    tool(rig, [GCC, ...FLAGS, ...provider]),
    tool(rig, [GCC, ...FLAGS, ...inPlace]),
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
function moduleDefinition(
  all: string[],
  own: string[],
  { library, others }: { library: string; others: string },
): string {
  const missing = own.filter((name) => !all.includes(name));
  if (missing.length > 0) {
    throw new Error(`ws2_32.dll does not export ${missing.join(", ")}`);
  }
  const lines = all.map((name) => {
    const target = own.includes(name)
      ? `override_${name}`
      : `${others}.${name}`;
    return `  ${name} = ${target}\n`;
  });
  return `LIBRARY ${library}.dll\nEXPORTS\n${lines.join("")}`;
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
