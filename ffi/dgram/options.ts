/**
 * What a program may ask of a socket when it makes one.
 *
 * @module
 */
import { BlockList } from "node:net";
import { assertSize, badType, invalidType } from "./errors.ts";
import type { SocketOptions, SocketType } from "./types.ts";

/** Options of a socket, read once. */
export type Checked = Readonly<SocketOptions>;

/**
 * Checks the options of a socket.
 *
 * @param given The family, or all of them.
 * @throws {TypeError} `ERR_SOCKET_BAD_TYPE`, `ERR_INVALID_ARG_TYPE`
 * @throws {RangeError} `ERR_OUT_OF_RANGE`
 */
export function checkOptions(given: SocketType | SocketOptions): Checked {
  const options: SocketOptions = typeof given === "object" && given !== null
    ? { ...given }
    : { type: given };
  const { type, lookup, signal, recvBufferSize, sendBufferSize } = options;
  if (recvBufferSize) assertSize("options.recvBufferSize", recvBufferSize);
  if (sendBufferSize) assertSize("options.sendBufferSize", sendBufferSize);
  for (const name of ["receiveBlockList", "sendBlockList"] as const) {
    const list: unknown = options[name];
    if (list && !(list instanceof BlockList)) {
      throw invalidType(
        `options.${name}`,
        "an instance of net.BlockList",
        list,
      );
    }
  }
  if (lookup !== undefined && typeof lookup !== "function") {
    throw invalidType("lookup", "of type function", lookup);
  }
  if (type !== "udp4" && type !== "udp6") throw badType();
  if (signal !== undefined && !isSignal(signal)) {
    throw invalidType("options.signal", "an instance of AbortSignal", signal);
  }
  return options;
}

/** As in Node: whatever can tell that it was aborted. */
function isSignal(value: unknown): boolean {
  return typeof value === "object" && value !== null && "aborted" in value;
}
