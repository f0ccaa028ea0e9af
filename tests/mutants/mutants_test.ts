import { assertEquals } from "@std/assert";
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

Deno.test("every fault has to be noticed on Linux or on Windows", () => {
  const nowhere = mutants.filter(({ linux = [], windows = false }) =>
    linux.length === 0 && !windows
  );
  assertEquals(nowhere, []);
});
