/**
 * Makes all runs of something, to a depth.
 *
 * @module
 */
import { Choices } from "./choices.ts";

/** Something that is made anew for each run. */
export interface Life {
  /** What was done, in words. */
  readonly done: readonly string[];
  /** Does so many things that are chosen; then ends, and looks what is left. */
  run(depth: number): Promise<void>;
  /** Gives up what a run that failed has left. */
  giveUp?(): void;
}

/** Makes lives on a system. */
export interface Place extends AsyncDisposable {
  /** Begins one, which makes these choices. */
  begin(choices: Choices): Promise<Life>;
}

/** How far, and from where. */
export interface RunOptions {
  readonly depth: number;
  /** One run only, the one with these choices. */
  readonly path?: readonly number[];
}

const RUNS_PER_TURN = 50;

/** Lets the event loop have its turn: it looks at descriptors, and frees memory. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Makes all runs.
 *
 * @returns How many there are.
 * @throws {Error} With the choices of the run that fails.
 */
export async function runAll(
  place: Place,
  { depth, path }: RunOptions,
): Promise<number> {
  const choices = new Choices(path);
  while (choices.next()) {
    if (choices.runs % RUNS_PER_TURN === 0) await turn();
    const life = await place.begin(choices);
    try {
      await life.run(depth);
    } catch (cause) {
      life.giveUp?.();
      const steps = life.done.join(", ");
      throw new Error(`Run ${choices.path} fails: ${steps}`, { cause });
    }
    if (path !== undefined) break;
  }
  return choices.runs;
}
