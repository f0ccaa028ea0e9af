/**
 * Statements that need a thread in which nobody has waited before: what a
 * thread finds out about its event loop, it remembers.
 *
 * A file of such statements runs twice: as a test it starts a worker for each
 * statement, and in the worker it runs the one that the worker is named for.
 *
 * @module
 */
import { assertEquals, fail } from "@std/assert";
import { FaultyLinux } from "../faults/faulty_linux.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** The most that a statement may take, in milliseconds. */
const PATIENCE_MS = 20_000;
const IN_WORKER = "WorkerGlobalScope" in globalThis;

/**
 * States something about a thread that is fresh.
 *
 * @param url The file that states it.
 * @param name The statement.
 * @param body Tries it, over a kernel whose calls it sees; it closes what it
 * opens.
 */
export function freshTest(
  url: string,
  name: string,
  body: (system: FaultyLinux) => void | Promise<void>,
): void {
  if (IN_WORKER) {
    if (self.name === name) answer(body);
    return;
  }
  Deno.test({
    name,
    ignore: skipped(name, NOT_LINUX),
    fn: () => ask(url, name),
  });
}

async function answer(
  body: (system: FaultyLinux) => void | Promise<void>,
): Promise<void> {
  let error: string | null = null;
  try {
    using system = new FaultyLinux();
    await body(system);
    assertEquals(await system.faults(), []);
  } catch (thrown) {
    error = Deno.inspect(thrown);
  }
  (self as unknown as Worker).postMessage(error);
}

async function ask(url: string, name: string): Promise<void> {
  const worker = new Worker(url, { type: "module", name });
  const { promise, resolve } = Promise.withResolvers<string | null>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    resolve(event.message);
  };
  const timer = setTimeout(() => resolve("It did not end"), PATIENCE_MS);
  try {
    const error = await promise;
    if (error !== null) fail(error);
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
}
