/**
 * What a datagram socket of Node's shape does, over this package, over Deno's own
 * `node:dgram` and over Node itself. Where Deno's does not, the statement says so,
 * and has to be right.
 *
 * @module
 */
import { assert, assertEquals, assertExists } from "@std/assert";
import dgram from "../../ffi/dgram/mod.ts";
import { output } from "../bounded.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { SANITIZERS } from "./child.ts";
import { type Outcome, outcomes, type Statement } from "./outcomes.ts";
import { STATEMENTS } from "./statements.mjs";
import { attempt, missing } from "./trial.mjs";

const statements = STATEMENTS as Statement[];

for (const statement of statements) {
  const { name } = statement;
  Deno.test({
    name: `dgram: ${name}`,
    ignore: skipped(`dgram: ${name}`, missing(statement)),
    ...SANITIZERS,
    fn: () => attempt(statement, dgram),
  });
}

Deno.test("every statement has a name of its own", () => {
  const names = statements.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
});

// What it does is said of Linux, and differs elsewhere.
Deno.test({
  name: "node:dgram of Deno does what it is said to do, and nothing more",
  ignore: skipped("node:dgram of Deno", NOT_LINUX),
  fn: async () => {
    const told = await outcomes(Deno.execPath(), ["run", "-A", "--no-check"]);
    compare(told, ({ deno }) => deno === undefined);
  },
});

Deno.test({
  name: "node:dgram of Node does all that is stated",
  ignore: skipped("node:dgram of Node", NOT_LINUX ?? await nodeIsMissing()),
  fn: async () => compare(await outcomes("node", []), () => true),
});

/** Compares what happened with what was to happen. */
function compare(
  told: Map<string, Outcome>,
  holds: (statement: Statement) => boolean,
): void {
  const wrong: string[] = [];
  for (const statement of statements) {
    const { name } = statement;
    const outcome = told.get(name);
    assertExists(outcome, `nothing is known of "${name}"`);
    if (outcome.skip !== undefined) continue;
    const worked = outcome.error === undefined;
    if (worked === holds(statement)) continue;
    wrong.push(worked ? `${name}: it does` : `${name}: ${outcome.error}`);
  }
  assert(wrong.length === 0, wrong.join("\n"));
}

async function nodeIsMissing(): Promise<string | undefined> {
  try {
    await output("node", { args: ["--version"] });
    return undefined;
  } catch {
    return "there is no Node here";
  }
}
