/**
 * `deno task test:oldest`: runs the tests of sessions and sockets with the
 * oldest Deno that the package supports, which comes from npm.
 *
 * What compares with Deno's own sockets is left out: it holds the package to the
 * Deno that it is developed with. Arguments are given to `deno test`.
 *
 * @module
 */

/** The oldest Deno that is supported; `README.md` says so. */
export const OLDEST = "2.8.0";

/** Keys of `deno.json` that it does not know, or that need network. */
const LEFT_OUT = ["test", "lint", "lock"];
/** What runs. */
const TESTS = ["tests/session", "tests/unit", "tests/winsock"]
  .concat("tests/contract", "tests/net/tcp_test.ts")
  .concat("tests/net/tcp_streams_test.ts", "tests/net/tcp_listener_test.ts")
  .concat("tests/net/datagram_test.ts", "tests/net/datagram_batch_test.ts");
const FLAGS = ["-A", "--unstable-net", "--no-check"]
  .concat("--v8-flags=--expose-gc", "--preload", "tests/audit/preload.ts");

/** Copies what is needed to a folder, with a configuration of its own. */
async function copy(from: URL, to: string): Promise<void> {
  const text = await Deno.readTextFile(new URL("deno.json", from));
  const config: Record<string, unknown> = JSON.parse(text);
  for (const key of LEFT_OUT) delete config[key];
  await Deno.writeTextFile(`${to}/deno.json`, JSON.stringify(config));
  await Deno.copyFile(new URL("mod.ts", from), `${to}/mod.ts`);
  for (const file of ["README.md", "CONTRIBUTING.md"]) {
    await Deno.copyFile(new URL(file, from), `${to}/${file}`);
  }
  for (const folder of ["ffi", "tests", "examples"]) {
    await copyFolder(new URL(`${folder}/`, from), `${to}/${folder}`);
  }
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) {
      await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    } else {
      await Deno.copyFile(new URL(name, from), `${to}/${name}`);
    }
  }
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir({ prefix: "rio-oldest-" });
  try {
    await copy(new URL("../", import.meta.url), folder);
    const windows = Deno.build.os === "windows";
    const tests = Deno.args.length > 0 ? Deno.args : TESTS;
    const { code } = await new Deno.Command(windows ? "npx.cmd" : "npx", {
      args: ["-y", `deno@${OLDEST}`, "test", ...FLAGS, ...tests],
      cwd: folder,
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
    }).spawn().status;
    Deno.exitCode = code;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
