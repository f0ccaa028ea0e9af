import { assertEquals } from "@std/assert";
import { Choice, linesIn, type Tests } from "./reach.ts";

const tests = (path: string, seconds: number, lines: number[]): Tests => ({
  path,
  seconds,
  lines: { "ffi/a.ts": lines },
});
const paths = (choice: Choice, line: number) =>
  choice.of("ffi/a.ts", line).map(({ path }) => path);

Deno.test("linesIn() takes the lines that ran, of files below the root", () => {
  const lcov = [
    ...[
      "SF:/checkout/ffi/a.ts",
      "DA:1,2",
      "DA:2,0",
      "DA:3,10",
      "end_of_record",
    ],
    ...["SF:/other/ffi/b.ts", "DA:1,1", "end_of_record", ""],
  ].join("\n");
  assertEquals(linesIn(lcov, "/checkout/"), { "ffi/a.ts": [1, 3] });
});

Deno.test("Choice.of() gives the tests that run a line, the quick ones first", () => {
  const choice = new Choice([
    tests("slow", 9, [1, 2]),
    tests("quick", 1, [1, 2]),
    tests("elsewhere", 0, [2]),
  ]);
  assertEquals(paths(choice, 1), ["quick", "slow"]);
});

Deno.test("Choice.of() prefers tests that noticed before", () => {
  const [quick, slow] = [tests("quick", 1, [1]), tests("slow", 2, [1])];
  const choice = new Choice([quick, slow]);
  choice.learn(quick, "ffi/a.ts", false);
  choice.learn(slow, "ffi/a.ts", true);
  assertEquals(paths(choice, 1), ["slow", "quick"]);
});
