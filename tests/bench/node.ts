/**
 * Whether Node is there to be compared with.
 *
 * @module
 */

let known: Promise<boolean> | undefined;

/** Whether Node can be run; says once that it cannot. */
export function hasNode(): Promise<boolean> {
  return known ??= find();
}

async function find(): Promise<boolean> {
  try {
    await new Deno.Command("node", { args: ["--version"] }).output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error("skip: no Node for node:dgram in Node");
    return false;
  }
}
