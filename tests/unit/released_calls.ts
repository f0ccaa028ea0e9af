/**
 * Imported before the package: takes note of the native calls that Deno is told
 * not to keep the process alive for.
 *
 * @module
 */
type Call = Promise<unknown>;
type Tell = (call: Call) => void;
interface Insides {
  readonly core: { readonly refOpPromise: Tell; readonly unrefOpPromise: Tell };
}

const deno = Deno as unknown as { internal: symbol } & Record<symbol, Insides>;
const { refOpPromise, unrefOpPromise } = deno[deno.internal]!.core;
const released = new Set<Call>();
const hidden = Symbol("insides");

Object.assign(Deno, {
  [hidden]: {
    core: {
      refOpPromise(call: Call) {
        released.delete(call);
        refOpPromise(call);
      },
      unrefOpPromise(call: Call) {
        if (!released.has(call)) call.finally(() => released.delete(call));
        released.add(call);
        unrefOpPromise(call);
      },
    },
  },
});
Object.defineProperty(Deno, "internal", { value: hidden });

/** How many calls go on that do not keep the process alive. */
export function releasedCalls(): number {
  return released.size;
}
