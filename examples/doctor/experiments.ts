/**
 * The list of experiments.
 *
 * @module
 */
import { BASICS } from "./basics.ts";
import type { Experiment } from "./experiment.ts";
import { LIMITS } from "./limits.ts";
import { NETWORK_QUESTIONS } from "./network_questions.ts";
import { PRACTICE } from "./practice.ts";
import { PROVIDER } from "./provider.ts";
import { QUEUE_QUESTIONS } from "./queue_questions.ts";
import { REQUEST_QUESTIONS } from "./request_questions.ts";
import { SOCKET_QUESTIONS } from "./socket_questions.ts";

const [SUPPORT, ...REST] = BASICS;

/** What decides whether Registered I/O works. */
export const DECIDING: ReadonlySet<string> = new Set(
  BASICS.map(({ name }) => name),
);

/** What makes sense even where Registered I/O does not open. */
export const ALWAYS: ReadonlySet<string> = new Set(["support", "provider"]);

/** Every experiment, in the order in which they run. */
export const EXPERIMENTS: readonly Experiment[] = [
  SUPPORT!,
  ...PROVIDER,
  ...REST,
  ...LIMITS,
  ...PRACTICE,
  ...NETWORK_QUESTIONS,
  ...[...QUEUE_QUESTIONS, ...REQUEST_QUESTIONS, ...SOCKET_QUESTIONS]
    .sort((a, b) => Number(a.name) - Number(b.name)),
];

/**
 * Two experiments that only `--only` starts. They exist for the test of the
 * doctor, which has to survive them: one never ends, one ends the process.
 */
export const DISASTERS: readonly Experiment[] = [
  {
    name: "hang",
    title: "Does the doctor survive an experiment that hangs?",
    risk: "it never ends",
    net: false,
    run() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  },
  {
    name: "crash",
    title: "Does the doctor survive an experiment that crashes?",
    risk: "it reads memory that is not there",
    net: false,
    run(notes) {
      notes.fact("before the crash", "this much was known");
      const nowhere = Deno.UnsafePointer.create(8n)!;
      new Deno.UnsafePointerView(nowhere).getUint8();
    },
  },
];

/** The experiment of a name. */
export function experimentOf(name: string): Experiment | undefined {
  return [...EXPERIMENTS, ...DISASTERS].find((one) => one.name === name);
}
