/**
 * Libraries of other people over this package's sockets: fetched from npm into a
 * folder of this test, each in a version that is written down, and run by each
 * way in which a program can bring the two together. The same programs run over
 * Deno's own `node:dgram`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const HERE = new URL("libraries/", import.meta.url);
const OURS = new URL("../../ffi/dgram/mod.ts", import.meta.url).href;
/** What Deno says where a registry cannot be reached. */
const UNREACHABLE =
  /error sending request|failed to lookup|dns error|timed out|client error|did not end/i;

/** What a program has said of a library. */
interface Told {
  readonly name: string;
  /** Why it does not apply. */
  readonly skip?: string;
  readonly error?: string;
  /** Sockets of this package that were bound. */
  readonly used: number;
}

const folder = await Deno.makeTempDir({ prefix: "rio_dgram_" });
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

async function deno(...args: string[]) {
  const { success, stdout, stderr } = await output(Deno.execPath(), {
    args,
    cwd: folder,
    env: { NO_COLOR: "1" },
  });
  return { success, lines: stdout.trim().split("\n"), errors: stderr };
}

/** Fetches the libraries; the reason where there is no way to. */
async function install(): Promise<string | undefined> {
  const config = JSON.parse(
    await Deno.readTextFile(new URL("packages.json", HERE)),
  );
  const write = (name: string, value: unknown) =>
    Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(value));
  await write("deno.json", config);
  const imports = { ...config.imports, "node:dgram": OURS };
  await write("mapped.json", { ...config, imports });
  await Deno.copyFile(new URL("packages.lock", HERE), `${folder}/deno.lock`);
  const { success, errors } = await deno("install", "--quiet", "--frozen")
    .catch(({ message }) => ({ success: false, errors: message as string }));
  if (success) return undefined;
  const why = errors.split("\n").find((line) => UNREACHABLE.test(line));
  if (why === undefined) throw new Error(errors);
  return `npm cannot be reached: ${why.trim()}`;
}

/** Runs all programs in one way. */
async function run(way: string, config: string): Promise<Told[]> {
  const { lines, errors } = await deno(
    ...["run", "-A", "--no-check", "--quiet", "--config", config],
    ...[new URL("run.mjs", HERE).href, folder, way],
  );
  try {
    return lines.map((line) => JSON.parse(line) as Told);
  } catch {
    throw new Error(errors);
  }
}

const reason = NOT_LINUX ?? await install();

function libraryTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: skipped(name, reason), fn });
}

/** Sees that every library that was used did its job. */
function assertDone(told: Told[], { ours }: { ours: boolean }): void {
  assertEquals(told.map(({ error }) => error).filter(Boolean), []);
  const done = told.filter(({ skip }) => skip === undefined);
  assert(done.every(({ used }) => used > 0 === ours), JSON.stringify(done));
}

libraryTest("libraries work over Deno's own node:dgram", async () => {
  const told = await run("deno", "deno.json");
  assertEquals(told.length, 6);
  assertDone(told, { ours: false });
});

libraryTest(
  "libraries work once @winsock/rio/dgram/install was imported",
  async () => {
    const told = await run("install", "deno.json");
    assertEquals(told.filter(({ skip }) => skip === undefined).length, 6);
    assertDone(told, { ours: true });
  },
);

libraryTest("libraries take sockets of @winsock/rio/dgram", async () => {
  const told = await run("import", "deno.json");
  assertEquals(told.filter(({ skip }) => skip === undefined).length, 3);
  assertDone(told, { ours: true });
});

libraryTest(
  "libraries take sockets of node:dgram where an import map leads it here",
  async () => {
    const told = await run("map", "mapped.json");
    assertEquals(told.filter(({ skip }) => skip === undefined).length, 3);
    assertDone(told, { ours: true });
  },
);

libraryTest(
  "the library ws runs over connections of this package as streams",
  async () => {
    const script = new URL("websocket.mjs", HERE).href;
    const options = ["-A", "--no-check", "--quiet", "--config", "deno.json"];
    const { lines, errors } = await deno("run", ...options, script, folder);
    assertEquals(lines, ["done"], errors);
  },
);
