/**
 * Programs in a process of their own.
 *
 * @module
 */

import { rioSupport } from "../../mod.ts";
import { output } from "../bounded.ts";
import { skipped } from "../skip.ts";
import { lacksRio } from "../windows/wine.ts";

/** Why a test is left out that runs a program of its own. */
const NO_CHILDREN: string | undefined = lacksRio()
  ? "a program of its own would have no Registered I/O under Wine"
  : undefined;

/**
 * Where a thread waits for the sockets, it goes on for a moment after the last of
 * them was closed: sanitizers take that for something left behind.
 */
const inEventLoop = rioSupport().waits === "reactor";

/** What is left behind by a test of sockets; nothing of Deno's. */
export const SANITIZERS: Pick<
  Deno.TestDefinition,
  "sanitizeOps" | "sanitizeResources"
> = { sanitizeOps: inEventLoop, sanitizeResources: inEventLoop };

/** Registers a test that runs such a program. */
export function childTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: skipped(name, NO_CHILDREN), fn });
}

/** What a program has said. */
export interface Said {
  readonly success: boolean;
  /** The lines that it printed. */
  readonly printed: string[];
  readonly errors: string;
}

/** Runs one of the programs below `children`, with Deno's arguments and its own. */
export async function run(
  script: string,
  args: string[],
  own: string[] = [],
): Promise<Said> {
  const url = new URL(`children/${script}`, import.meta.url);
  const { success, stdout, stderr } = await output(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...args, url.href, ...own],
    env: { NO_COLOR: "1" },
  });
  const printed = stdout.split("\n").filter(Boolean);
  return { success, printed, errors: stderr };
}
