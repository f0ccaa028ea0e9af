/**
 * The table of the 13 RIO functions, as the provider of a socket gives it.
 *
 * Source: `WSAIoctl` and `RIO_EXTENSION_FUNCTION_TABLE` in the Microsoft
 * reference.
 *
 * @module
 */
import {
  perFunction,
  RIO_FUNCTIONS,
  type RioFunctionName,
  SIO_GET_EXTENSION_FUNCTION_POINTER,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
  WSAID_MULTIPLE_RIO,
} from "../constants.ts";
import { WSAEOPNOTSUPP, WSASYSCALLFAILURE } from "../error_numbers.ts";
import { RioError } from "../errors.ts";
import { guidBytes, RIO_EXTENSION_FUNCTION_TABLE } from "../layout.ts";
import type { RioHandle } from "../contract.ts";
import { lastError } from "./last_error.ts";
import { openLibrary, type WinsockSymbols } from "./library.ts";

const NONE =
  "the provider of the socket has none (Windows 10, version 1709, or later is needed, and Wine has none)";

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
  return wholeTable(readRioTable(socket, symbols));
}

/** The table that was read; throws if there is none, or a function is missing. */
export function wholeTable(table: RioTable | Error): RioTable {
  if (table instanceof Error) throw table;
  const missing = RIO_FUNCTIONS.find((name) => table[name] === 0n);
  if (missing === undefined) return table;
  throw unavailable(`the provider of the socket gave no ${missing}`);
}

/**
 * Reads the table of a socket, in which functions can be missing.
 *
 * @param socket Any open socket; it can be closed afterwards.
 * @param symbols The native functions to ask.
 * @returns The addresses by name, `0n` for a function that is missing; or why
 * there is no table.
 */
export function readRioTable(
  socket: RioHandle,
  symbols: WinsockSymbols,
): RioTable | Error {
  const { size, cbSize, functions } = RIO_EXTENSION_FUNCTION_TABLE;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(cbSize, size, true);
  const code = SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER;
  const question = { socket: BigInt(socket), code, guid: WSAID_MULTIPLE_RIO };
  const written = askProvider(symbols, question, bytes);
  if (written < 0) {
    const attempt = "resolve the table of RIO functions";
    const errno = -written;
    const cause = new RioError({ syscall: "WSAIoctl", errno, attempt });
    return unavailable(errno === WSAEOPNOTSUPP ? NONE : cause.message, cause);
  }
  const stated = view.getUint32(cbSize, true);
  if (stated !== size || written < size) {
    return unavailable(
      `the provider of the socket gave a table of ${stated} bytes and wrote ${written} where ${size} are due`,
    );
  }
  return perFunction((_, i) => view.getBigUint64(functions + 8 * i, true));
}

/**
 * Resolves one extension function, such as `ConnectEx`.
 *
 * @param symbols The native functions to ask.
 * @param socket A socket of the provider.
 * @param guid The name of the function.
 * @returns Its address, or minus an error number.
 */
export function resolveExtension(
  symbols: WinsockSymbols,
  socket: bigint,
  guid: string,
): bigint {
  const address = new BigUint64Array(1);
  const question = { socket, code: SIO_GET_EXTENSION_FUNCTION_POINTER, guid };
  const written = askProvider(symbols, question, address);
  if (written < 0) return BigInt(written);
  // A success without an address is none.
  return address[0]! || BigInt(-WSASYSCALLFAILURE);
}

/** Returns how many bytes the provider wrote, or minus an error number. */
function askProvider(
  symbols: WinsockSymbols,
  question: { socket: bigint; code: number; guid: string },
  answer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>,
): number {
  const written = new Uint32Array(1);
  const failed = symbols.WSAIoctl(
    question.socket,
    question.code,
    guidBytes(question.guid),
    16,
    answer,
    answer.byteLength,
    written,
    0n,
    0n,
  );
  return failed === 0 ? written[0]! : -lastError(symbols);
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
