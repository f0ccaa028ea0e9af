/**
 * Opening Registered I/O of Winsock.
 *
 * @module
 */
import {
  AF_INET,
  AF_INET6,
  INVALID_SOCKET,
  IPPROTO_UDP,
  perFunction,
  type RioFunctionName,
  SOCK_DGRAM,
  WINSOCK_VERSION,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
} from "../constants.ts";
import type { RioBackend } from "../contract.ts";
import { WSAEAFNOSUPPORT } from "../error_numbers.ts";
import { check, checkHandle } from "../errors.ts";
import { WSADATA_SIZE } from "../layout.ts";
import { type CallOptions, WinsockBackend } from "./backend.ts";
import { lastError } from "./last_error.ts";
import {
  type LibraryOptions,
  openLibrary,
  type WinsockSymbols,
} from "./library.ts";
import { closeNative } from "./sockets.ts";
import { resolveRioTable, type RioTable } from "./table.ts";

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
  // WSAStartup is the one function that returns its error itself.
  check(
    symbols.WSAStartup(WINSOCK_VERSION, new Uint8Array(WSADATA_SIZE)),
    "WSAStartup",
    "start Winsock 2.2",
  );
  try {
    return new WinsockBackend(symbols, probeTable(symbols), options);
  } catch (error) {
    symbols.WSACleanup();
    throw error;
  }
}

/** Resolves the table from a socket made for the purpose. */
function probeTable(symbols: WinsockSymbols): RioTable {
  let socket = openProbe(symbols, AF_INET);
  if (socket === -WSAEAFNOSUPPORT) socket = openProbe(symbols, AF_INET6);
  checkHandle(socket, "WSASocketW", "open a socket to resolve the functions");
  try {
    return resolveRioTable(socket, symbols);
  } finally {
    closeNative(symbols, BigInt(socket));
  }
}

function openProbe(symbols: WinsockSymbols, family: number): number {
  const socket = symbols.WSASocketW(
    family,
    SOCK_DGRAM,
    IPPROTO_UDP,
    0n,
    0,
    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT,
  );
  return socket === INVALID_SOCKET ? -lastError(symbols) : Number(socket);
}
