/**
 * What a deliberate fault is, and which tests can notice one.
 *
 * @module
 */

/** A replacement of text in the package. */
export interface Edit {
  /** The file, from the top of the project. */
  readonly file: string;
  /** The text that is replaced; it is in the file exactly once. */
  readonly find: string;
  /** What stands in its place. */
  readonly replace: string;
}

/** One deliberate fault. */
export interface Mutant {
  /** What goes wrong. */
  readonly name: string;
  /** What is changed to make it go wrong. */
  readonly edits: readonly Edit[];
  /** Tests that have to notice it on Linux, run in this order. */
  readonly linux?: readonly string[];
  /**
   * Whether the run on Windows has to notice it: a test, or the provider that
   * judges how it is used.
   *
   * @default {false}
   */
  readonly windows?: boolean;
}

/** Tests of lifetimes. */
export const LIFETIME: readonly string[] = [
  ...["using", "lifetime", "closing", "held", "buffer"]
    .map((name) => `tests/session/${name}_test.ts`),
  "tests/model/",
];

/** Tests of completion queues. */
export const QUEUE: readonly string[] = [
  "tests/session/dequeue_test.ts",
  "tests/session/teardown_test.ts",
  "tests/session/notify_test.ts",
  "tests/session/capacity_test.ts",
];

/** Tests of the Winsock backend over a fake Windows. */
export const WINSOCK: readonly string[] = [
  "call",
  "errors",
  "waits",
  "connections",
  "leftovers",
  "operations",
  "shared",
  "table",
].map((name) => `tests/winsock/${name}_test.ts`);

/** Tests of the Linux backend. */
export const LINUX: readonly string[] = [
  ...["backend", "memory", "fairness", "sockets", "waits"]
    .map((name) => `tests/linux/${name}_test.ts`),
  "tests/model/",
  "tests/contract/linux_test.ts",
];

/** The tests of lifetimes that run on Windows, for every fault that has to be noticed there. */
export const WINDOWS: readonly string[] = [
  "using",
  "lifetime",
  "closing",
  "held",
  "closed",
  "teardown",
  "collected",
  "buffer",
  "notify",
].map((name) => `tests/session/${name}_test.ts`);
