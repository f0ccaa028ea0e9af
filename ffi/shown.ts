/**
 * What objects show when a program logs or serialises them.
 *
 * Their live values are getters of a class, which neither does by itself; and
 * their memory is more than anybody wants to read in a log.
 *
 * @module
 */

/** The method that `console.log` and `Deno.inspect` ask for the text. */
export const INSPECT: unique symbol = Symbol.for("Deno.customInspect");

/** What shows itself by `toJSON()`. */
interface Shown {
  toJSON(): Record<string, unknown>;
}

/** The text of an object for a log: its class, then what `toJSON()` gives. */
export function inspectShown(
  object: Shown,
  inspect: typeof Deno.inspect,
  options: Deno.InspectOptions,
): string {
  return `${object.constructor.name} ${inspect(object.toJSON(), options)}`;
}
