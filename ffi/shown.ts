/**
 * What objects show when a program logs or serialises them.
 *
 * Their live values are getters of a class, which neither does by itself; and
 * their memory is more than anybody wants to read in a log.
 *
 * @module
 */

/** The method that `console.log` and `Deno.inspect` ask for the text. */
const INSPECT = Symbol.for("Deno.customInspect");

/** What shows itself by `toJSON()`. */
interface Shown {
  toJSON(): Record<string, unknown>;
}

/** Has the objects of a class log its name and what `toJSON()` gives. */
export function logAsJson(shown: { readonly prototype: Shown }): void {
  Object.defineProperty(shown.prototype, INSPECT, { value: textOf });
}

function textOf(
  this: Shown,
  inspect: typeof Deno.inspect,
  options: Deno.InspectOptions,
): string {
  return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
}
