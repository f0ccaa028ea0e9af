import { assertEquals } from "@std/assert";
import { justified } from "./justified.ts";
import { changesOf } from "./rules.ts";
import { subjects } from "./subjects.ts";

function made(text: string): string[] {
  return changesOf(text).map(({ rule, line, before, after }) =>
    `${line} ${rule}: ${before} -> ${after}`
  );
}

Deno.test("changesOf() changes each operator alone", () => {
  assertEquals(made("  if (!a && b === c + 1) {"), [
    "1 ! is left out: if (!a && b === c + 1) { -> if (a && b === c + 1) {",
    "1 === is !==: if (!a && b === c + 1) { -> if (!a && b !== c + 1) {",
    "1 && is ||: if (!a && b === c + 1) { -> if (!a || b === c + 1) {",
    "1 + 1 is left out: if (!a && b === c + 1) { -> if (!a && b === c) {",
  ]);
});

Deno.test("changesOf() leaves early ways out and statements out", () => {
  const text = [
    "function f() {",
    "    if (a) return;",
    "    const b = 0;",
    "    this.#c(b);",
    "    return b;",
    "}",
  ].join("\n");
  assertEquals(made(text), [
    "2 goes on: if (a) return; -> ",
    "4 not done: this.#c(b); -> ",
  ]);
});

Deno.test("changesOf() leaves comments, texts and types alone", () => {
  const text = [
    "// a === b",
    "/* !a",
    " && b */",
    'const text = "a === b";',
    "const same = `${a} + 1`;",
    "type A<B> = C<B>;",
    "const sure = a!.b;",
  ].join("\n");
  assertEquals(made(text), []);
});

Deno.test("changesOf() gives the whole text with one change", () => {
  assertEquals(
    changesOf("a\nif (b !== c) {\nd")[0]?.text,
    "a\nif (b === c) {\nd",
  );
});

for (const file of Object.keys(subjects)) {
  Deno.test(`${file} has mutants by rule, and those that are justified`, async () => {
    const url = new URL(`../../${file}`, import.meta.url);
    const changes = changesOf(await Deno.readTextFile(url));
    assertEquals(changes.length > 0, true);
    for (const one of justified) {
      if (one.file !== file) continue;
      const found = changes.some(({ rule, before }) =>
        rule === one.rule && before === one.before
      );
      assertEquals([one, found], [one, true]);
    }
  });
}
