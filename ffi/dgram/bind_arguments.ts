/**
 * The forms in which a program can ask to bind.
 *
 * @module
 */
import { assertString, refusedDescriptor } from "./errors.ts";
import { toCount } from "./send_arguments.ts";
import type { BindArguments, BindOptions } from "./types.ts";

/** What was asked for. */
export interface Binding {
  /** The port, 0 for any: as Node, whatever is given makes one of 16 bits. */
  readonly port: number;
  /** The address or a name; all of the host's where none was given. */
  readonly host: string;
  readonly callback: (() => void) | undefined;
}

/**
 * Reads the arguments of `bind()`.
 *
 * @param everywhere The address for all of the host's.
 * @throws {TypeError} `ERR_INVALID_FD_TYPE`, `ERR_INVALID_ARG_TYPE`
 */
export function readBind(args: BindArguments, everywhere: string): Binding {
  const [first, second] = args;
  const wanted: BindOptions = typeof first === "object" && first !== null
    ? first
    : {
      port: typeof first === "function" ? 0 : first ?? 0,
      address: typeof second === "string" ? second : "",
    };
  const { fd } = wanted;
  if (Number.isInteger(fd) && fd! > 0) throw refusedDescriptor(fd!);
  const port = toCount("port", wanted.port) & 0xFFFF;
  const host = wanted.address || everywhere;
  assertString("address", host);
  const callback = args.findLast((it) => typeof it === "function");
  return { port, host, callback: callback as Binding["callback"] };
}
