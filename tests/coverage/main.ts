/**
 * Runs the tests, prints which branches of the package they run, and fails
 * where a part runs fewer than it should.
 *
 * @module
 */
import { type Branch, readReport } from "./branches.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** How much of a file's branches the tests run at least, in percent. */
const WANTED = 90;
/** Of the files that the promises of the package rest on, and of teardown. */
const WANTED_WHOLE = 100;

const SESSION = "ffi/session/";
/** What functions are called that end something. */
const TEARDOWN =
  /^(?:#?(?:abandon|cancel|close|deregister|end|finishClosing|forget|leave|reject|release|reset|rest|shrink|unblock|unuse)|\[Symbol\.(?:asyncDispose|dispose)\])/;

/** Branches that are looked at together. */
interface Part {
  readonly name: string;
  readonly wanted: number;
  readonly branches: readonly Branch[];
}

const reached = (branches: readonly Branch[]) =>
  branches.filter(({ taken }) => taken).length;
/** All of nothing is all. */
const percent = ({ branches }: Part) =>
  branches.length === 0 ? 100 : 100 * reached(branches) / branches.length;
const misses = (part: Part) => percent(part) < part.wanted;

function print(part: Part): void {
  const { name, wanted, branches } = part;
  const share = percent(part).toFixed(1).padStart(5);
  const count = `${reached(branches)} of ${branches.length}`;
  console.log(
    `${share} %  ${name.padEnd(30)} ${count.padStart(12)}, wanted ${wanted} %`,
  );
}

async function deno(args: string[], stdout: "inherit" | "piped") {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout,
    stderr: "inherit",
  }).spawn();
  const text = stdout === "piped"
    ? await new Response(child.stdout).text()
    : "";
  const { success } = await child.status;
  return { success, text };
}

/** Runs the tests; whether they passed, and a report of what they ran. */
async function measure() {
  const folder = await Deno.makeTempDir();
  try {
    const { success } = await deno([
      "task",
      "test",
      "--no-check",
      "--coverage-raw-data-only",
      `--coverage=${folder}`,
    ], "inherit");
    const report = ["coverage", "--lcov", "--include=/ffi/", folder];
    return { passed: success, lcov: (await deno(report, "piped")).text };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const { passed, lcov } = await measure();
const files = readReport(lcov, ROOT, Deno.readTextFileSync).map(
  ({ path, branches }): Part => ({
    name: path,
    wanted: path.startsWith(SESSION) ? WANTED_WHOLE : WANTED,
    branches,
  }),
);
const folderOf = ({ name }: Part) => name.slice(0, name.lastIndexOf("/") + 1);
const folders = [...Map.groupBy(files, folderOf)].map((
  [name, parts],
): Part => ({
  name,
  wanted: parts[0]!.wanted,
  branches: parts.flatMap(({ branches }) => branches),
}));
const all = files.flatMap(({ branches }) => branches);
const teardown: Part = {
  name: "functions that end something",
  wanted: WANTED_WHOLE,
  branches: all.filter(({ within }) => TEARDOWN.test(within)),
};

console.log("\nBranches that the tests run:");
for (const part of folders) print(part);
print({ name: "all", wanted: WANTED, branches: all });
print(teardown);

const missing = files.filter(misses);
if (missing.length > 0) {
  console.log("\nFiles with fewer than wanted:");
}
for (const part of missing) {
  print(part);
  const lines = part.branches.filter(({ taken }) => !taken)
    .map(({ line }) => line);
  console.log(`         not run at ${[...new Set(lines)].join(", ")}`);
}
for (const { name, branches } of files) {
  for (const { line, taken, within } of branches) {
    if (!taken && TEARDOWN.test(within)) {
      console.log(`\nNot run: ${name}:${line}, in ${within}()`);
    }
  }
}
const enough = files.length > 0 && ![...files, teardown].some(misses);
if (enough) console.log("\nEvery file and every teardown has what is wanted");
if (!passed) console.log("\nTests failed: what they left out was not run");
if (!enough || !passed) Deno.exit(1);
