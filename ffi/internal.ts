/**
 * A door that locks: constructors that only this package may call.
 *
 * A class that programs hold, and must not make, takes {@linkcode INTERNAL} as
 * its first argument. Nothing exports it, so that a program which calls the
 * constructor gets what the platform's own classes give.
 *
 * @module
 */

/** What nobody outside of this package can give. */
export const INTERNAL: unique symbol = Symbol("@winsock/rio");

/**
 * Refuses a constructor call from outside of this package.
 *
 * @param key What was given in place of {@linkcode INTERNAL}.
 * @param instead How a program gets such an object.
 * @throws {TypeError} If it is anything else.
 */
export function assertInternal(key: unknown, instead: string): void {
  if (key === INTERNAL) return;
  throw new TypeError(`Illegal constructor: use ${instead}`);
}
