/**
 * A scratch copy of the package, in which faults are made and undone.
 *
 * @module
 */
import type { Edit, Mutant } from "./mutant.ts";

const ROOT = new URL("../../", import.meta.url);
const PARTS = ["deno.json", "deno.lock", "mod.ts", "ffi", "tests"];

/**
 * Says which texts of a fault cannot be replaced, because the package has
 * changed since.
 *
 * @param mutant The fault.
 * @returns A line for each; none where the fault can be made.
 */
export async function outdated({ edits }: Mutant): Promise<string[]> {
  const lines: string[] = [];
  for (const { file, find } of edits) {
    const text = await Deno.readTextFile(new URL(file, ROOT)).catch(() => null);
    const times = text === null ? 0 : text.split(find).length - 1;
    if (text === null) lines.push(`there is no ${file}`);
    else if (times !== 1) {
      lines.push(`${file} has this ${times} times: ${find}`);
    }
  }
  return lines;
}

/** A copy of the package, removed in the end. */
export class ScratchPackage implements AsyncDisposable {
  /** Where it is. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies the package as it is now. */
  static async create(): Promise<ScratchPackage> {
    const folder = await Deno.makeTempDir({ prefix: "rio-mutants-" });
    for (const part of PARTS) {
      await copy(new URL(part, ROOT), `${folder}/${part}`);
    }
    return new ScratchPackage(folder);
  }

  /** Replaces texts. */
  async make(edits: readonly Edit[]): Promise<void> {
    for (const { file, find, replace } of edits) {
      const path = `${this.folder}/${file}`;
      const text = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, text.replace(find, () => replace));
    }
  }

  /** Puts the texts back. */
  async undo(edits: readonly Edit[]): Promise<void> {
    for (const { file } of edits) {
      await Deno.copyFile(new URL(file, ROOT), `${this.folder}/${file}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let times = 1;; times++) {
      try {
        return await Deno.remove(this.folder, { recursive: true });
      } catch (error) {
        // A process that a fault has left behind writes to it.
        if (times === 10) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }
}

async function copy(from: URL, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copy(new URL(`${from}/${name}`), `${to}/${name}`);
  }
}
