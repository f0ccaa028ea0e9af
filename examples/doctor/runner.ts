/**
 * Running experiments so that none can take the doctor along: in child
 * processes, each bounded in time.
 *
 * Harmless experiments share a child. When that crashes or hangs, it is the
 * fault of the experiment that it was at, and another child goes on behind it.
 *
 * @module
 */
import { type Message, readMessage, runHere } from "./child.ts";
import type { Experiment, Finding } from "./experiment.ts";

/** How an experiment ended. */
export type End =
  | "done"
  | "failed"
  | "crashed"
  | "hung"
  | "left out"
  | "interrupted";

/** What became of one experiment. */
export interface Result {
  readonly name: string;
  readonly title: string;
  readonly end: End;
  /** Why it did not get done. */
  readonly reason?: string;
  readonly findings: readonly Finding[];
}

/** How experiments are run. */
export interface RunOptions {
  readonly library?: string;
  /** Seconds for each experiment. */
  readonly seconds: number;
  /** The program that a child runs; `null` where children are not allowed. */
  readonly script: string | null;
  /** Ends it all. */
  readonly signal: AbortSignal;
  /** Told of each experiment when it ended. */
  readonly ended: (result: Result) => void;
}

/** Seconds that a child may take to start. */
const START = 30;
/** Characters of its error output that are worth keeping. */
const COMPLAINT = 2000;
/** From here on an exit code is an exception of Windows. */
const EXCEPTION = 0x80000000;
/** The exit code of a Windows program that Ctrl-C ended. */
const CONTROL_C_EXIT = 0xC000013A;

/** Runs all experiments, and tells of each. */
export async function runAll(
  experiments: readonly Experiment[],
  options: RunOptions,
): Promise<void> {
  if (options.script === null) {
    for (const one of experiments) await runInside(one, options);
    return;
  }
  const left = [...experiments];
  while (left.length > 0) {
    // One with a risk is alone; the others go together up to the next.
    let count = left.findIndex(({ risk }) => risk !== undefined);
    if (count < 0) count = left.length;
    const batch = left.splice(0, Math.max(1, count));
    while (batch.length > 0) await new Child(batch, options).run();
  }
}

/** Runs one experiment here, where only time can be bounded. */
async function runInside(
  experiment: Experiment,
  options: RunOptions,
): Promise<void> {
  const { name, title, risk } = experiment;
  const { signal, seconds, ended } = options;
  if (signal.aborted) {
    ended({ name, title, end: "interrupted", findings: [] });
    return;
  }
  if (risk !== undefined) {
    const reason = `it needs a process of its own, because ${risk}`;
    ended({ name, title, end: "left out", reason, findings: [] });
    return;
  }
  const findings: Finding[] = [];
  let error: string | undefined;
  const done = runHere([experiment], settingOf(options), (message) => {
    if (message.kind === "finding") findings.push(message.finding);
    if (message.kind === "end") error = message.error;
  });
  using bound = new Bound(signal);
  bound.start(seconds);
  const cause = await Promise.race([done.then(() => null), bound.over]);
  const end = cause ?? (error === undefined ? "done" : "failed");
  const reason = error ?? reasonOf(cause, seconds);
  ended({
    name,
    title,
    end,
    findings,
    ...(reason === undefined ? {} : { reason }),
  });
}

/** One process, and the experiments that it is to run. */
class Child {
  #batch: Experiment[];
  #options: RunOptions;
  #bound: Bound;
  #findings: Finding[] = [];
  #begun = false;

  /** Takes off the batch what has ended. */
  constructor(batch: Experiment[], options: RunOptions) {
    this.#batch = batch;
    this.#options = options;
    this.#bound = new Bound(options.signal);
  }

