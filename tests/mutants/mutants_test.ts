import { assert, assertEquals } from "@std/assert";
import { LIFETIME } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { outdated } from "./package.ts";

for (const mutant of mutants) {
  Deno.test(`the fault "${mutant.name}" replaces texts that the package has once`, async () => {
    assertEquals(await outdated(mutant), []);
  });
}

Deno.test("every fault has a name of its own", () => {
  const names = mutants.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("the rules of the teardown name faults and tests that there are", async () => {
  const root = new URL("../../", import.meta.url);
  const read = (path: string) => Deno.readTextFile(new URL(path, root));
  const source = await read("ffi/session/teardown.ts");
  const rules = source.slice(0, source.indexOf("@module"))
    .replaceAll(/\s*\n \*\s*/g, " ");
  const guards = rules.split("Guard: ").slice(1)
    .map((text) => text.split(/ \d\. \*\*/)[0]!);
  assertEquals(guards.length, 8);
  const lifetimes = await Promise.all(
    LIFETIME.filter((path) => path.endsWith(".ts")).map(read),
  );
  for (const guard of guards) {
    const named = [...guard.matchAll(/"([^"]+)"|`(tests\/[^`]+)`/g)];
    const audited = guard.includes("`auditLedgers()`");
    assert(named.length > 0 || audited, guard);
    for (const [, name = "", path = ""] of named) {
      if (path !== "") await read(path);
      else {
        assert(
          mutants.some((mutant) => mutant.name.startsWith(name)) ||
            lifetimes.some((text) => text.includes(`"${name}"`)),
          `there is no fault and no test named "${name}"`,
        );
      }
    }
  }
});

Deno.test("every fault has to be noticed on Linux or on Windows", () => {
  const nowhere = mutants.filter(({ linux = [], windows = false }) =>
    linux.length === 0 && !windows
  );
  assertEquals(nowhere, []);
});
