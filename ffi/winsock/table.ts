/**
 * The table of the 13 RIO functions, as the provider of a socket gives it.
 *
 * Source: `WSAIoctl` and `RIO_EXTENSION_FUNCTION_TABLE` in the Microsoft
 * reference.
 *
 * @module
 */
import {
  RIO_FUNCTIONS,
  type RioFunctionName,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
  WSAID_MULTIPLE_RIO,
} from "../constants.ts";
import { WSAEOPNOTSUPP } from "../error_numbers.ts";
import { RioError } from "../errors.ts";
import { guidBytes, RIO_EXTENSION_FUNCTION_TABLE } from "../layout.ts";
import type { RioHandle } from "../contract.ts";
import { lastError } from "./last_error.ts";
import { openLibrary, type WinsockSymbols } from "./library.ts";

/** The native addresses of the 13 functions. */
export type RioTable = Readonly<Record<RioFunctionName, bigint>>;

/**
 * Resolves the 13 RIO functions from a socket.
 *
 * The pointers belong to the provider behind the socket: use them with sockets
 * of that provider only, and hold a `WSAStartup` reference as long as they are
 * used. A table alone does not prove that request queues can be created.
 *
 * @param socket Any open socket; it can be closed afterwards.
 * @param symbols The native functions to ask.
 * @returns The addresses by name.
 * @throws {Deno.errors.NotSupported} If there is no such table, or not a whole one.
 */
export function resolveRioTable(
  socket: RioHandle,
  symbols: WinsockSymbols = openLibrary(),
): RioTable {
  const { size, cbSize, functions } = RIO_EXTENSION_FUNCTION_TABLE;
  const table = new Uint8Array(size);
  const view = new DataView(table.buffer);
  view.setUint32(cbSize, size, true);
  const byteCount = new Uint32Array(1);
  const failed = symbols.WSAIoctl(
    BigInt(socket),
    SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
    guidBytes(WSAID_MULTIPLE_RIO),
    16,
    table,
    size,
    byteCount,
    0n,
    0n,
  );
  if (failed !== 0) {
    const cause = new RioError({
      syscall: "WSAIoctl",
      errno: lastError(symbols),
      attempt: "resolve the table of RIO functions",
    });
    throw unavailable(
      cause.errno === WSAEOPNOTSUPP
        ? "the provider of the socket has none (Windows 8, Windows Server 2012 or later is needed, and Wine has none)"
        : cause.message,
      cause,
    );
  }
  const stated = view.getUint32(cbSize, true);
  if (stated !== size || byteCount[0]! < size) {
    throw unavailable(
      `the provider of the socket gave a table of ${stated} bytes and wrote ${
        byteCount[0]
      } where ${size} are due`,
    );
  }
  const addresses = RIO_FUNCTIONS.map((name, i) => {
    const address = view.getBigUint64(functions + 8 * i, true);
    if (address === 0n) {
      throw unavailable(`the provider of the socket gave no ${name}`);
    }
    return [name, address] as const;
  });
  return Object.fromEntries(addresses) as Record<RioFunctionName, bigint>;
}

/**
 * Resolves one extension function, such as `ConnectEx`.
 *
 * @param symbols The native functions to ask.
 * @param socket A socket of the provider.
 * @param guid The name of the function.
 * @returns Its address, or `0n`: then `WSAGetLastError` has the reason.
 */
export function resolveExtension(
  symbols: WinsockSymbols,
  socket: bigint,
  guid: string,
): bigint {
  const address = new BigUint64Array(1);
  symbols.WSAIoctl(
    socket,
    SIO_GET_EXTENSION_FUNCTION_POINTER,
    guidBytes(guid),
    16,
    address,
    8,
    new Uint32Array(1),
    0n,
    0n,
  );
  return address[0]!;
}

function unavailable(
  reason: string,
  cause?: RioError,
): Deno.errors.NotSupported {
  return new Deno.errors.NotSupported(
    `Registered I/O is not available: ${reason}`,
    cause ? { cause } : {},
  );
}
