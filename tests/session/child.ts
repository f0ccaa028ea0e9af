/**
 * Runs programs in processes of their own, for a bounded time.
 *
 * @module
 */
import { fail } from "@std/assert";
import { Pipe } from "../bounded.ts";
import { WAY_FLAGS } from "../linux/way.ts";
import { PROGRAM_MS } from "../patience.ts";
import * as unchanged from "../windows/unchanged.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a program did. */
export interface Outcome {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  /** Permission and other flags. */
  flags?: readonly string[];
  /** Arguments of the program. */
  args?: readonly string[];
  /** Called with the process and each piece of its output so far. */
  watch?: (child: Deno.ChildProcess, stdout: string) => void | Promise<void>;
  /** It ends with things open on purpose, and no verifier shall report it. */
  leaves?: boolean;
  /** Its standard input. */
  stdin?: "null" | "piped";
  /** Variables of its environment, beside those of this process. */
  env?: Record<string, string>;
  /** The command that runs it, for example in another network. */
  inside?: readonly string[];
}

const library = Deno.build.os === "windows"
  ? Deno.env.get("RIO_LIBRARY")
  : undefined;

/** What every script starts with. */
const PRELUDE = `
import { listenDatagram, RioBufferInUseError, RioClosedError, RioSession, rioSupport } from ${
  JSON.stringify(new URL("mod.ts", ROOT).href)
};
const OPTIONS = ${JSON.stringify(library === undefined ? {} : { library })};
const open = () => RioSession.open(OPTIONS);
const udp = (session, port = 0, hostname = "127.0.0.1") =>
  session.openSocket({ transport: "udp", hostname, port });
const attempt = async (name, call) => {
  try {
    await call();
    console.log(name, "ok");
  } catch (error) {
    console.log(name, error.name);
  }
};
`;

/** Runs a script, with the package imported, until it ends by itself. */
export async function runScript(
  script: string,
  options: RunOptions = {},
): Promise<Outcome> {
  const directory = await Deno.makeTempDir({ prefix: "rio-child-" });
  try {
    const path = `${directory}/main.js`;
    await Deno.writeTextFile(path, PRELUDE + script);
    return await runProgram(path, options);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs one of the examples until it ends by itself. */
export function runExample(
  name: string,
  options: RunOptions = {},
): Promise<Outcome> {
  const { flags = [] } = options;
  return runProgram(new URL(`examples/${name}`, ROOT).href, {
    stdin: unchanged.STDIN,
    ...options,
    flags: [...flags, ...unchanged.FLAGS],
  });
}

async function runProgram(
  program: string,
  options: RunOptions,
): Promise<Outcome> {
  const { flags = [], args = [], watch, leaves, stdin = "null" } = options;
  const { env, inside = [] } = options;
  const [command, ...before] = [...inside, Deno.execPath()];
  const child = new Deno.Command(command!, {
    args: [
      ...before,
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      "--config",
      decodeURIComponent(new URL("deno.json", ROOT).pathname).replace(
        /^\/([A-Za-z]:)/,
        "$1",
      ),
      ...WAY_FLAGS,
      ...flags,
      program,
      ...args,
    ],
    env: {
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
      ...env,
      ...(leaves ? { RIO_VERIFIER_IGNORE_EXIT: "1" } : {}),
    },
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const out = new Pipe(child.stdout, (text) => watch?.(child, text));
  const err = new Pipe(child.stderr);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
    // What it has started may hold them open.
    for (const pipe of [out, err]) pipe.cancel();
  }, PROGRAM_MS);
  try {
    const [stdout, stderr, status] = await Promise.all(
      [out.text, err.text, child.status],
    );
    if (late) fail(`The program did not end:\n${stdout}\n${stderr}`);
    const { code, signal } = status;
    return { code, signal, stdout, stderr };
  } finally {
    clearTimeout(timer);
    if (stdin === "piped") await child.stdin.close().catch(() => {});
  }
}

/** A watcher that sends a signal once, when a text was printed. */
export function signalWhen(
  printed: string,
  signal: Deno.Signal,
): NonNullable<RunOptions["watch"]> {
  let sent = false;
  return async (child, stdout) => {
    if (sent || !stdout.includes(printed)) return;
    sent = true;
    if (signal === "SIGINT") await unchanged.interrupt(child);
    else child.kill(signal);
  };
}
