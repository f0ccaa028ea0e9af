/**
 * The rig: a Debian 13 root with Wine and a cross compiler, and the Windows
 * build of Deno, all in one cache folder.
 *
 * Nothing of the machine outside of that folder changes, and no mount can be
 * left behind: each is made in a namespace that ends with its process.
 *
 * @module
 */
import { inPages } from "./pages.ts";

/** Where things are: on this machine, and as the root sees them. */
export interface Rig {
  /** The cache folder; `/rio` in the root and `Z:\rio` for a Windows program. */
  cache: string;
  /** The checkout; `/checkout` in the root and `Z:\checkout` for a Windows program. */
  checkout: string;
}

/** What one program in the root is run with. */
export interface EnterOptions {
  /** Working directory, as the root sees it. */
  cwd?: string;
  env?: Record<string, string>;
  /** Seconds until it is ended. */
  seconds: number;
  stdout?: "inherit" | "piped" | "null";
  stderr?: "inherit" | "piped" | "null";
}

/** The exit code of a program that was ended because it took too long. */
export const BOUND_MET = 124;

/** What a program came to. */
export interface Outcome {
  /** Its exit code, or `BOUND_MET`. */
  code: number;
  /** What it printed, where that was piped. */
  stdout: string;
  stderr: string;
}

const SUITE = "trixie";
const PACKAGES = ["wine64", "gcc-mingw-w64-x86-64-win32"];
const DENO_PACKAGE = "@deno/win32-x64@2.9.5";
// What the registry states, so that a changed file is noticed here.
const DENO_INTEGRITY =
  "sha512-LkcERsH0olOgevg9L9eootSr1U8ydyfnX1bS3mFqU+lGBeTYtlec5b/QF473WUOGVgPlWECrkxi4As5kEaFOzg==";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring";
// Runs a program that ends with this process, however that ends, and that takes
// all of its own children along.
const TETHER = ["--pdeathsig", "KILL", "unshare", "--pid", "--fork"]
  .concat("--kill-child");
const WINE = "/usr/lib/wine/wine64";
const WINESERVER = "/usr/lib/wine/wineserver64";

// What runs in the namespaces: mounts, then the program, then the end of the
// Wine server. `unshare --root --wd` is chroot with a working directory.
const ENTER = `set -e
root=$1 cache=$2 checkout=$3 cwd=$4; shift 4
cp /etc/hosts /etc/resolv.conf "$root/etc/" || true
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$cache" "$root/rio"
mount --bind "$checkout" "$root/checkout"
code=0
unshare --root="$root" --wd="$cwd" "$@" || code=$?
unshare --root="$root" ${WINESERVER} -k 2>/dev/null || true
unshare --root="$root" ${WINESERVER} -w 2>/dev/null || true
exit $code`;

/** What Wine's `ws2_32` is called where the provider has its name. */
export const MOVED = "rio_ws2";
const WINE_FOLDER = "usr/lib/x86_64-linux-gnu/wine";
/** The environment in which programs find the provider as `ws2_32.dll`. */
export const IN_PLACE: Readonly<Record<string, string>> = {
  WINEPREFIX: "/rio/prefix_system",
  WINEDLLOVERRIDES: "mscoree,mshtml=;ws2_32=n",
  // Deno itself leaves Winsock started.
  RIO_VERIFIER_IGNORE_EXIT: "1",
  RIO_TEST_AS: "windows",
};

/**
 * Makes a second prefix, in which the system's own Winsock has Registered I/O, as
 * on a real Windows. Wine looks for both halves of a library by its name.
 */
export async function prepareInPlace({ cache }: Rig): Promise<void> {
  const built = await Deno.readTextFile(`${cache}/build.made`);
  await once(`${cache}/prefix_system`, built, async (folder) => {
    await run("cp", ["-a", `${cache}/prefix/.`, folder], { seconds: 120 });
    const libraries = [cache, "root", WINE_FOLDER].join("/");
    const halves = { "x86_64-windows": "dll", "x86_64-unix": "so" };
    for (const [half, end] of Object.entries(halves)) {
      const place = `${libraries}/${half}`;
      await Deno.copyFile(`${place}/ws2_32.${end}`, `${place}/${MOVED}.${end}`);
    }
    const system = `${folder}/drive_c/windows/system32`;
    const moved = `${libraries}/x86_64-windows/${MOVED}.dll`;
    await Deno.copyFile(moved, `${system}/${MOVED}.dll`);
    await Deno.remove(`${system}/ws2_32.dll`);
    await Deno.copyFile(`${cache}/build/ws2_32.dll`, `${system}/ws2_32.dll`);
  });
}

