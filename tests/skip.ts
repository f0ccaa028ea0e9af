/**
 * A skip is not a pass: whoever leaves a test out says why.
 *
 * @module
 */

/** Whether something is left out, for a reason that is printed. */
export function skipped(what: string, reason: string | undefined): boolean {
  if (reason !== undefined) console.log(`skip: ${what}: ${reason}`);
  return reason !== undefined;
}

/** Why a test that is about Linux is left out; `undefined` on Linux. */
export const NOT_LINUX: string | undefined = Deno.build.os === "linux"
  ? undefined
  : `it is about Linux, and this is ${Deno.build.os}`;
