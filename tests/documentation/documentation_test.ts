/**
 * What a reader meets first: that every program in the guides, the README and
 * the documentation runs, that links lead somewhere, and what is published.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NOT_LINUX, skipped } from "../skip.ts";

const ROOT = new URL("../../", import.meta.url);
const CONFIG = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
const ENTRIES: string[] = Object.values(CONFIG.exports);
/** Ends a command that does not end by itself, in milliseconds. */
const BOUND = 240_000;

/** A test that starts Deno on the sources: the same on every system. */
function documentationTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: skipped(name, NOT_LINUX), fn });
}

/** Runs Deno in the package's folder; fails where it does. */
async function deno(
  args: string[],
): Promise<{ stdout: string; stderr: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(BOUND),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const [stdout, stderr] = [text(output.stdout), text(output.stderr)];
  assertEquals(output.code, 0, `deno ${args.join(" ")}:\n${stdout}${stderr}`);
  return { stdout, stderr };
}

/** Files below a folder, by their path in the package. */
function* filesOf(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
    if (isDirectory) yield* filesOf(`${folder}${name}/`);
    else yield folder + name;
  }
}

const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
const GUIDES = [...filesOf("ffi/")].filter((path) => path.endsWith(".md"));
/** What the guides and the README show. */
const PICTURES = [...filesOf("ffi/")].filter((path) => path.endsWith(".svg"));

/** A symbol as `deno doc --json` tells it. */
interface Symbol {
  name: string;
  declarations: {
    kind: string;
    jsDoc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
  }[];
}

/** The documentation of an entry point. */
async function documentationOf(entry: string) {
  const { stdout } = await deno(["doc", "--json", entry]);
  const [module] = Object.values<{
    module_doc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
    symbols?: Symbol[];
  }>(JSON.parse(stdout).nodes);
  return module!;
}

documentationTest(
  "every program of the documentation runs, with two permissions",
  async () => {
    const flags = ["--no-check", "--no-prompt", "--allow-ffi", "--allow-net"];
    // Others would be loaded for nothing, in a thread each.
    const files = ["mod.ts", "README.md", ...filesOf("ffi/")]
      .filter((path) => read(path).includes("```ts\n"));
    const { stdout } = await deno(["test", "--doc", ...flags, ...files]);
    assertMatch(stdout, /ok \| \d+ passed \| 0 failed/);
    for (const path of files) {
      assert(stdout.includes(`running 1 test from ./${path}#`), path);
    }
  },
);

documentationTest("every class has an example that runs", async () => {
  const modules = await Promise.all(ENTRIES.map(documentationOf));
  const symbols = modules.flatMap(({ symbols = [] }) => symbols);
  const classes = symbols.filter(({ declarations }) =>
    declarations.some(({ kind }) => kind === "class")
  );
  assert(classes.length > 12);
  const without = classes.filter(({ declarations }) =>
    !declarations.some(({ jsDoc }) =>
      jsDoc?.tags?.some(({ kind, doc = "" }) =>
        kind === "example" && doc.includes("```ts\n")
      )
    )
  );
  assertEquals(without.map(({ name }) => name), []);
});

documentationTest(
  "the documentation begins with the drop-in sockets",
  async () => {
    const { module_doc, symbols } = await documentationOf("mod.ts");
    const [first, ...others] = module_doc!.tags!
      .filter(({ kind }) => kind === "example");
    assertMatch(first!.doc!, /= listenDatagram\(/);
    assertMatch(others.at(-1)!.doc!, /RioSession\.open\(\)/);
    const names = symbols!.map(({ name }) => name);
    assertEquals(names.indexOf("listenDatagram"), 0);
    assertEquals(names.slice(-2).sort(), ["ADDRESS_SIZE", "CONTROL_SIZE"]);
  },
);

documentationTest(
  "every entry point says what it is, with an example",
  async () => {
    for (const entry of ENTRIES) {
      // A program to run has its command in place of a program to write.
      const { module_doc } = await documentationOf(entry);
      assert(module_doc?.doc, entry);
      const shown = module_doc.doc +
        module_doc.tags?.map(({ doc }) => doc ?? "").join("\n");
      assertMatch(shown, /```(ts|sh)\n/, entry);
    }
  },
);

Deno.test("every guide is linked from the README", () => {
  const readme = read("README.md");
  assert(GUIDES.length >= 5);
  for (const path of GUIDES) assert(readme.includes(`](${path})`), path);
});

Deno.test("every link of the guides and the README leads somewhere", () => {
  for (const page of ["README.md", "CONTRIBUTING.md", ...GUIDES]) {
    const shown = read(page).replaceAll(/<!--.*?-->/gs, "");
    for (const [, target = ""] of shown.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path, heading] = target.split("#");
      const url = path
        ? new URL(path, new URL(page, ROOT))
        : new URL(page, ROOT);
      const text = Deno.readTextFileSync(url);
      if (heading === undefined) continue;
      const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, words = ""]) =>
        words.toLowerCase().replaceAll(/[^a-z0-9 -]/g, "").replaceAll(" ", "-")
      );
      assert(headings.includes(heading), `${page}: ${target}`);
    }
  }
});

Deno.test("every program that the guides and the README name is there", () => {
  for (const page of ["README.md", ...GUIDES]) {
    for (const [path] of read(page).matchAll(/\bexamples\/\w+\.ts\b/g)) {
      assert(Deno.statSync(new URL(path, ROOT)).isFile, `${page}: ${path}`);
    }
  }
});

documentationTest("what is published is what a user needs", async () => {
  const { stderr } = await deno([
    "publish",
    "--dry-run",
    "--allow-dirty",
    "--no-check",
  ]);
  const published = [...stderr.matchAll(/^ +file:\/\/(\S+) \(/gm)]
    .map(([, path = ""]) => path.slice(ROOT.pathname.length));
  const needed = new Set<string>();
  for (const entry of ENTRIES) {
    const { stdout } = await deno(["info", "--json", entry]);
    for (const { specifier } of JSON.parse(stdout).modules) {
      const url: string = specifier;
      if (url.startsWith(ROOT.href)) needed.add(url.slice(ROOT.href.length));
    }
  }
  const pages = ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"];
  assertEquals(
    published.toSorted(),
    [...needed, ...pages, ...GUIDES, ...PICTURES, "deno.json"].sort(),
  );
});

documentationTest("every symbol of the package is documented", async () => {
  // Types that cannot be told quickly fail the rehearsal to publish.
  await deno(["doc", "--lint", ...ENTRIES]);
});

Deno.test("types that would have to be guessed fail the rehearsal", () => {
  assertMatch(
    CONFIG.tasks.check.command,
    /deno publish --dry-run --allow-dirty$/,
  );
  assert(!JSON.stringify(CONFIG).includes("allow-slow-types"));
});

const WORKFLOW = new URL(".github/workflows/publish.yml", ROOT);
const COPY = existsSync(WORKFLOW)
  ? undefined
  : "the workflows are not in this copy";

Deno.test({
  name: "what is published says where it was built",
  ignore: skipped("what the workflow publishes", COPY),
  fn() {
    const workflow = Deno.readTextFileSync(WORKFLOW);
    assertMatch(workflow, /^ +id-token: write$/m);
    assertMatch(workflow, /^ +- run: deno publish$/m);
  },
});

function existsSync(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
