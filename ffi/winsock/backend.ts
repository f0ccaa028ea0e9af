/**
 * The contract on Winsock.
 *
 * @module
 */
import { RIO_FUNCTIONS } from "../constants.ts";
import type { RioBackend, RioCapabilities } from "../contract.ts";
import { WSAEOPNOTSUPP } from "../error_numbers.ts";
import { CallMemory } from "./call.ts";
import { WinsockConnections } from "./connections.ts";
import { prepareRio } from "./functions.ts";
import type { WinsockSymbols } from "./library.ts";
import { WinsockRings } from "./rings.ts";
import type { WinsockSocket } from "./sockets.ts";
import { resolveRioTable, type RioTable } from "./table.ts";
import { WinsockWaits } from "./waits.ts";

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

/** Registered I/O of Winsock. */
export class WinsockBackend implements RioBackend {
  readonly name = "winsock";
  readonly capabilities: RioCapabilities = {
    reusePort: false,
    brokenPipe: false,
  };
  readonly rings: WinsockRings;
  readonly sockets: WinsockConnections;
  readonly waits: WinsockWaits;

  readonly #symbols: WinsockSymbols;
  readonly #table: RioTable;
  readonly #verified = new Set<string>();
  #closed = false;

  /**
   * Prepares the functions of a table.
   *
   * @param symbols The native functions; Winsock is started.
   * @param table The addresses of the 13 functions.
   * @param options How they are called.
   */
  constructor(symbols: WinsockSymbols, table: RioTable, options: CallOptions) {
    const { dispatch = true } = options;
    const memory = new CallMemory();
    const dispCallFunc = dispatch ? symbols.DispCallFunc : null;
    const path = { memory, dispCallFunc };
    const waits = new WinsockWaits(symbols, memory);
    const functions = prepareRio(table, path);
    this.#symbols = symbols;
    this.#table = table;
    this.waits = waits;
    this.rings = new WinsockRings({ symbols, functions, memory, waits });
    this.sockets = new WinsockConnections({
      symbols,
      waits,
      path,
      verify: (socket) => this.#verify(socket),
      closing: (socket) => this.rings.endRequestQueue(socket),
    });
  }

  close(keepNative: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.sockets.closeAccepting();
    if (keepNative) this.waits.abandon();
    else this.waits.close(() => this.#symbols.WSACleanup());
  }

  /**
   * The pointers belong to the provider of the socket they were resolved from:
   * the first socket of each kind must give the same ones.
   */
  #verify(socket: WinsockSocket): number {
    const kind = `${socket.family} ${socket.type}`;
    if (this.#verified.has(kind)) return 0;
    try {
      const table = resolveRioTable(Number(socket.handle), this.#symbols);
      if (RIO_FUNCTIONS.some((name) => table[name] !== this.#table[name])) {
        return WSAEOPNOTSUPP;
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotSupported) return WSAEOPNOTSUPP;
      throw error;
    }
    this.#verified.add(kind);
    return 0;
  }
}
