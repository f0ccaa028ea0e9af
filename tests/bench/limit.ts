/**
 * The limit: a small C program that does the same work with the same system
 * calls, built with the machine's compiler where there is one.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";
import type { Candidate } from "./harness.ts";

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
      run: async (count) => {
        const { seconds, cpu } = await this.spawn(mode, count, ...rest)
          .result();
        return { seconds, cpu };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  /** Starts the program. */
  spawn(mode: string, ...rest: number[]): LimitRun {
    return new LimitRun(
      new Deno.Command(`${this.#folder}/limit`, {
        args: [mode, ...rest.map(String)],
        stdout: "piped",
      }).spawn(),
    );
  }

  /** Removes what was built. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What the program did, as it says itself. */
export interface Measured {
  /** Datagrams, round trips or bytes. */
  readonly work: number;
  /** Wall-clock seconds. */
  readonly seconds: number;
  /** CPU seconds, user and system. */
  readonly cpu: number;
}

/** The program while it runs. */
export class LimitRun {
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#reader = child.stdout
      .pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** The port that the program receives on, once it does. */
  async port(): Promise<number> {
    while (!this.#text.includes("\n") && await this.#read());
    return parseInt(this.#text);
  }

  /** The last line of the program, after it ended. */
  async result(): Promise<Measured> {
    while (await this.#read());
    const { success } = await this.#child.status;
    if (!success) throw new Error("The C limit failed");
    return parseLine(this.#text);
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    this.#text += value ?? "";
    return !done;
  }
}

/** Reads work, seconds, user and system CPU seconds from the last line. */
export function parseLine(text: string): Measured {
  const line = text.trim().split("\n").at(-1)!;
  const [work, seconds, user, system] = line.split(" ").map(Number);
  return { work: work!, seconds: seconds!, cpu: user! + system! };
}
