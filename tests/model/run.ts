/**
 * Runs the model over a backend, seed by seed.
 *
 * @module
 */
import { openLinux } from "../../ffi/linux/backend.ts";
import { openSession } from "../../ffi/mod.ts";
import { createWinsockBackend } from "../../ffi/winsock/open.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { Model } from "./model.ts";
import { Random } from "./random.ts";

/** Steps with one session. */
const EPISODE = 500;

/** What the model runs over. */
export type ModelSystem = "linux" | "fake";

/** How far the model runs, and from where. */
export interface RunOptions {
  /** What it runs over. */
  system: ModelSystem;
  /** The first seed; each session has the next one. */
  seed: number;
  /** Steps in all. */
  steps: number;
}

/**
 * Runs the model.
 *
 * @returns How many steps were made.
 * @throws {Error} With the seed that shows a difference, and how to replay it.
 */
export async function runModel(options: RunOptions): Promise<number> {
  const { system } = options;
  let { seed } = options;
  let steps = 0;
  using fake = system === "fake" ? createFakeWindows() : null;
  // Buffers are dropped on purpose.
  using _quiet = silenceWarnings();
  for (; steps < options.steps; seed++) {
    const backend = fake ? createWinsockBackend(fake.symbols) : openLinux();
    const session = openSession(backend);
    const model = new Model(session, new Random(seed));
    try {
      await model.run(Math.min(EPISODE, options.steps - steps));
      if (fake) {
        for (let i = 0; i < 50 && left(fake).length > 0; i++) {
          await new Promise((resolve) => setTimeout(resolve));
        }
        const wrong = [...left(fake), ...fake.takeViolations()];
        if (wrong.length > 0) throw new Error(wrong.join("; "));
      }
    } catch (cause) {
      await session.close();
      throw new Error(
        `Seed ${seed} fails at step ${model.steps}, replay it with: deno run -A --unstable-net --v8-flags=--expose-gc tests/model/main.ts --system ${system} --seed ${seed} --steps ${EPISODE}`,
        { cause },
      );
    }
    steps += model.steps;
  }
  return steps;
}

function silenceWarnings(): Disposable {
  const { warn } = console;
  console.warn = () => {};
  return { [Symbol.dispose]: () => console.warn = warn };
}

function left(fake: ReturnType<typeof createFakeWindows>): string[] {
  const waits = fake.waiting > 0 ? [`${fake.waiting} waits go on`] : [];
  const open = Object.entries(fake.leftovers())
    .map(([what, number]) => `${number} ${what} are left`);
  return [...waits, ...open];
}
