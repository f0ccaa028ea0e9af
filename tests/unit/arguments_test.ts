import { assertEquals, assertThrows } from "@std/assert";
import { assertInteger, assertOneOf } from "../../ffi/session/arguments.ts";

for (const value of [1, 2, 64]) {
  Deno.test(`assertInteger() passes ${value} from 1 to 64`, () => {
    assertEquals(assertInteger("max", value, 1, 64), undefined);
  });
}

for (const value of [0, 65, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53]) {
  Deno.test(`assertInteger() throws RangeError for ${value} from 1 to 64`, () => {
    assertThrows(
      () => assertInteger("max", value, 1, 64),
      RangeError,
      `Invalid max ${value}: give a whole number from 1 to 64`,
    );
  });
}

const NO_NUMBERS: readonly (readonly [unknown, string])[] = [
  ["1", "a string"],
  [1n, "a bigint"],
  [true, "a boolean"],
  [null, "null"],
  [undefined, "undefined"],
  [Symbol("x"), "a symbol"],
  [{}, "an object"],
  [[1], "an array"],
  [() => 1, "a function"],
];

for (const [value, what] of NO_NUMBERS) {
  Deno.test(`assertInteger() throws TypeError for ${what}`, () => {
    assertThrows(
      () => assertInteger("max", value, 1, 64),
      TypeError,
      "Invalid max ",
    );
  });
}

Deno.test("assertOneOf() passes what is allowed", () => {
  assertEquals(assertOneOf("color", "red", ["red", "blue"]), undefined);
});

for (const value of ["Red", "", null, undefined, 0, Symbol("red"), {}]) {
  Deno.test(`assertOneOf() throws TypeError for ${String(value) || '""'}`, () => {
    assertThrows(
      () => assertOneOf("color", value, ["red", "blue"]),
      TypeError,
      "Unknown color ",
    );
  });
}

Deno.test("assertOneOf() names what is allowed", () => {
  assertThrows(
    () => assertOneOf("color", "green", ["red", "blue"]),
    TypeError,
    'Unknown color "green": give "red" or "blue"',
  );
});
