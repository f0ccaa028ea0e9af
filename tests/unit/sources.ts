/**
 * The package's own code, for tests of what it may not do.
 *
 * @module
 */
const FFI = new URL("../../ffi/", import.meta.url);

/** A file of the package. */
export interface Source {
  /** Its path, from `ffi/`. */
  readonly path: string;
  /** What it does: its text without comments. */
  readonly code: string;
}

/** Every file of the package. */
export async function* sources(folder: URL = FFI): AsyncGenerator<Source> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const file = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) yield* sources(file);
    if (isDirectory || !name.endsWith(".ts")) continue;
    const code = codeOf(await Deno.readTextFile(file));
    yield { path: file.pathname.slice(FFI.pathname.length), code };
  }
}

/** A text without comments, and without methods that are only declared. */
export function codeOf(text: string): string {
  return text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "")
    // A method may have the name of a global.
    .replaceAll(/^ {2}\w+\([^;{}]*\): \w+ \{$/gm, "");
}
