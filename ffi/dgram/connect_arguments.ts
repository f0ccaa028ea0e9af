/**
 * The forms in which a program can ask to connect.
 *
 * @module
 */
import { assertString, invalidType } from "./errors.ts";
import { toPort } from "./send_arguments.ts";

/** What was asked for. */
export interface Connecting {
  readonly port: number;
  /** The address or a name; empty for this host. */
  readonly address: string;
  readonly callback: ((error?: Error) => void) | undefined;
}

/**
 * Reads the arguments of `connect()`; the address can be left out.
 *
 * @throws {RangeError} `ERR_SOCKET_BAD_PORT`
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
 */
export function readConnect(
  port: unknown,
  second: unknown,
  third: unknown,
): Connecting {
  const to = toPort(port);
  const [address = "", callback] = typeof second === "function"
    ? [undefined, second]
    : [second, third];
  assertString("address", address);
  if (callback && typeof callback !== "function") {
    throw invalidType("callback", "of type function", callback);
  }
  return { port: to, address, callback: callback as Connecting["callback"] };
}
