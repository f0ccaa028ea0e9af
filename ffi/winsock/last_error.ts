/**
 * The reason of the native call that failed just before.
 *
 * @module
 */
import type { WinsockSymbols } from "./library.ts";

/** The number of `WSASYSCALLFAILURE`: a call failed and left no reason. */
export const WSASYSCALLFAILURE = 10107;

/**
 * Reads `WSAGetLastError`, which on Windows is `GetLastError` as well.
 *
 * The number is the thread's, and every later call may replace it: this must
 * be the very next native call after the one that failed, on the same thread.
 *
 * @param symbols The native functions.
 * @returns The error number; never 0, because the call did fail.
 */
export function lastError(
  symbols: Pick<WinsockSymbols, "WSAGetLastError">,
): number {
  return symbols.WSAGetLastError() || WSASYSCALLFAILURE;
}
