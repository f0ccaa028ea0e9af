/**
 * Opening Registered I/O of Winsock.
 *
 * @module
 */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_UDP,
  perFunction,
  RIO_FUNCTIONS,
  type RioFunctionName,
  SOCK_DGRAM,
  WINSOCK_VERSION,
} from "../constants.ts";
import type { RioBackend, RioHandle } from "../contract.ts";
import { WSAEAFNOSUPPORT } from "../error_numbers.ts";
import { check, checkHandle, RioError } from "../errors.ts";
import { WSADATA_SIZE } from "../layout.ts";
import { type CallOptions, WinsockBackend } from "./backend.ts";
import {
  type LibraryOptions,
  openLibrary,
  type WinsockSymbols,
} from "./library.ts";
import { closeNative, openNative } from "./sockets.ts";
import { readRioTable, resolveRioTable } from "./table.ts";

/** Which DLL to open, and how its functions are called. */
export interface WinsockOptions extends LibraryOptions, CallOptions {}

/**
 * Opens Registered I/O of Winsock.
 *
 * @param options Which DLL to open, and how its functions are called.
 * @returns The backend; it holds a `WSAStartup` reference until it is closed.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {Deno.errors.NotSupported} If there is no Registered I/O here.
 * @throws {RioError} If Winsock does not start or opens no socket.
 */
export function openWinsock(options: WinsockOptions = {}): RioBackend {
  return createWinsockBackend(openLibrary(options), options);
}

/**
 * The 13 functions, and whether the system's provider has them; all `false`
 * where it cannot be asked.
 */
export function findWinsockFunctions(
  options: WinsockOptions = {},
): Record<RioFunctionName, boolean> {
  try {
    createWinsockBackend(openLibrary(options), options).close(false);
    return perFunction(() => true);
  } catch {
    return perFunction(() => false);
  }
}

/**
 * Opens Registered I/O behind given native functions.
 *
 * @param symbols The native functions.
 * @param options How function pointers are called.
 * @returns The backend.
 * @throws {Deno.errors.NotSupported} If there is no Registered I/O here.
 * @throws {RioError} If Winsock does not start or opens no socket.
 */
export function createWinsockBackend(
  symbols: WinsockSymbols,
  options: CallOptions = {},
): RioBackend {
  start(symbols);
  try {
    const table = probe(symbols, (socket) => resolveRioTable(socket, symbols));
    return new WinsockBackend(symbols, table, options);
  } catch (error) {
    symbols.WSACleanup();
    throw error;
  }
}

/**
 * Finds out which of the 13 functions the provider of UDP sockets has.
 *
 * @param symbols The native functions to ask.
 * @returns Which are there: none where Winsock gives no table at all.
 */
export function findRioFunctions(
  symbols: WinsockSymbols = openLibrary(),
): Record<RioFunctionName, boolean> {
  const found = Object.fromEntries(
    RIO_FUNCTIONS.map((name) => [name, false]),
  ) as Record<RioFunctionName, boolean>;
  try {
    start(symbols);
    try {
      const table = probe(symbols, (socket) => readRioTable(socket, symbols));
      for (const name of RIO_FUNCTIONS) found[name] = table[name] !== 0n;
    } finally {
      symbols.WSACleanup();
    }
  } catch (error) {
    const { NotSupported } = Deno.errors;
    if (!(error instanceof RioError || error instanceof NotSupported)) {
      throw error;
    }
  }
  return found;
}

function start(symbols: WinsockSymbols): void {
  // WSAStartup is the one function that returns its error itself.
  check(
    symbols.WSAStartup(WINSOCK_VERSION, new Uint8Array(WSADATA_SIZE)),
    "WSAStartup",
    "start Winsock 2.2",
  );
}

/** Asks something of a socket that is opened for the question only. */
function probe<T>(symbols: WinsockSymbols, ask: (socket: RioHandle) => T): T {
  const open = (family: number) =>
    openNative(symbols, { family, type: SOCK_DGRAM, protocol: IPPROTO_UDP });
  let socket = open(AF_INET);
  if (socket === -WSAEAFNOSUPPORT) socket = open(AF_INET6);
  checkHandle(socket, "WSASocketW", "open a socket to resolve the functions");
  try {
    return ask(socket);
  } finally {
    closeNative(symbols, BigInt(socket));
  }
}
