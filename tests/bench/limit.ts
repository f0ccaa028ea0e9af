/**
 * The limit: a small C program that does the same work with the same system
 * calls, built with the machine's compiler where there is one.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";
import type { Candidate, Sample, Trips } from "./harness.ts";

/** The built program. */
export class Limit implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Builds the program; `null`, with the reason printed, where it cannot. */
  static async build(): Promise<Limit | null> {
    if (Deno.build.os !== "linux") {
      console.error("skip: the C limit is for Linux");
      return null;
    }
    const folder = await Deno.makeTempDir();
    const source = fromFileUrl(new URL("limit.c", import.meta.url));
    try {
      const { success, stderr } = await new Deno.Command("cc", {
        args: ["-O2", "-pthread", "-o", `${folder}/limit`, source],
      }).output();
      if (success) return new Limit(folder);
      console.error(
        `skip: the C limit does not build: ${new TextDecoder().decode(stderr)}`,
      );
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.error("skip: no C compiler for the limit");
    }
    await Deno.remove(folder, { recursive: true });
    return null;
  }

  /** The candidate for a mode whose first argument is the count. */
  candidate(name: string, mode: string, ...rest: number[]): Candidate {
    return {
      name,
      run: async (count) => parseLine(await this.#run([mode, count, ...rest])),
      async [Symbol.asyncDispose]() {},
    };
  }

  /** The same for a mode that measures round trips. */
  trips(name: string, mode: string, ...rest: number[]): Trips {
    return {
      name,
      run: async (count) => {
        const line = await this.#run([mode, count, ...rest]);
        const [p50, p99] = line.split(" ").map(Number);
        return { p50: p50!, p99: p99! };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  async #run(args: (string | number)[]): Promise<string> {
    const limit = new Deno.Command(`${this.#folder}/limit`, {
      args: args.map(String),
    });
    const { success, stdout } = await limit.output();
    if (!success) throw new Error(`The C limit failed: ${args.join(" ")}`);
    return new TextDecoder().decode(stdout);
  }

  /** Removes what was built. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Reads the line of work, seconds and CPU seconds that a child prints. */
export function parseLine(text: string): Sample {
  const [, seconds, user, system] = text.trim().split(" ").map(Number);
  return { seconds: seconds!, user: user!, system: system! };
}
