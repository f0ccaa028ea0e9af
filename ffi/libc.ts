/**
 * The C library of a Linux system, under whichever name it has there.
 *
 * @module
 */

/** File names of glibc, of musl, and of others. */
const NAMES = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

/**
 * Opens the C library.
 *
 * @param symbols The functions that are needed.
 * @returns The library; the caller closes it.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {Deno.errors.NotSupported} If there is none with these functions.
 */
export function openLibc<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols> {
  const reasons: string[] = [];
  for (const name of NAMES) {
    try {
      return Deno.dlopen(name, symbols);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new Deno.errors.NotSupported(
    `Cannot open the C library: ${reasons.join("; ")}`,
  );
}
