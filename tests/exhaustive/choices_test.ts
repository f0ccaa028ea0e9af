import { assertEquals, assertThrows } from "@std/assert";
import { Choices } from "./choices.ts";

function all(body: (choices: Choices) => unknown): unknown[] {
  const choices = new Choices();
  const seen: unknown[] = [];
  while (choices.next()) seen.push(body(choices));
  assertEquals(choices.runs, seen.length);
  return seen;
}

Deno.test("Choices makes every run once, in order", () => {
  const runs = all((choices) => `${choices.below(2)}${choices.below(3)}`);
  assertEquals(runs, ["00", "01", "02", "10", "11", "12"]);
});

Deno.test("Choices makes all permutations", () => {
  const runs = all((choices) => {
    const left = ["a", "b", "c", "d"];
    let text = "";
    while (left.length > 0) {
      text += left.splice(choices.below(left.length), 1)[0];
    }
    return text;
  });
  assertEquals([runs.length, new Set(runs).size], [24, 24]);
});

Deno.test("Choices follows choices that depend on earlier ones", () => {
  const runs = all((choices) => {
    const count = choices.below(4);
    return Array.from({ length: count }, () => choices.below(2)).join("");
  });
  assertEquals(runs.length, 1 + 2 + 4 + 8);
  assertEquals(new Set(runs).size, runs.length);
});

Deno.test("Choices makes one run of a body without choices", () => {
  assertEquals(all(() => "once"), ["once"]);
});

Deno.test("Choices throws when a body depends on more than its choices", () => {
  const choices = new Choices();
  let bound = 2;
  choices.next();
  choices.below(bound++);
  choices.next();
  assertThrows(() => choices.below(bound), Error, "depends on more");
});

Deno.test("Choices makes the same run again from its path", () => {
  const choices = new Choices();
  const body = () => [choices.below(3), choices.pick(["x", "y"])];
  for (let i = 0; i < 4; i++) choices.next() && body();
  const again = new Choices(choices.path);
  again.next();
  assertEquals([again.below(3), again.pick(["x", "y"])], [1, "y"]);
});
