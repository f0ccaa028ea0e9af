import { assert, assertEquals } from "@std/assert";
import { justified } from "./justified.ts";
import { changesOf } from "./rules.ts";
import { sources } from "./subjects.ts";

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
    "function f(",
    "  options: {",
    "    member: A;",
    "    optional?: B;",
  ].join("\n");
  assertEquals(made(text), []);
});

Deno.test("changesOf() gives the whole text with one change", () => {
  assertEquals(
    changesOf("a\nif (b !== c) {\nd")[0]?.text,
    "a\nif (b === c) {\nd",
  );
});

Deno.test("every mutant that is let live is one that the rules make", async () => {
  const all = await sources();
  for (const { file, rule, before } of justified) {
    assert(all.includes(file), `there is no ${file}`);
    const url = new URL(`../../${file}`, import.meta.url);
    const found = changesOf(await Deno.readTextFile(url)).some((change) =>
      change.rule === rule && change.before === before
    );
    assert(found, `${file} has no line for "${rule}": ${before}`);
  }
});