/** Says why the rig can't run here, or nothing when it can. */
export async function whyNot(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") {
    return `it needs Debian, and this is ${Deno.build.os}`;
  }
  if (Deno.build.arch !== "x86_64") {
    return `it needs x86_64, and this is ${Deno.build.arch}`;
  }
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const field = (name: string) =>
    release.match(new RegExp(`^${name}="?([^"\n]*)`, "m"))?.[1];
  if (
    field("ID") !== "debian" ||
    !["12", "13"].includes(field("VERSION_ID") ?? "")
  ) {
    return `it needs Debian 12 or 13, and this is ${
      field("PRETTY_NAME") ?? "something else"
    }`;
  }
  if (Deno.uid() !== 0) {
    return "it needs root, to mount and to change the root directory";
  }
  const probe = await new Deno.Command("setpriv", {
    args: [...TETHER, "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
    stdout: "null",
    stderr: "null",
  }).output().catch(() => undefined);
  if (!probe?.success) return "this container may not make mounts of its own";
  return undefined;
}

/** Makes whatever is missing in the cache folder, and only that, one process at a time. */
export async function prepare(
  checkout: string,
  build: (rig: Rig) => Promise<void>,
): Promise<Rig> {
  const home = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  const base = Deno.env.get("RIO_WINDOWS_CACHE") ?? home;
  await Deno.mkdir(`${base}/winsock-rio/windows`, { recursive: true });
  const cache = await Deno.realPath(`${base}/winsock-rio/windows`);
  const rig = { cache, checkout };
  using lock = await Deno.open(`${cache}/lock`, { create: true, write: true });
  await lock.lock(true);
  await once(`${cache}/root`, [SUITE, ...PACKAGES].join(" "), makeRoot);
  await once(`${cache}/deno`, `${DENO_INTEGRITY}, in pages`, makeDeno);
  await once(`${cache}/prefix`, "3", () => makePrefix(rig));
  await build(rig);
  return rig;
}

/**
 * Makes a folder when it is not yet there, complete and by this recipe. The recipe is written last,
 * so a set-up that was interrupted is started again.
 */
export async function once(
  folder: string,
  recipe: string,
  make: (folder: string) => Promise<void>,
): Promise<boolean> {
  const stamp = `${folder}.made`;
  if (await Deno.readTextFile(stamp).catch(() => "") === recipe) return false;
  const start = performance.now();
  const name = folder.slice(folder.lastIndexOf("/") + 1);
  await Deno.remove(stamp).catch(() => {});
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder);
  await make(folder);
  await Deno.writeTextFile(stamp, recipe);
  console.error(
    `windows: made ${name} in ${
      ((performance.now() - start) / 1000).toFixed(1)
    } s`,
  );
  return true;
}

/** Runs one program in the root, in namespaces of its own. */
export function enter(
  rig: Rig,
  command: string[],
  options: EnterOptions,
): Promise<Outcome> {
  const { cwd = "/checkout", env = {}, ...bounds } = options;
  const places = [`${rig.cache}/root`, rig.cache, rig.checkout, cwd];
  const program = ["sh", "-c", ENTER, "sh", ...places, ...command];
  return tethered(["--mount", ...program], {
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", ...env },
    ...bounds,
  });
}

