/**
 * The smallest registration scope: a buffer is registered, and leaving the
 * block deregisters it.
 *
 * ```sh
 * deno run --allow-ffi examples/registration.ts
 * ```
 *
 * @module
 */
import { RioSession } from "../mod.ts";
import { readArguments } from "./arguments.ts";

const HELP = `Registers a buffer; leaving its block deregisters it.

  --help  this text

Exit code 0, 2 for a wrong argument.`;

readArguments(HELP, {});

using session = RioSession.open();
{
  using buffer = session.registerBuffer(64 * 1024);
  console.log(`registered ${buffer.byteLength} bytes as buffer ${buffer.id}`);
}
const { registered, deregistered } = session.stats();
console.log(`registered ${registered}, deregistered ${deregistered}`);
