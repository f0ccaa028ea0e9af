/**
 * A script of the benchmarks in a process of its own.
 *
 * @module
 */
import { fromFileUrl } from "./paths.ts";

/** Seconds after which a child is ended, whatever it does. */
const BOUND = 300;

/** How to start a child. */
export interface ChildOptions {
  /**
   * The program that runs the script.
   *
   * @default {"this Deno, with all permissions"}
   */
  command?: readonly [program: string, ...args: string[]];
  /** What V8 is told. */
  v8Flags?: string;
}

function command(
  script: string,
  args: string[],
  options: ChildOptions,
  pipes: Pick<Deno.CommandOptions, "stdin" | "stdout"> = {},
): Deno.Command {
  const path = fromFileUrl(new URL(script, import.meta.url));
  const v8Flags = options.v8Flags ? [`--v8-flags=${options.v8Flags}`] : [];
  const [program, ...first] = options.command ??
    [Deno.execPath(), "run", "-A", "--no-check", "--unstable-net", ...v8Flags];
  return new Deno.Command(program, {
    args: [...first, path, ...args],
    ...pipes,
  });
}

/** A child process with which lines are exchanged. */
export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #what: string;
  readonly #deadline: ReturnType<typeof setTimeout>;
  #rest = "";

  /** Starts a script that lies beside this one. */
  constructor(script: string, args: string[], options: ChildOptions = {}) {
    this.#what = [script, ...args].join(" ");
    this.#process = command(script, args, options, {
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#process.stdout
      .pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#process.stdin.getWriter();
    this.#deadline = setTimeout(() => this.#kill(), BOUND * 1000);
  }

  /** Runs a script to its end; answers what it prints and what it reports. */
  static async output(
    script: string,
    args: string[],
    options: ChildOptions = {},
  ): Promise<{ printed: string; reported: string }> {
    const child = command(script, args, options);
    const { success, stdout, stderr } = await child.output();
    const [printed, reported] = [stdout, stderr]
      .map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    if (success) return { printed, reported };
    throw new Error(`A child failed: ${script} ${args.join(" ")}\n${reported}`);
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`A child ended: ${this.#what}`);
      this.#rest += value;
    }
  }

  /** The next line, which holds numbers. */
  async numbers(): Promise<number[]> {
    return (await this.line()).split(" ").map(Number);
  }

  /** Gives it a line to read. */
  async tell(line = ""): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends it, whatever it does: there is nothing that it could lose. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#deadline);
    this.#kill();
    await this.#process.status;
    await this.#lines.cancel();
    await this.#input.abort().catch(() => {});
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** In a child: the lines that its parent tells, until it tells no more. */
export async function* told(): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of Deno.stdin.readable) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
