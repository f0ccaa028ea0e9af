import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { assertInteger, assertOneOf } from "../../ffi/arguments.ts";

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

describe("assertInteger()", () => {
  for (const value of [1, 2, 64]) {
    it(`passes ${value} from 1 to 64`, () => {
      assertEquals(assertInteger("max", value, 1, 64), undefined);
    });
  }

  for (const value of [0, 65, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53]) {
    it(`throws RangeError for ${value} from 1 to 64`, () => {
      assertThrows(
        () => assertInteger("max", value, 1, 64),
        RangeError,
        `Invalid max ${value}: give a whole number from 1 to 64`,
      );
    });
  }

  for (const [value, what] of NO_NUMBERS) {
    it(`throws TypeError for ${what}`, () => {
      assertThrows(
        () => assertInteger("max", value, 1, 64),
        TypeError,
        "Invalid max ",
      );
    });
  }
});

describe("assertOneOf()", () => {
  it("passes what is allowed", () => {
    assertEquals(assertOneOf("color", "red", ["red", "blue"]), undefined);
  });

  for (const value of ["Red", "", null, undefined, 0, Symbol("red"), {}]) {
    it(`throws TypeError for ${String(value) || '""'}`, () => {
      assertThrows(
        () => assertOneOf("color", value, ["red", "blue"]),
        TypeError,
        "Unknown color ",
      );
    });
  }

  it("names what is allowed", () => {
    assertThrows(
      () => assertOneOf("color", "green", ["red", "blue"]),
      TypeError,
      'Unknown color "green": give "red" or "blue"',
    );
  });
});
