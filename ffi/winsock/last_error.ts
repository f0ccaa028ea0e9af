/**
 * Why the native call that was made just before failed.
 *
 * @module
 */
import { WSASYSCALLFAILURE } from "../error_numbers.ts";
import type { WinsockSymbols } from "./library.ts";

/** Numbers from here on are Winsock's own. */
const WSABASEERR = 10000;

/**
 * Reads `WSAGetLastError`, which on Windows is `GetLastError` as well.
 *
 * The number is the thread's, and every later call may replace it: this must
 * be the very next native call after the one that failed, on the same thread.
 *
 * @param symbols The native functions.
 * @returns The error number; `WSASYSCALLFAILURE` if the call left none, never
 * 0, because it did fail.
 */
export function lastError(
  symbols: Pick<WinsockSymbols, "WSAGetLastError">,
): number {
  return symbols.WSAGetLastError() || WSASYSCALLFAILURE;
}

/**
 * Whether a number may be another's: between the two calls the runtime makes
 * calls of its own, to compile or to collect garbage, and each may leave its
 * number in place of ours, or none. Winsock's own are nobody else's.
 */
export function mayBeLost(error: number): boolean {
  return error < WSABASEERR || error === WSASYSCALLFAILURE;
}
