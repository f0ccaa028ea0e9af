/**
 * Checks of what a caller gives, before any native call.
 *
 * @module
 */

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
  if (typeof value !== "number") {
    throw new TypeError(
      `Invalid ${name} ${String(value)}: give a whole number, not a ${
        value === null ? "null" : typeof value
      }`,
    );
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Invalid ${name} ${value}: give a whole number from ${min} to ${max}`,
    );
  }
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
  if (!(allowed as readonly unknown[]).includes(value)) {
    throw new TypeError(
      `Unknown ${name} ${
        typeof value === "string" ? `"${value}"` : String(value)
      }: give ${allowed.map((a) => `"${a}"`).join(" or ")}`,
    );
  }
}
