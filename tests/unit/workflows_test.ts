/** The workflows of the repository run what there is, and are well formed. */
import { assert, assertEquals } from "@std/assert";
import { output } from "../bounded.ts";
import { OLDEST } from "../oldest.ts";
import { skipped } from "../skip.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDERS = [".github/workflows/", ".github/ISSUE_TEMPLATE/"];

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

/** Every file, by its path. */
async function files(): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const folder of FOLDERS) {
    for await (const { name } of Deno.readDir(new URL(folder, ROOT))) {
      all.set(folder + name, await read(folder + name));
    }
  }
  return all;
}

/** Missing where the package was published, or a copy was made without. */
const HERE = await Deno.stat(new URL(FOLDERS[0]!, ROOT)).then(
  () => undefined,
  () => "they are not in this copy",
);
const ignore = skipped("the workflows", HERE);

Deno.test({
  name: "the workflows run only tasks that there are, with one Deno",
  ignore,
  async fn() {
    const { tasks } = JSON.parse(await read("deno.json"));
    const versions = new Set<string>();
    let run = 0;
    for (const [path, text] of await files()) {
      for (const [, name] of text.matchAll(/deno task ([\w:]+)/g)) {
        assert(name! in tasks, `${path}: ${name}`);
        run++;
      }
      for (const [version] of text.matchAll(/\bv2\.\d+\.\d+/g)) {
        versions.add(version.slice(1));
      }
    }
    assert(run > 10);
    const [, gate] = /deno@([\d.]+) task test\n/.exec(await read(".ci/run"))!;
    assertEquals([...versions], [gate!]);
  },
});

Deno.test("README.md names the oldest Deno that is tested", async () => {
  const [major, minor] = OLDEST.split(".");
  assert((await read("README.md")).includes(`Deno ${major}.${minor} or later`));
});

/** A parser of YAML, from the registry: `npx` fetches it. */
const PARSER = "js-yaml@4.1.0";

/** Runs the parser, which prints what it was told to parse as JSON. */
async function parser(argument: string): Promise<string> {
  const npx = Deno.build.os === "windows" ? "npx.cmd" : "npx";
  const { success, stdout, stderr } = await output(npx, {
    args: ["-y", PARSER, argument],
  });
  if (!success) throw new Error(stderr);
  return stdout;
}

/** Parses files as one stream of documents: to start the parser takes seconds. */
async function parse(texts: string[]): Promise<Record<string, unknown>[]> {
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(path, texts.join("\n---\n"));
    return JSON.parse(await parser(path));
  } finally {
    await Deno.remove(path);
  }
}

const withoutParser = skipped(
  "the workflows as YAML",
  HERE ?? await parser("--version").then(
    () => undefined,
    (error) => `no ${PARSER} from npm: ${error}`.split("\n")[0],
  ),
);

Deno.test({
  name: "the workflows and the form for bugs are YAML with what they need",
  ignore: withoutParser,
  async fn() {
    const all = await files();
    const documents = await parse([...all.values()]);
    assertEquals(documents.length, all.size);
    for (const [i, path] of [...all.keys()].entries()) {
      const document = documents[i]!;
      if (path.startsWith(FOLDERS[1]!)) {
        assertEquals(Object.keys(document).toSorted(), [
          ..."body description labels name".split(" "),
        ], path);
        continue;
      }
      const { name, jobs } = document;
      assert(typeof name === "string" && "on" in document, path);
      for (const job of Object.values(jobs as Record<string, unknown>)) {
        const { steps, uses, ...rest } = job as Record<string, unknown>;
        if (uses !== undefined) continue;
        assert(typeof rest["runs-on"] === "string", path);
        assert(typeof rest["timeout-minutes"] === "number", path);
        for (const step of steps as Record<string, unknown>[]) {
          assertEquals("run" in step !== "uses" in step, true, path);
        }
      }
    }
  },
});
