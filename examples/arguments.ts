/**
 * What the examples share: arguments, and ending.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

/** Ends the program because of a wrong argument. */
export function usage(message: string): never {
  console.error(`${message}\nRun with --help for the options.`);
  Deno.exit(2);
}

/**
 * Reads `--name value` for every name that has a default, and `--help`.
 *
 * @param help The text for `--help`.
 * @param defaults Names and defaults.
 * @param positionals How many arguments without a name there can be.
 */
export function readArguments<Name extends string>(
  help: string,
  defaults: Record<Name, string>,
  positionals = 0,
): Record<Name, string> & { positionals: string[] } {
  const flags: Record<string, unknown> & { _: unknown[] } = parseArgs(
    Deno.args,
    {
      string: [...Object.keys(defaults), "_"],
      boolean: ["help"],
      default: defaults,
      unknown(argument) {
        if (argument.startsWith("-")) usage(`Unknown argument ${argument}`);
      },
    },
  );
  if (flags.help) {
    console.log(help);
    Deno.exit(0);
  }
  const rest = flags._.map(String);
  if (rest.length > positionals) {
    usage(`Unknown argument ${rest[positionals]}`);
  }
  return Object.assign(flags as Record<Name, string>, { positionals: rest });
}

/** A whole number within bounds, from the text of an argument. */
export function wholeNumber(
  name: string,
  text: string,
  [min, max]: [min: number, max: number],
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  return usage(
    `Invalid ${name} "${text}": give a whole number from ${min} to ${max}`,
  );
}

/** Opens a socket; an address that cannot be used is a wrong argument. */
export async function openOrExit<T>(open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof Error) usage(error.message);
    throw error;
  }
}

/** Calls something at Ctrl-C, until it is disposed. */
export function onInterrupt(stop: () => void): Disposable {
  Deno.addSignalListener("SIGINT", stop);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGINT", stop),
  };
}

/** Whether an error only says that the socket was closed. */
export function saysClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}

/** The exit code of a program whose output nobody reads any more. */
const NO_READER = 141;

/** Writes text as it is; ends the program where nobody reads it any more. */
export function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += Deno.stdout.writeSync(bytes.subarray(at));
    }
  } catch (error) {
    // For example `| head -1`, which has seen enough.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(NO_READER);
    throw error;
  }
}

/** How many characters a line may have, so that no terminal breaks it. */
export function columns(): number {
  if (!Deno.stdout.isTerminal()) return 80;
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

/** Draws text over what was drawn before; only the last one if no terminal. */
export class Drawing {
  readonly #live = Deno.stdout.isTerminal();
  #lines = 0;

  /** Shows the text, if somebody is looking. */
  update(text: string): void {
    if (this.#live) this.#write(text);
  }

  /** Shows the text for good. */
  finish(text: string): void {
    this.#write(text);
    this.#lines = 0;
  }

  #write(text: string): void {
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[J` : "";
    const width = columns();
    // A line that the terminal breaks would stand there twice.
    const lines = text.split("\n").map((line) => line.slice(0, width));
    this.#lines = lines.length;
    write(`${back}${lines.join("\n")}\n`);
  }
}

/** A bar of so many cells for a share of 1. */
export function bar(share: number, cells: number): string {
  const eighths = Math.round(Math.min(1, share) * cells * 8);
  const rest = " ▏▎▍▌▋▊▉"[eighths % 8]!;
  return "█".repeat(eighths >> 3) + (eighths % 8 > 0 ? rest : "");
}
