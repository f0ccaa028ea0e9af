/**
 * Has the kernel itself refuse system calls of this process: `strace` does that,
 * for the thread that the package makes them on.
 *
 * Source: strace(1), "Tampering".
 *
 * @module
 */

/** What happens to a system call. */
export interface Tampering {
  /** The names of the call; the C library chooses. */
  readonly calls: readonly string[];
  /** What happens, as strace has it: `error=EINTR`, `retval=1`, `delay_enter=9`. */
  readonly how: string;
  /** To which occurrence: `1`, or `1+` for all. */
  readonly when: string;
}

/** The most that one use of the package takes under it, in milliseconds. */
const BOUND_MS = 60_000;

/** Why it cannot be done here. */
export class NoStraceError extends Error {}

/** System calls of this thread that are tampered with, until it is disposed. */
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
   * @throws {NoStraceError} If there is no strace, or it is not permitted.
   */
  static async attach(tampering: Tampering): Promise<Strace> {
    const { calls, how, when } = tampering;
    const names = calls.map((name) => `?${name}`).join();
    const log = await Deno.makeTempFile({ prefix: "rio-strace-" });
    const args = ["-p", String(Deno.pid), "-o", log]
      .concat(
        "-e",
        `trace=${names}`,
        "-e",
        `inject=${names}:${how}:when=${when}`,
      );
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command("strace", {
        args,
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

  /** Ends it; says how many calls were tampered with. */
  async end(): Promise<number> {
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
    return text.split(/ \(INJECTED|\(DELAYED\)/).length - 1;
  }

  /** Ends it, if {@linkcode Strace.end} was not called. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end();
  }
}
