/**
 * `strace`, attached to a process for a while.
 *
 * @module
 */

/** The most that what is traced takes under it, in milliseconds. */
const BOUND_MS = 60_000;

/** Why it cannot be done here. */
export class NoStraceError extends Error {}

/** A process under strace, until it is disposed. */
export class Strace implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #said: ReadableStreamDefaultReader<string>;
  readonly #log: string;
  #ended = false;
  readonly #timer: ReturnType<typeof setTimeout>;

  private constructor(child: Deno.ChildProcess, log: string) {
    this.#child = child;
    this.#said = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    this.#log = log;
    // Without it, the calls are what they are.
    this.#timer = setTimeout(() => child.kill("SIGKILL"), BOUND_MS);
  }

  /**
   * Begins.
   *
   * @param pid The thread, or with `-f` the process.
   * @param options What strace does with its calls.
   * @throws {NoStraceError} If there is no strace, or it is not permitted.
   */
  static async attach(pid: number, options: string[]): Promise<Strace> {
    const log = await Deno.makeTempFile({ prefix: "rio-strace-" });
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command("strace", {
        args: ["-p", String(pid), "-o", log, ...options],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      await Deno.remove(log);
      throw new NoStraceError(`strace cannot be run: ${error}`);
    }
    const strace = new Strace(child, log);
    let said = "";
    while (!said.includes(" attached")) {
      const { value, done } = await strace.#said.read();
      if (done) {
        await strace.end();
        throw new NoStraceError(said.trim().split("\n").at(-1) ?? "");
      }
      said += value;
    }
    return strace;
  }

  /** Ends it; what it wrote. */
  async end(): Promise<string> {
    this.#ended = true;
    try {
      this.#child.kill("SIGINT");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#said.cancel();
    const { signal } = await this.#child.status;
    clearTimeout(this.#timer);
    if (signal === "SIGKILL") {
      throw new Error(`strace did not end within ${BOUND_MS} ms`);
    }
    const text = await Deno.readTextFile(this.#log);
    await Deno.remove(this.#log);
    return text;
  }

  /** Ends it, if {@linkcode Strace.end} was not called. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end();
  }
}
