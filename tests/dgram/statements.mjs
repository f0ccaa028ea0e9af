/**
 * What a datagram socket of Node's shape does, as statements in our words. They
 * cover what the files `test-dgram-*` of Node check, and run over Node itself,
 * over Deno's `node:dgram` and over this package: so they use nothing but Node.
 *
 * @module
 */
import { bindStatements } from "./statements/binding.mjs";
import { closeStatements } from "./statements/closing.mjs";
import { connectStatements } from "./statements/connecting.mjs";
import { optionStatements } from "./statements/options.mjs";
import { receiveStatements } from "./statements/receiving.mjs";
import { sendStatements } from "./statements/sending.mjs";

/**
 * All statements, in order: a name, what it does, and where it does not hold.
 *
 * - `run(t)`: fails by throwing. `t` is a `Trial` of `trial.mjs`.
 * - `deno`: why Deno's own `node:dgram` does not do so.
 * - `node`: from which version of Node on it does so.
 * - `needs`: `"ipv6"`, `"linkLocal"`, `"multicast"` or `"linux"`.
 */
export const STATEMENTS = [
  ...bindStatements,
  ...sendStatements,
  ...receiveStatements,
  ...connectStatements,
  ...closeStatements,
  ...optionStatements,
];
