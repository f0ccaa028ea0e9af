/**
 * Whether native calls that go on keep the process alive.
 *
 * @module
 */

/** What Deno itself calls to say so of its own pending calls. */
interface Core {
  refOpPromise(promise: Promise<unknown>): void;
  unrefOpPromise(promise: Promise<unknown>): void;
}

/** It has no public name: where it is missing, every call keeps it alive. */
function findCore(): Core | null {
  const { internal } = Deno as unknown as { internal?: symbol };
  if (typeof internal !== "symbol") return null;
  const insides = Deno as unknown as Record<symbol, { core?: Partial<Core> }>;
  const core = insides[internal]?.core;
  return typeof core?.refOpPromise === "function" &&
      typeof core.unrefOpPromise === "function"
    ? core as Core
    : null;
}

const core = findCore();

/**
 * Says whether a call keeps the process alive.
 *
 * @param call What a nonblocking function returned; `null` to ask only.
 * @returns Whether this Deno can be told.
 */
export function setCallReferenced(
  call: Promise<unknown> | null,
  referenced: boolean,
): boolean {
  if (core === null) return false;
  if (call !== null) {
    if (referenced) core.refOpPromise(call);
    else core.unrefOpPromise(call);
  }
  return true;
}
