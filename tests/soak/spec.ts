/**
 * The model of the contract at its full size, and many of its lives.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { checkModel, traces, WITHOUT_SPIN } from "../spec/spin.ts";
import { specSystems } from "../spec/systems.ts";

/** How much is done. */
export interface SpecOptions {
  readonly requests: number;
  readonly lives: number;
  readonly seed: number;
}

/** The most that a check takes, in seconds. */
const BOUND = 3600;

/** Checks the model, and replays lives of it on every system. */
export async function soakSpec(
  { requests, lives, seed }: SpecOptions,
): Promise<void> {
  if (WITHOUT_SPIN !== undefined) {
    return console.log(`skip: the model of a session: ${WITHOUT_SPIN}`);
  }
  for (const eager of [true, false]) {
    const found = await checkModel({ eager, requests, seconds: BOUND });
    assertEquals([found.errors, found.unreached], [0, 0], found.text);
    console.log(`${found.states} states of the model`);
  }
  for (const { name, eager, replay } of specSystems()) {
    const all = await traces({ eager, lives, seed: seed % 1_000_000 });
    for (const lines of all) await replay(lines);
    console.log(`${all.length} lives of the model: ${name}`);
  }
}
