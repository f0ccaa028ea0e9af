/**
 * How a program runs unchanged on Windows: with the provider behind its
 * sessions, where there is one, and with a Ctrl-C that it can take.
 *
 * @module
 */
import { lacksRio } from "./wine.ts";

const windows = Deno.build.os === "windows";
const provided = Deno.env.get("RIO_LIBRARY") !== undefined;

/** Why programs can not run here, if they can not. */
export const reason: string | undefined = lacksRio() && !provided
  ? "this is Wine and RIO_LIBRARY is not set, so there is no provider for the program"
  : undefined;

/** Flags of Deno that such a program needs. */
export const FLAGS: readonly string[] = windows
  ? ["--allow-env=RIO_LIBRARY", "--preload"].concat(
    new URL("preload.ts", import.meta.url).href,
  )
  : [];

/** What its standard input has to be, where the test needs none. */
export const STDIN: "piped" | "null" = windows ? "piped" : "null";

/** Presses Ctrl-C. */
export async function interrupt(child: Deno.ChildProcess): Promise<void> {
  if (!windows) return kill(child);
  const writer = child.stdin.getWriter();
  // Where it has ended by itself, there is nothing to press.
  await writer.write(new Uint8Array([3])).catch(() => {});
  writer.releaseLock();
}

/** Closes the standard input that `STDIN` asked for. */
export async function closeStdin(child: Deno.ChildProcess): Promise<void> {
  if (STDIN === "piped") await child.stdin.close().catch(() => {});
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGINT");
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}