async function tethered(
  command: string[],
  { seconds, ...options }: Deno.CommandOptions & { seconds: number },
): Promise<Outcome> {
  const { stdout = "inherit", stderr = "inherit" } = options;
  const child = new Deno.Command("setpriv", {
    ...options,
    args: [...TETHER, ...command],
    stdin: "null",
    stdout,
    stderr,
  }).spawn();
  let late = false;
  // unshare blocks every signal that asks.
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, seconds * 1000);
  try {
    const texts = [
      stdout === "piped" ? new Response(child.stdout).text() : "",
      stderr === "piped" ? new Response(child.stderr).text() : "",
    ];
    const [{ code }, out = "", err = ""] = await Promise.all(
      [child.status, ...texts] as const,
    );
    if (late) console.error(`windows: ended after ${seconds} s, the bound`);
    return { code: late ? BOUND_MET : code, stdout: out, stderr: err };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a Windows program under Wine. */
export function wine(
  rig: Rig,
  command: string[],
  options: EnterOptions,
): Promise<Outcome> {
  const env = {
    HOME: "/tmp",
    XDG_RUNTIME_DIR: "/tmp",
    WINEPREFIX: "/rio/prefix",
    WINESERVER,
    WINEDEBUG: "-all",
    // Wine would otherwise offer to download its .NET and HTML engines.
    WINEDLLOVERRIDES: "mscoree,mshtml=",
    ...options.env,
  };
  return enter(rig, [WINE, ...command], { ...options, env });
}

// Debian's packages, chosen, fetched and verified by the machine's own apt with its own settings,
// then only unpacked. Of the maintainer scripts one matters here, and adoptZlib does its work.
async function makeRoot(root: string): Promise<void> {
  const apt = `${root}.apt`;
  await Deno.mkdir(`${apt}/lists/partial`, { recursive: true });
  await Deno.mkdir(`${apt}/archives/partial`, { recursive: true });
  await Deno.writeTextFile(`${apt}/status`, "");
  const keyring = await Deno.stat(`${KEYRING}.gpg`).then(
    () => "gpg",
    () => "pgp",
  );
  await Deno.writeTextFile(
    `${apt}/sources.list`,
    `deb [arch=amd64 signed-by=${KEYRING}.${keyring}] ${await mirror()} ${SUITE} main\n`,
  );
  const settings = {
    "Dir::State": apt,
    "Dir::State::status": `${apt}/status`,
    "Dir::State::lists": `${apt}/lists`,
    "Dir::Cache": apt,
    "Dir::Cache::archives": `${apt}/archives`,
    "Dir::Etc::sourcelist": `${apt}/sources.list`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "APT::Architecture": "amd64",
    "APT::Architectures::": "amd64",
    "APT::Default-Release": "",
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": "root",
    "Acquire::Retries": "3",
    "Acquire::http::Timeout": "30",
    "Acquire::https::Timeout": "30",
  };
  const options = Object.entries(settings).flatMap((
    [key, value],
  ) => ["-o", `${key}=${value}`]);
  await run("apt-get", [...options, "-q", "update"], { seconds: 120 });
  await run("apt-get", [
    ...options,
    "-q",
    "-y",
    "--download-only",
    "install",
    ...PACKAGES,
  ], {
    seconds: 600,
  });
  for (const folder of ["bin", "sbin", "lib", "lib64"]) {
    await Deno.mkdir(`${root}/usr/${folder}`, { recursive: true });
    await Deno.symlink(`usr/${folder}`, `${root}/${folder}`);
  }
  for (const folder of ["proc", "dev", "tmp", "etc", "rio", "checkout"]) {
    await Deno.mkdir(`${root}/${folder}`);
  }
  await Deno.writeTextFile(
    `${root}/etc/passwd`,
    "root:x:0:0:root:/rio:/bin/sh\n",
  );
  await run("sh", [
    "-c",
    `find "$1/archives" -name '*.deb' -print0 |
     xargs -0 -n 4 -P 2 sh -c 'root=$1; shift; for deb; do dpkg-deb -x "$deb" "$root" || exit 255; done' sh "$2"`,
    "sh",
    apt,
    root,
  ], { seconds: 300 });
  await Deno.remove(apt, { recursive: true });
  await adoptZlib(root);
}

// Wine's own zlib1.dll is the cross compiler's with Wine's mark in the DOS header.
async function adoptZlib(root: string): Promise<void> {
  const dll = await Deno.readFile(
    `${root}/usr/x86_64-w64-mingw32/lib/zlib1.dll`,
  );
  dll.fill(0, 64, 96);
  dll.set(new TextEncoder().encode("Wine builtin DLL"), 64);
  await Deno.writeFile(
    `${root}/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll`,
    dll,
  );
}

// The main archive as the machine's own apt settings name it. This asks for no
// downloaded lists, and what comes from a wrong guess fails to verify.
async function mirror(): Promise<string> {
  const printed = await run("apt-get", ["update", "--print-uris"], {
    seconds: 30,
  });
  const pattern =
    /^'(https?:.*)\/dists\/(?:bookworm|trixie|stable|oldstable)\/InRelease'/gm;
  const found = Array.from(printed.matchAll(pattern), ([, uri = ""]) => uri);
  const main = found.find((uri) => uri.endsWith("/debian")) ?? found[0];
  if (!main) throw new Error("apt's settings name no Debian main archive");
  return main;
}

async function makeDeno(folder: string): Promise<void> {
  const args = ["pack", DENO_PACKAGE, "--silent", "--pack-destination", folder];
  const file = `${folder}/${(await run("npm", args, { seconds: 300 })).trim()}`;
  const digest = await crypto.subtle.digest(
    "SHA-512",
    await Deno.readFile(file),
  );
  const integrity = `sha512-${
    btoa(String.fromCharCode(...new Uint8Array(digest)))
  }`;
  if (integrity !== DENO_INTEGRITY) {
    throw new Error(
      `${DENO_PACKAGE} is not the file this rig was written for: ${integrity}`,
    );
  }
  await run("tar", ["-xzf", file, "-C", folder, "--strip-components=1"], {
    seconds: 60,
  });
  await Deno.remove(file);
  const program = `${folder}/deno.exe`;
  await Deno.writeFile(program, inPages(await Deno.readFile(program)));
}

async function makePrefix(rig: Rig): Promise<void> {
  const { code, stderr } = await wine(rig, ["wineboot", "-i"], {
    cwd: "/",
    seconds: 180,
    stdout: "null",
    stderr: "piped",
  });
  if (code !== 0) throw new Error(`wineboot ended with ${code}: ${stderr}`);
}

/** Runs a program of the machine and returns what it printed. */
export async function run(
  program: string,
  args: string[],
  options: { seconds: number; cwd?: string },
): Promise<string> {
  const { code, stdout, stderr } = await tethered([program, ...args], {
    cwd: "/",
    ...options,
    stdout: "piped",
    stderr: "piped",
  });
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")} ended with ${code}\n${stderr}`);
}
