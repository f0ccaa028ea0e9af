/**
 * Stands in for `@std/testing/bdd` where the JSR registry cannot be reached:
 * `node:test`, narrowed to what both have in common. It runs without the
 * sanitizers of `Deno.test`: what has to leave nothing open belongs there.
 * Either way `deno test` counts a group as one test, and what is in it as steps.
 *
 * @module
 */
import * as node from "node:test";

type Step = () => void | Promise<void>;

/** Adds a test, or a group of tests, with a name. */
interface Register {
  (name: string, fn: Step): void;
  /** Runs this one and no other. */
  only(name: string, fn: Step): void;
  /** Leaves this one out. */
  skip(name: string, fn: Step): void;
}

type Hook = (fn: Step) => void;

export const describe: Register = node.describe;
export const it: Register = node.it;
export const test: Register = node.test;
export const before: Hook = node.before;
export const beforeAll: Hook = node.before;
export const beforeEach: Hook = node.beforeEach;
export const after: Hook = node.after;
export const afterAll: Hook = node.after;
export const afterEach: Hook = node.afterEach;
