/**
 * Random use of the 13 functions on a system, for many steps.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { RioBackend } from "../../ffi/contract.ts";
import { createWinsockBackend } from "../../ffi/mod.ts";
import { openBackend } from "../../ffi/open.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { Reached } from "../model/pairs.ts";
import { Random } from "../model/random.ts";
import { PAIRS } from "./pairs.ts";
import { User } from "./user.ts";

/** Steps of one user. */
const STEPS = 200;

/** How it is used. */
export interface RandomUse {
  readonly system: "fake" | "linux";
  readonly steps: number;
  readonly seed: number;
}

/** Uses a system; throws with the seed of the user that finds something. */
export async function useAtRandom(
  { system, steps, seed }: RandomUse,
): Promise<Reached> {
  const reached = new Reached(PAIRS);
  for (let done = 0; done < steps; done += STEPS) {
    const own = seed + done;
    try {
      if (system === "fake") await onFake(own, reached);
      else await use(openBackend(), { seed: own, reached, pass() {} });
    } catch (cause) {
      throw new Error(`The user with seed ${own} found something`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  return reached;
}

async function onFake(seed: number, reached: Reached): Promise<void> {
  const fake = createFakeWindows();
  const rio = createWinsockBackend(fake.symbols);
  const closed = use(rio, { seed, reached, pass: () => fake.pump() });
  fake.pump();
  await closed;
  // Calls that were refused for that.
  const faults = fake.takeViolations().filter((fault) =>
    !/^RIO(?:Send|Receive): .* was deregistered$/.test(fault) &&
    fault !== "RIONotify: the queue is armed already"
  );
  fake[Symbol.dispose]();
  assertEquals(faults, []);
}

async function use(
  rio: RioBackend,
  { seed, reached, pass }: {
    seed: number;
    reached: Reached;
    pass(): void;
  },
): Promise<void> {
  const user = new User(rio, {
    random: new Random(seed),
    pass,
    reached: (verb, state) => reached.add(verb, state),
  });
  for (let i = 0; i < STEPS; i++) user.step();
  user.end();
  await rio.close(false);
}
