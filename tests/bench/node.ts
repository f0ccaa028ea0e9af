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
    // Where there is none, Deno may answer in its place.
    const { success, stdout } = await new Deno.Command("node", {
      args: ["--print", "process.versions.deno === undefined"],
    }).output();
    const answer = new TextDecoder().decode(stdout).trim();
    if (success && answer === "true") return true;
    console.error("skip: no Node for node:dgram in Node, but something else");
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error("skip: no Node for node:dgram in Node");
    return false;
  }
}
