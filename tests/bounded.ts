/**
 * Programs in a process of their own, which is ended where it does not end.
 *
 * @module
 */

/** What a program did. */
export interface Output {
  readonly success: boolean;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface OutputOptions
  extends Pick<Deno.CommandOptions, "args" | "cwd" | "env"> {
  /**
   * The most that it may take.
   *
   * @default {60}
   */
  readonly seconds?: number;
}

/**
 * Runs a program until it ends.
 *
 * @throws {Error} With what it printed, if it had to be ended.
 */
export async function output(
  program: string,
  { seconds = 60, ...options }: OutputOptions = {},
): Promise<Output> {
  const child = new Deno.Command(program, {
    ...options,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const pipes = [new Pipe(child.stdout), new Pipe(child.stderr)] as const;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
    // Whatever it has started may hold them open.
    for (const pipe of pipes) pipe.cancel();
  }, seconds * 1000);
  try {
    const [{ success, code }, stdout, stderr] = await Promise.all(
      [child.status, pipes[0].text, pipes[1].text],
    );
    if (!late) return { success, code, stdout, stderr };
    const command = [program, ...options.args ?? []].join(" ");
    throw new Error(
      `${command} did not end within ${seconds} s:\n${stdout}${stderr}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** What a program prints, until its end or for as long as wanted. */
export class Pipe {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** All of it. */
  readonly text: Promise<string>;

  /** @param watch Told of what was printed so far, whenever that is more. */
  constructor(
    stream: ReadableStream<Uint8Array>,
    watch?: (text: string) => void | Promise<void>,
  ) {
    this.#reader = stream.getReader();
    this.text = this.#read(watch);
  }

  /** Reads no more, whoever holds it open. */
  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #read(
    watch?: (text: string) => void | Promise<void>,
  ): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      await watch?.(text);
    }
  }
}
