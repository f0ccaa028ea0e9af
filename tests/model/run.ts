/**
 * Runs the model over a system, seed by seed.
 *
 * @module
 */
import type { RioBackend } from "../../ffi/contract.ts";
import { openSession } from "../../ffi/mod.ts";
import { Model } from "./model.ts";
import { Random } from "./random.ts";
import { Reached } from "./pairs.ts";
import { makeSystem, type ModelSystem } from "./system.ts";
import { PAIRS } from "./verbs.ts";

/** Steps with one session. */
export const EPISODE = 500;

/** How far the model runs, and from where. */
export interface RunOptions {
  /** What it runs over. */
  system: ModelSystem;
  /** The first seed; each session has the next one. */
  seed: number;
  /** Steps in all. */
  steps: number;
  /** Makes the system lie, to see whether the model notices. */
  spoil?: (backend: RioBackend) => void;
}

/** What was done. */
export interface Done {
  /** Steps in all. */
  steps: number;
  /** How often each verb was used in each state. */
  readonly reached: Reached;
}

/**
 * Runs the model.
 *
 * @returns What was done.
 * @throws {Error} With the seed that shows a difference, and how to replay it.
 */
export async function runModel(options: RunOptions): Promise<Done> {
  const { system, spoil } = options;
  let { seed } = options;
  const reached = new Reached(PAIRS);
  const done: Done = { steps: 0, reached };
  using made = makeSystem(system);
  // Buffers are dropped on purpose.
  using _quiet = silenceWarnings();
  for (; done.steps < options.steps; seed++) {
    const backend = made.open();
    spoil?.(backend);
    const session = openSession(backend);
    const model = new Model(session, new Random(seed), { system });
    const steps = Math.min(EPISODE, options.steps - done.steps);
    try {
      await model.run(steps);
      const faults = await made.faults();
      if (faults.length > 0) throw new Error(faults.join("; "));
    } catch (cause) {
      await model.giveUp();
      throw new Error(
        `Seed ${seed} fails at step ${model.steps}, replay it with: ${
          system === "windows" ? "deno task test:windows run" : "deno run"
        } -A --unstable-net --v8-flags=--expose-gc tests/model/main.ts --system ${system} --seed ${seed} --steps ${steps}`,
        { cause },
      );
    }
    done.steps += model.steps;
    reached.addAll(model.reached);
  }
  return done;
}

function silenceWarnings(): Disposable {
  const { warn } = console;
  console.warn = () => {};
  return { [Symbol.dispose]: () => console.warn = warn };
}
