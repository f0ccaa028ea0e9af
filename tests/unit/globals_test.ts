/** What programs replace of the platform is taken when the package is loaded. */
import { assertEquals } from "@std/assert";
import * as globals from "../../ffi/globals.ts";

const FFI = new URL("../../ffi/", import.meta.url);

/** What is asked for when a call is made, by its name. */
const USED =
  /(?<![\w.#"`])(queueMicrotask|setTimeout|clearTimeout|setImmediate|WeakRef|DisposableStack|ReadableStream|Promise)(?=\(|\.(?:all|any|race|resolve|reject|try|withResolvers)\b)/g;

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    // Sockets of node:dgram's shape live in Node's world, where all is replaced.
    if (isDirectory && name !== "dgram") {
      yield* sources(new URL(`${name}/`, folder));
    } else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

/** The names that a file looks up each time, and does not import. */
function lookedUp(text: string): string[] {
  const code = text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "")
    // A method may have such a name.
    .replaceAll(/^ {2}\w+\([^;{}]*\): \w+ \{$/gm, "");
  const imported = /import \{([^}]*)\} from "[./]*globals\.ts"/s.exec(code)
    ?.[1] ?? "";
  return [...code.matchAll(USED)].map(([, name]) => name!)
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(imported));
}

Deno.test("lookedUp() finds what is used and not taken", () => {
  assertEquals(lookedUp("queueMicrotask(run);"), ["queueMicrotask"]);
  assertEquals(lookedUp("await Promise.race([]);"), ["Promise"]);
  assertEquals(lookedUp("  setTimeout(ms: number): this {\n  }"), []);
  assertEquals(
    lookedUp(
      'import { setTimeout } from "../globals.ts";\nsetTimeout(run, 1); // Promise.all()',
    ),
    [],
  );
});

Deno.test("the package looks up nothing at call time that programs replace", async () => {
  const found: Record<string, string[]> = {};
  let files = 0;
  for await (const file of sources(FFI)) {
    if (file.pathname.endsWith("/globals.ts")) continue;
    files++;
    const names = lookedUp(await Deno.readTextFile(file));
    if (names.length > 0) {
      found[file.pathname.slice(FFI.pathname.length)] = names;
    }
  }
  assertEquals(found, {});
  assertEquals(files > 50, true);
});

Deno.test("what was taken is the platform's own", () => {
  assertEquals(globals.queueMicrotask, queueMicrotask);
  assertEquals(globals.NativePromise, Promise);
  assertEquals(typeof globals.timeNow(), "number");
});
