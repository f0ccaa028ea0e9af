/**
 * What the error numbers of the kernel mean.
 *
 * @module
 */
import * as winsock from "../error_numbers.ts";
import * as linux from "./errno_numbers.ts";

/** Those that Winsock has no number of the same name for. */
const COUNTERPARTS: Readonly<Record<string, number>> = {
  EPERM: winsock.WSAEACCES,
  EAGAIN: winsock.WSAEWOULDBLOCK,
  ENOMEM: winsock.WSAENOBUFS,
  // There is no such interface.
  ENODEV: winsock.WSAEADDRNOTAVAIL,
  ENFILE: winsock.WSAEMFILE,
  // The peer is gone.
  EPIPE: winsock.WSAECONNRESET,
  ENOSYS: winsock.WSAEOPNOTSUPP,
  // An ICMP message told of a protocol error.
  EPROTO: winsock.WSAECONNRESET,
  ECANCELED: winsock.WSA_OPERATION_ABORTED,
} satisfies Partial<Record<keyof typeof linux, number>>;

const NUMBERS: Readonly<Record<string, number>> = winsock;

/** The Winsock number of each of the kernel's: `WSAEINTR` for `EINTR`. */
const WINSOCK_NUMBERS: ReadonlyMap<number, number> = new Map(
  Object.entries(linux).map(([name, errno]) => [
    errno,
    COUNTERPARTS[name] ?? NUMBERS[`WSA${name}`] ?? winsock.WSAEINVAL,
  ]),
);

/**
 * The errors of an accept whose connection was gone before it could be accepted:
 * accept(2) says to go on with the next connection.
 */
export const GONE: ReadonlySet<number> = new Set([
  linux.ENONET,
  linux.EPROTO,
  linux.ENOPROTOOPT,
  linux.EOPNOTSUPP,
  linux.ENETDOWN,
  linux.ENETUNREACH,
  linux.ECONNABORTED,
  linux.EHOSTDOWN,
  linux.EHOSTUNREACH,
]);

/**
 * Turns an error number of the kernel into the Winsock number.
 *
 * @param errno What the C library left in `errno`.
 * @returns The Winsock number; `WSAEINVAL` for one without a counterpart.
 */
export function winsockError(errno: number): number {
  return WINSOCK_NUMBERS.get(errno) ?? winsock.WSAEINVAL;
}
