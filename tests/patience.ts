/**
 * How long tests wait. Only what hangs meets these bounds, however busy a machine
 * is: what works is waited for no longer than it takes.
 *
 * @module
 */
import { fail } from "@std/assert";

/** The most that a test waits for anything, in milliseconds. */
export const PATIENCE_MS = 30_000;

/** The most that a program may take, in milliseconds. */
export const PROGRAM_MS = 120_000;

/** Waits until something holds. */
export async function until(
  holds: () => boolean,
  what: string | (() => string),
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) {
      fail(`Waited in vain for ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Waits for a promise. */
export async function within<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error("Waited in vain for a promise")),
    PATIENCE_MS,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
