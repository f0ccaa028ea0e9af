/**
 * What the backends of a thread share that call the same native functions:
 * Winsock, started once, and the wait.
 *
 * @module
 */
import { WINSOCK_VERSION } from "../constants.ts";
import { check } from "../errors.ts";
import { NativePromise } from "../globals.ts";
import { WSADATA_SIZE } from "../layout.ts";
import type { WinsockSymbols } from "./library.ts";
import { WinsockWaits } from "./waits.ts";

/** What is shared now, by the functions that are called. */
const shared: WeakMap<WinsockSymbols, SharedWinsock> = new WeakMap();

/** Winsock and the wait, from the first backend to the last. */
export class SharedWinsock {
  /** The native functions. */
  readonly symbols: WinsockSymbols;
  /** The wait. */
  readonly waits: WinsockWaits;
  /** How many backends use it. */
  #users = 0;

  private constructor(symbols: WinsockSymbols) {
    this.symbols = symbols;
    this.waits = new WinsockWaits(symbols);
  }

  /**
   * Starts Winsock for the first backend, and gives it to the others.
   *
   * @param symbols The native functions.
   * @returns What the backend uses until it calls
   * {@linkcode SharedWinsock.release}, once.
   * @throws {RioError} If Winsock does not start.
   */
  static acquire(symbols: WinsockSymbols): SharedWinsock {
    let known = shared.get(symbols);
    if (known === undefined) {
      known = new SharedWinsock(symbols);
      check(startWinsock(symbols), "WSAStartup", "start Winsock 2.2");
      shared.set(symbols, known);
    }
    known.#users++;
    return known;
  }

  /**
   * Ends the use by one backend. With the last one the wait is closed, and
   * Winsock given up when no native call goes on any more: a backend that is
   * opened meanwhile starts it again, and waits at a port of its own.
   *
   * @param keepNative Requests of the backend go on: nothing is given up then,
   * for the life of the process.
   * @returns Resolves when no native call goes on.
   */
  release(keepNative: boolean): Promise<void> {
    if (keepNative) this.waits.keep();
    if (--this.#users > 0) return NativePromise.resolve();
    shared.delete(this.symbols);
    return new NativePromise((resolve) => {
      this.waits.close((kept) => {
        if (!kept) this.symbols.WSACleanup();
        resolve();
      });
    });
  }
}

/**
 * Starts Winsock.
 *
 * @param symbols The native functions.
 * @returns 0, or the error number: no other function returns it itself.
 */
export function startWinsock(symbols: WinsockSymbols): number {
  return symbols.WSAStartup(WINSOCK_VERSION, new Uint8Array(WSADATA_SIZE));
}
