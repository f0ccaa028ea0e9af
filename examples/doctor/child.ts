/**
 * Running experiments in this process: the doctor's child, or the doctor
 * itself where it may not start any.
 *
 * @module
 */
import {
  type Experiment,
  type Finding,
  Notebook,
  type Setting,
} from "./experiment.ts";

/** What a child says, one to a line of its output. */
export type Message =
  | { readonly kind: "begin"; readonly name: string }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "end"; readonly error?: string };

/** Runs experiments one after another, and tells what happens. */
export async function runHere(
  experiments: readonly Experiment[],
  options: { library?: string; seconds: number },
  tell: (message: Message) => void,
): Promise<void> {
  const { seconds, ...rest } = options;
  for (const { name, run } of experiments) {
    tell({ kind: "begin", name });
    const deadline = performance.now() + 1000 * seconds;
    const setting: Setting = { ...rest, deadline };
    const notes = new Notebook((finding) => tell({ kind: "finding", finding }));
    try {
      await run(notes, setting);
      tell({ kind: "end" });
    } catch (cause) {
      const error = cause instanceof Error
        ? `${cause.name}: ${cause.message}`
        : String(cause);
      tell({ kind: "end", error });
    }
  }
}

/** The line of a message; written at once, so that a crash does not take it. */
export function writeMessage(message: Message): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

/** The message of a line; `null` for what native code printed. */
export function readMessage(line: string): Message | null {
  if (!line.startsWith('{"kind":')) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
