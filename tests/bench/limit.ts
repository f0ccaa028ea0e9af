/**
 * The limit: a small C program that does the same work with the same system
 * calls.
 *
 * @module
 */
import type { Candidate, Sample, Trips } from "./harness.ts";
import { Program } from "./program.ts";

/** The built program. */
export class Limit implements AsyncDisposable {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Builds the program; `null`, with the reason printed, where it cannot. */
  static async build(): Promise<Limit | null> {
    const program = await Program.build("limit.c");
    return program && new Limit(program);
  }

  /** The candidate for a mode whose first argument is the count. */
  candidate(name: string, mode: string, ...rest: number[]): Candidate {
    return {
      name,
      run: async (count) =>
        parseLine(await this.#program.run([mode, count, ...rest])),
      async [Symbol.asyncDispose]() {},
    };
  }

  /** The same for a mode that measures round trips. */
  trips(name: string, mode: string, ...rest: number[]): Trips {
    return {
      name,
      run: async (count) => {
        const line = await this.#program.run([mode, count, ...rest]);
        const [p50, p99] = line.split(" ").map(Number);
        return { p50: p50!, p99: p99! };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  /** Removes what was built. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** Reads the line of work, seconds and CPU seconds that a child prints. */
export function parseLine(text: string): Sample {
  const [, seconds, user, system] = text.trim().split(" ").map(Number);
  return { seconds: seconds!, user: user!, system: system! };
}
