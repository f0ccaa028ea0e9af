/**
 * Runs the examples as a person would, in processes of their own.
 *
 * @module
 */
import { fail } from "@std/assert";
import { PROGRAM_MS } from "../patience.ts";
import * as unchanged from "../windows/unchanged.ts";
import { rioSupport } from "../../mod.ts";
import { skipped } from "../skip.ts";

const ROOT = new URL("../../", import.meta.url);

if (Deno.build.os === "windows") {
  // What is loaded with the first session, and kept, is no leak of a test.
  const library = Deno.env.get("RIO_LIBRARY");
  rioSupport(library === undefined ? {} : { library });
}

/** What a program did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** How a program is started. */
export interface ProgramOptions {
  /** Permission and other flags of Deno. */
  flags?: readonly string[];
  /** Text for its standard input. */
  input?: string;
  /** Whether its output is closed once it has printed something. */
  leaves?: boolean;
  /** Whether it ends in the middle of a wait, which no verifier shall report. */
  waits?: boolean;
}

/** A program that runs; disposing it ends it. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #changed = new EventTarget();
  readonly #timer: ReturnType<typeof setTimeout>;
  #stdout = "";
  #late = false;
  /** What it did, when it has ended. */
  readonly outcome: Promise<Outcome>;

  constructor(command: string, args: string[], options: ProgramOptions = {}) {
    const { input, waits = false } = options;
    this.#child = new Deno.Command(command, {
      args,
      env: {
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        ...waits ? { RIO_VERIFIER_IGNORE_EXIT: "1" } : {},
      },
      stdin: input === undefined ? unchanged.STDIN : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#child.kill("SIGKILL");
    }, PROGRAM_MS);
    this.outcome = this.#run(input, options.leaves ?? false);
  }

  /** Waits until something was printed. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    let ended = false;
    this.outcome.finally(() => {
      ended = true;
      this.#changed.dispatchEvent(new Event("output"));
    });
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match) return match;
      if (ended) {
        const { stdout, stderr } = await this.outcome;
        fail(`It ended without printing ${pattern}:\n${stdout}\n${stderr}`);
      }
      await new Promise((resolve) =>
        this.#changed.addEventListener("output", resolve, { once: true })
      );
    }
  }

  /** Presses Ctrl-C. */
  async interrupt(): Promise<Outcome> {
    await unchanged.interrupt(this.#child);
    return await this.outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.outcome;
  }

  #kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async #run(input: string | undefined, leaves: boolean): Promise<Outcome> {
    const written = input === undefined ? undefined : this.#write(input);
    let stderr = "";
    const [{ code }] = await Promise.all([
      this.#child.status,
      read(this.#child.stdout, (text) => {
        this.#stdout += text;
        this.#changed.dispatchEvent(new Event("output"));
        return !leaves;
      }),
      read(this.#child.stderr, (text) => {
        stderr += text;
        return true;
      }),
      written,
    ]);
    clearTimeout(this.#timer);
    if (input === undefined) await unchanged.closeStdin(this.#child);
    if (this.#late) fail(`It did not end:\n${this.#stdout}\n${stderr}`);
    return { code, stdout: this.#stdout, stderr };
  }

  async #write(input: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
  }
}

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => boolean,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    if (!take(text)) break;
  }
}

/** Starts one of the examples. */
export function example(
  name: string,
  args: string[] = [],
  options: ProgramOptions = {},
): Program {
  const { flags = ["--allow-ffi", "--allow-net"] } = options;
  return new Program(
    Deno.execPath(),
    ["run", "--quiet", "--no-prompt", "--no-check"].concat(
      flags,
      unchanged.FLAGS,
      new URL(`examples/${name}`, ROOT).href,
      args,
    ),
    options,
  );
}

/** Runs a tool to its end; gives what it printed. */
export async function run(
  tool: string,
  args: string[],
  input?: string,
): Promise<string> {
  await using program = new Program(
    tool,
    args,
    input === undefined ? {} : { input },
  );
  return (await program.outcome).stdout;
}

/** Registers a test of an example, which needs certain tools. */
export function exampleTest(
  name: string,
  fn: () => Promise<void>,
  tools: string[] = [],
): void {
  const missing = tools.filter((tool) => !isHere(tool));
  const reason = unchanged.reason ??
    (missing.length > 0 ? `${missing.join(", ")} is not installed` : undefined);
  Deno.test({ name, ignore: skipped(name, reason), fn });
}

function isHere(tool: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${tool}`).isFile;
    } catch {
      return false;
    }
  });
}
