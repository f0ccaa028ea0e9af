/**
 * Checks of what a caller gives, before any native call.
 *
 * @module
 */

/** The most characters that an error message takes from what it was given. */
const LONGEST = 100;

/**
 * A value as an error message shows it, in a few words: a message stays short
 * whatever it is about.
 *
 * @param value Anything, also what has no text.
 * @returns The text; strings in quotation marks.
 */
export function show(value: unknown): string {
  if (typeof value === "string") return `"${shorten(value)}"`;
  const short = {
    depth: 0,
    iterableLimit: 3,
    strAbbreviateSize: LONGEST,
    breakLength: Infinity,
  };
  return shorten(Deno.inspect(value, short));
}

/** The beginning of a text that is too long for an error message. */
export function shorten(text: string, longest: number = LONGEST): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/**
 * Refuses a value of the wrong type.
 *
 * @param name The argument, as the caller knows it.
 * @param value What was given.
 * @param advice What to give in its place.
 * @throws {TypeError} Always.
 */
export function refuseType(
  name: string,
  value: unknown,
  advice: string,
): never {
  throw new TypeError(`Invalid ${name} ${show(value)}: ${advice}`);
}

/**
 * Refuses what is not a whole number within bounds.
 *
 * @param name The argument, as the caller knows it.
 * @param value The value to check.
 * @param min The least value allowed.
 * @param max The greatest value allowed.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not whole or out of bounds.
 */
export function assertInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is number {
  const isNumber = typeof value === "number";
  if (isNumber && Number.isInteger(value) && value >= min && value <= max) {
    return;
  }
  const advice = `give a whole number from ${min} to ${max}`;
  if (!isNumber) refuseType(name, value, advice);
  throw new RangeError(`Invalid ${name} ${value}: ${advice}`);
}

/**
 * Refuses a value that is not one of a few.
 *
 * @param name The argument, as the caller knows it.
 * @param value The value to check.
 * @param allowed The values allowed.
 * @throws {TypeError} If it is not among them.
 */
export function assertOneOf<T extends string>(
  name: string,
  value: unknown,
  allowed: readonly T[],
): asserts value is T {
  if ((allowed as readonly unknown[]).includes(value)) return;
  const quoted = allowed.map((one) => `"${one}"`);
  const last = quoted.pop();
  throw new TypeError(
    `Unknown ${name} ${show(value)}: give ${quoted.join(", ")} or ${last}`,
  );
}
