/** What programs replace of the platform is taken when the package is loaded. */
import { assertEquals } from "@std/assert";
import * as clock from "../../ffi/clock.ts";
import * as globals from "../../ffi/globals.ts";
import { codeOf, sources } from "./sources.ts";

/** What is asked for when a call is made, by its name. */
const USED =
  /(?<![\w.#"`])(queueMicrotask|WeakRef|DisposableStack|ReadableStream|Promise)(?=\(|\.(?:all|any|race|resolve|reject|try|withResolvers)\b)/g;
/** What has to do with time; of the platform, and of Node's modules. */
const TIME =
  /(?<![\w#"`])(Date|Temporal|performance|setTimeout|clearTimeout|setInterval|clearInterval|setImmediate|clearImmediate|(?:un)?refTimer|Atomics\.wait(?:Async)?|AbortSignal\.timeout|node:timers[\w/]*|hrtime)\b/g;

/** The names that a file looks up each time, and does not import. */
function lookedUp(code: string): string[] {
  const imported = /import \{([^}]*)\} from "[./]*globals\.ts"/s.exec(code)
    ?.[1] ?? "";
  return [...code.matchAll(USED)].map(([, name]) => name!)
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(imported));
}

/** The names that a file takes time from. */
function timed(code: string): string[] {
  return [...code.matchAll(TIME)].map(([, name]) => name!);
}

/** What is found in which files. */
async function findAll(
  find: (code: string) => string[],
  isMeant: (path: string) => boolean,
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  let files = 0;
  for await (const { path, code } of sources()) {
    if (!isMeant(path)) continue;
    files++;
    const names = find(code);
    if (names.length > 0) found[path] = names;
  }
  assertEquals(files > 50, true);
  return found;
}

Deno.test("lookedUp() finds what is used and not taken", () => {
  assertEquals(lookedUp("queueMicrotask(run);"), ["queueMicrotask"]);
  assertEquals(lookedUp("await Promise.race([]);"), ["Promise"]);
  const taken =
    'import { queueMicrotask } from "../globals.ts";\nqueueMicrotask(run); // Promise.all()';
  assertEquals(lookedUp(codeOf(taken)), []);
});

Deno.test("timed() finds clocks, timers and turns", () => {
  const uses = [
    "setTimeout(run, 1)",
    "const { setImmediate } = globalThis",
    "performance.now()",
    "new Date()",
    "Atomics.wait(words, 0, 0, 1)",
    "AbortSignal.timeout(5)",
    "Deno.unrefTimer(timer)",
  ];
  assertEquals(uses.filter((code) => timed(code).length !== 1), []);
  const method = "  setTimeout(ms: number): this {\n  }\n// setTimeout(run)";
  assertEquals(timed(codeOf(method)), []);
});

Deno.test("the package looks up nothing at call time that programs replace", async () => {
  // Sockets of node:dgram's shape live in Node's world, where all is replaced.
  const isMeant = (path: string) =>
    path !== "globals.ts" && !path.startsWith("dgram/");
  assertEquals(await findAll(lookedUp, isMeant), {});
});

Deno.test("the package takes time from one place", async () => {
  assertEquals(await findAll(timed, (path) => path !== "clock.ts"), {});
});

Deno.test("what was taken is the platform's own", async () => {
  assertEquals(globals.queueMicrotask, queueMicrotask);
  assertEquals(globals.NativePromise, Promise);
  const before = performance.now();
  const now = clock.timeNow();
  assertEquals(before <= now && now <= performance.now(), true);
  await clock.pause(0);
});
