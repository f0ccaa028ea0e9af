// Tries all statements over the `node:dgram` of whoever runs it, and prints a
// line of JSON for each.
import dgram from "node:dgram";
import process from "node:process";
import { STATEMENTS } from "./statements.mjs";
import { attempt, missing } from "./trial.mjs";

const inDeno = globalThis.Deno !== undefined;
const version = parseInt(process.versions.node);
globalThis.process ??= process;

for (const statement of STATEMENTS) {
  const { name } = statement;
  const skip = missing(statement) ??
    (!inDeno && statement.node > version
      ? `Node ${version} cannot`
      : undefined);
  let error;
  if (skip === undefined) {
    const stray = (reason) => error ??= reason;
    process.on("unhandledRejection", stray);
    try {
      await attempt(statement, dgram, { vain: inDeno && statement.deno });
    } catch (reason) {
      error ??= reason;
    }
    process.removeListener("unhandledRejection", stray);
  }
  const told = error && String(error.stack ?? error);
  console.log(JSON.stringify({ name, skip, error: told }));
}
process.exit();
