/**
 * Files of which mutants are made by rule, and tests that may notice them.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);

/** Tests that take no part: of what is beside the package, or too slow. */
const BESIDE =
  /^tests\/(?:bench|coverage|documentation|examples|load|mutants|soak|spec|std|windows)\//;

/** Every source file of the package. */
export async function sources(): Promise<string[]> {
  return (await filesIn("ffi")).filter((path) => path.endsWith(".ts"));
}

/** Every file of tests that takes part. */
export async function testFiles(): Promise<string[]> {
  return (await filesIn("tests")).filter((path) =>
    path.endsWith("_test.ts") && !BESIDE.test(path)
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await filesIn(path));
    else files.push(path);
  }
  return files.sort();
}
