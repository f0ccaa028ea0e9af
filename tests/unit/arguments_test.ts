import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  assertInteger,
  assertOneOf,
  refuseType,
  show,
} from "../../ffi/arguments.ts";

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
        ": give a whole number from 1 to 64",
      );
    });
  }
});

describe("show()", () => {
  const SHOWN: readonly (readonly [unknown, string])[] = [
    ["a b", '"a b"'],
    ["", '""'],
    [1n, "1n"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("x"), "Symbol(x)"],
    [Object.create(null), "[Object: null prototype] {}"],
    [[1, 2, 3, 4, 5], "[ 1, 2, 3, ... 2 more items ]"],
  ];
  for (const [value, text] of SHOWN) {
    it(`shows ${text}`, () => assertEquals(show(value), text));
  }
});

describe("show() of something large", () => {
  const bytes = new Uint8Array(1 << 20);
  const text = "x".repeat(1 << 20);
  const many = Array.from({ length: 10_000 }, (_, i) => [`key${i}`, i]);
  for (
    const [what, value] of Object.entries({
      "an array of bytes": bytes,
      "an array buffer": bytes.buffer,
      "a view": new DataView(bytes.buffer),
      "a text": text,
      "an object with a text": { text },
      "an array with a text": [text],
      "an object of many": Object.fromEntries(many),
      "an error": new Error(text),
      "a symbol": Symbol(text),
      "a number": 10n ** 10_000n,
      "a URL": new URL(`http://localhost/${text.slice(0, 10_000)}`),
      "what shows itself": {
        [Symbol.for("Deno.customInspect")]: () => text,
      },
    })
  ) {
    it(`shows the beginning of ${what}`, () => {
      assert(show(value).length <= 103, `${show(value).length} characters`);
    });
  }
});

describe("refuseType()", () => {
  it("says what was given and what to give", () => {
    assertThrows(
      () => refuseType("data", "x", "give a Uint8Array"),
      TypeError,
      'Invalid data "x": give a Uint8Array',
    );
  });
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
    assertThrows(
      () => assertOneOf("color", 7, ["red", "green", "blue"]),
      TypeError,
      'Unknown color 7: give "red", "green" or "blue"',
    );
  });
});
