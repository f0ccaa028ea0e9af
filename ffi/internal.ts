/**
 * Constructors that only this package may call.
 *
 * A class that programs use, but must not construct, takes {@linkcode INTERNAL}
 * as its first argument. The package does not export that value, so a program
 * that calls the constructor gets the same error as from the platform's own
 * classes.
 *
 * @module
 */

/** The first argument of such a constructor. */
export const INTERNAL: unique symbol = Symbol("@winsock/rio");

/**
 * Refuses a constructor call from outside of this package.
 *
 * @param key The first argument of the constructor.
 * @param instead How a program gets such an object.
 * @throws {TypeError} If `key` is not {@linkcode INTERNAL}.
 */
export function assertInternal(key: unknown, instead: string): void {
  if (key === INTERNAL) return;
  throw new TypeError(`Illegal constructor: use ${instead}`);
}