  async run(): Promise<void> {
    using bound = this.#bound;
    if (this.#options.signal.aborted) {
      this.#endAll("interrupted");
      return;
    }
    let child: Deno.ChildProcess;
    try {
      child = this.#spawn();
    } catch (error) {
      this.#endAll("left out", `no child process starts: ${messageOf(error)}`);
      return;
    }
    bound.start(START);
    const complaint = readComplaint(child.stderr);
    const lines = this.#readLines(child.stdout);
    const cause = await Promise.race([
      Promise.all([child.status, lines]).then(() => null),
      bound.over,
    ]);
    if (cause !== null) kill(child);
    if (this.#batch.length === 0) return;
    if (cause !== null) {
      this.#endOne(cause, reasonOf(cause, this.#options.seconds));
      return;
    }
    const status = await child.status;
    if (isInterrupt(status)) {
      this.#endAll("interrupted");
      return;
    }
    const reason = `${describe(status)}${await complaint}`;
    // Whatever keeps a child from starting keeps the next one as well.
    if (this.#begun) this.#endOne("crashed", reason);
    else this.#endAll("failed", `the child process did not start: ${reason}`);
  }

  #spawn(): Deno.ChildProcess {
    const { script, library, seconds } = this.#options;
    return new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        "--allow-ffi",
        "--allow-net=127.0.0.1",
        "--allow-sys=osRelease",
        script!,
        ...(library === undefined ? [] : ["--library", library]),
        "--timeout",
        String(seconds),
        "--experiment",
        this.#batch.map(({ name }) => name).join(),
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async #readLines(stream: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    for await (const part of decode(stream)) {
      const lines = (text + part).split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const message = readMessage(line);
        if (message) this.#take(message);
      }
    }
  }

  #take(message: Message): void {
    switch (message.kind) {
      case "begin":
        this.#begun = true;
        this.#bound.start(this.#options.seconds);
        break;
      case "finding":
        this.#findings.push(message.finding);
        break;
      case "end":
        if (message.error === undefined) this.#endOne("done");
        else this.#endOne("failed", message.error);
    }
  }

  /** Ends the experiment that is first in the batch. */
  #endOne(end: End, reason?: string): void {
    const experiment = this.#batch.shift();
    if (!experiment) return;
    const { name, title } = experiment;
    this.#options.ended({
      name,
      title,
      end,
      findings: this.#findings.splice(0),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  #endAll(end: End, reason?: string): void {
    while (this.#batch.length > 0) this.#endOne(end, reason);
  }
}

/** A time that is set again for each step, or cut short by a signal. */
class Bound implements Disposable {
  /** Resolves when the time is over; never otherwise. */
  readonly over: Promise<"hung" | "interrupted">;
  #resolve: (cause: "hung" | "interrupted") => void;
  #signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #interrupt = () => this.#resolve("interrupted");

  constructor(signal: AbortSignal) {
    const { promise, resolve } = Promise.withResolvers<
      "hung" | "interrupted"
    >();
    this.over = promise;
    this.#resolve = resolve;
    this.#signal = signal;
    signal.addEventListener("abort", this.#interrupt);
  }

  start(seconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resolve("hung"), 1000 * seconds);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#interrupt);
  }
}

function settingOf({ library, seconds }: RunOptions) {
  return { ...(library === undefined ? {} : { library }), seconds };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}

async function readComplaint(
  stream: ReadableStream<Uint8Array>,
): Promise<string> {
  let text = "";
  for await (const part of decode(stream)) {
    if (text.length < COMPLAINT) text += part;
  }
  const line = text.split("\n").find((each) => /\S/.test(each));
  return line === undefined ? "" : `, it said: ${line.trim()}`;
}

function decode(stream: ReadableStream<Uint8Array>): ReadableStream<string> {
  const decoder: TransformStream<Uint8Array, string> = new TextDecoderStream();
  return stream.pipeThrough(decoder);
}

/** Ctrl-C reaches the child as well, and may end it before the doctor knows. */
function isInterrupt({ code, signal }: Deno.CommandStatus): boolean {
  return signal === "SIGINT" || code >>> 0 === CONTROL_C_EXIT;
}

function describe({ code, signal }: Deno.CommandStatus): string {
  if (signal !== null) return `it was ended by ${signal}`;
  const number = code >>> 0;
  return number >= EXCEPTION
    ? `it ended with exception 0x${number.toString(16)}`
    : `it ended with exit code ${number}`;
}

function reasonOf(
  cause: "hung" | "interrupted" | null,
  seconds: number,
): string | undefined {
  return cause === "hung" ? `it took more than ${seconds} s` : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
