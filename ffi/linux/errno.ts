/**
 * What the error numbers of the kernel mean.
 *
 * @module
 */
import * as winsock from "../error_numbers.ts";
import * as linux from "./errno_numbers.ts";

/**
 * One above the numbers of Winsock: the kernel's own number is told in units of
 * it, where Winsock has none of the same name.
 */
export const OWN = 0x10000;

/** The nearest of Winsock for some that it has no number of the same name for. */
const COUNTERPARTS: Readonly<Record<string, number>> = {
  EPERM: winsock.WSAEACCES,
  ENOMEM: winsock.WSAENOBUFS,
  // There is no such interface.
  ENODEV: winsock.WSAEADDRNOTAVAIL,
  ENFILE: winsock.WSAEMFILE,
  // The peer is gone.
  EPIPE: winsock.WSAECONNRESET,
  ENOSYS: winsock.WSAEOPNOTSUPP,
  // An ICMP message told of a protocol error.
  EPROTO: winsock.WSAECONNRESET,
  // The kernel says `EPIPE` after a shutdown, and this of a device.
  ESHUTDOWN: winsock.WSAESHUTDOWN,
} satisfies Partial<Record<keyof typeof linux, number>>;

/** Those that mean the very same under another name. */
const SAME: Readonly<Record<string, number>> = {
  EAGAIN: winsock.WSAEWOULDBLOCK,
  ECANCELED: winsock.WSA_OPERATION_ABORTED,
} satisfies Partial<Record<keyof typeof linux, number>>;

const NUMBERS: Readonly<Record<string, number>> = winsock;
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(linux).map(([name, errno]) => [errno, name]),
);

/** The Winsock number of each of the kernel's: `WSAEINTR` for `EINTR`. */
const WINSOCK_NUMBERS: ReadonlyMap<number, number> = new Map(
  Object.entries(linux).map(([name, errno]) => [
    errno,
    name in COUNTERPARTS
      ? errno * OWN + COUNTERPARTS[name]!
      : SAME[name] ?? NUMBERS[`WSA${name}`] ?? errno * OWN,
  ]),
);

const KERNEL_NUMBERS: ReadonlyMap<number, number> = new Map([
  ...[...WINSOCK_NUMBERS].map(([errno, number]) => [number, errno] as const),
  [winsock.WSAESHUTDOWN, linux.EPIPE],
]);

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
 * @returns The Winsock number of the same name. Where there is none, the
 * kernel's own times {@linkcode OWN}, plus the Winsock number that is nearest to
 * it, if there is one.
 */
export function winsockError(errno: number): number {
  return WINSOCK_NUMBERS.get(errno) ?? errno * OWN;
}

/**
 * The kernel's number for one that {@linkcode winsockError} gave, or that this
 * package gave in its place; 0 where it has none.
 */
export function kernelError(number: number): number {
  return KERNEL_NUMBERS.get(number) ?? Math.floor(number / OWN);
}

/** The name of an error number of the kernel, for example `EIO`. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `ERRNO_${errno}`;
}
