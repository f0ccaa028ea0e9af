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
  type RioFunctionName,
  SOCK_DGRAM,
} from "../constants.ts";
import type { RioBackend } from "../contract.ts";
import { WSAEAFNOSUPPORT } from "../error_numbers.ts";
import { RioError } from "../errors.ts";
import { CallMemory } from "./call.ts";
import { WinsockConnections } from "./connections.ts";
import { prepareRio } from "./functions.ts";
import {
  type LibraryOptions,
  openLibrary,
  type WinsockSymbols,
} from "./library.ts";
import { provenDispCallFunc } from "./proof.ts";
import { WinsockRings } from "./rings.ts";
import { SharedWinsock, startWinsock } from "./shared.ts";
import { closeNative, openNative } from "./sockets.ts";
import { readRioTable, type RioTable, wholeTable } from "./table.ts";

/** How function pointers are called. */
export interface CallOptions {
  /**
   * Call through `DispCallFunc` where there is one, and not through
   * `Deno.UnsafeFnPointer`.
   *
   * @default {true}
   */
  dispatch?: boolean;
}

/** Which DLL to open, and how its functions are called. */
export interface WinsockOptions extends LibraryOptions, CallOptions {}

/**
 * Opens Registered I/O of Winsock.
 *
 * @param options Which DLL to open, and how its functions are called.
 * @returns The backend; those of a thread with the same DLL share their wait,
 * and a `WSAStartup` reference until the last of them is closed.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {Deno.errors.NotSupported} If there is no Registered I/O here.
 * @throws {RioError} If Winsock does not start or opens no socket.
 */
export function openWinsock(options: WinsockOptions = {}): RioBackend {
  return createWinsockBackend(openLibrary(options), options);
}

/**
 * Opens Registered I/O behind given native functions.
 *
 * @param symbols The native functions; backends behind the same object share
 * their wait.
 * @param options How function pointers are called.
 * @returns The backend.
 * @throws {Deno.errors.NotSupported} If there is no Registered I/O here.
 * @throws {RioError} If Winsock does not start or opens no socket.
 */
export function createWinsockBackend(
  symbols: WinsockSymbols,
  options: CallOptions = {},
): RioBackend {
  const shared = SharedWinsock.acquire(symbols);
  try {
    return assemble(shared, wholeTable(probeTable(symbols)), options);
  } catch (error) {
    shared.release(false);
    throw error;
  }
}

/**
 * Finds out which of the 13 functions there are; never throws.
 *
 * @param options Which DLL to ask.
 * @returns Which are there: none where nothing can be asked.
 */
export function findWinsockFunctions(
  options: LibraryOptions = {},
): Record<RioFunctionName, boolean> {
  try {
    return findRioFunctions(openLibrary(options));
  } catch {
    return perFunction(() => false);
  }
}

/**
 * Finds out which of the 13 functions the provider of UDP sockets has.
 *
 * @param symbols The native functions to ask.
 * @returns Which are there: none where Winsock gives no table at all.
 */
export function findRioFunctions(
  symbols: WinsockSymbols,
): Record<RioFunctionName, boolean> {
  const started = startWinsock(symbols) === 0;
  const table = started ? probeTable(symbols) : null;
  if (started) symbols.WSACleanup();
  const has = (name: RioFunctionName) =>
    table !== null && !(table instanceof Error) && table[name] !== 0n;
  return perFunction(has);
}

/** Puts the parts of a backend together. */
function assemble(
  shared: SharedWinsock,
  table: RioTable,
  { dispatch = true }: CallOptions,
): RioBackend {
  const { symbols, waits } = shared;
  const memory = new CallMemory();
  const dispCallFunc = dispatch ? provenDispCallFunc(symbols) : null;
  const path = { memory, dispCallFunc };
  const functions = prepareRio(table, path);
  const rings = new WinsockRings({ symbols, functions, memory, waits });
  const sockets = new WinsockConnections({
    symbols,
    table,
    path,
    waits,
    rings,
  });
  let closed = false;
  return {
    name: "winsock",
    engine: "rio",
    calls: dispCallFunc === null ? "UnsafeFnPointer" : "DispCallFunc",
    capabilities: {
      reusePort: false,
      bindToDevice: false,
      segmentation: false,
      costlyOpen: false,
      timestamps: false,
      tellsJoined: false,
      tellsLocal: false,
      overlapped: true,
      countsDropped: false,
    },
    rings,
    sockets,
    waits,
    direct: null,
    close(keepNative) {
      if (closed) return;
      closed = true;
      sockets.closeAccepting();
      return shared.release(keepNative);
    },
  };
}

/** Reads the table of a socket that is opened for the purpose. */
function probeTable(symbols: WinsockSymbols): RioTable | Error {
  const open = (family: number) =>
    openNative(symbols, { family, type: SOCK_DGRAM, protocol: IPPROTO_UDP });
  let socket = open(AF_INET);
  if (socket === -WSAEAFNOSUPPORT) socket = open(AF_INET6);
  if (socket < 0) {
    const attempt = "open a socket to resolve the functions";
    return new RioError({ syscall: "WSASocketW", errno: -socket, attempt });
  }
  const table = readRioTable(socket, symbols);
  closeNative(symbols, BigInt(socket));
  return table;
}
