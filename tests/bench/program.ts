/**
 * Small C programs, built with the machine's compiler where there is one.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";

/** A program that was built. */
export class Program implements AsyncDisposable {
  readonly #source: string;
  readonly #folder: string;

  private constructor(source: string, folder: string) {
    this.#source = source;
    this.#folder = folder;
  }

  /**
   * Builds a source that lies beside this one; `null`, with the reason printed,
   * where it cannot.
   */
  static async build(source: string): Promise<Program | null> {
    if (Deno.build.os !== "linux") {
      console.error(`skip: ${source} is for Linux`);
      return null;
    }
    const folder = await Deno.makeTempDir();
    const path = fromFileUrl(new URL(source, import.meta.url));
    try {
      const { success, stderr } = await new Deno.Command("cc", {
        args: ["-O2", "-pthread", "-o", `${folder}/program`, path],
      }).output();
      if (success) return new Program(source, folder);
      const reason = new TextDecoder().decode(stderr);
      console.error(`skip: ${source} does not build: ${reason}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error(`skip: no C compiler for ${source}`);
    }
    await Deno.remove(folder, { recursive: true });
    return null;
  }

  /** Runs it to its end; answers what it prints. */
  async run(args: readonly (string | number)[]): Promise<string> {
    const program = new Deno.Command(`${this.#folder}/program`, {
      args: args.map(String),
    });
    const { success, stdout, stderr } = await program.output();
    if (success) return new TextDecoder().decode(stdout);
    const reason = new TextDecoder().decode(stderr);
    throw new Error(`${this.#source} ${args.join(" ")} failed: ${reason}`);
  }

  /** Removes what was built. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
