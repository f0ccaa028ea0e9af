/**
 * What the kernel's error numbers mean: the Winsock numbers, and an accept's.
 *
 * Source: `errno(3)` and the Windows header `winsock2.h`.
 *
 * @module
 */
import * as linux from "./numbers.ts";

/** Pairs that the common run from 88 to 113 does not cover. */
const WINSOCK_NUMBERS: ReadonlyMap<number, number> = new Map([
  [1, 10013], // EPERM: WSAEACCES
  [4, 10004], // EINTR
  [9, 10009], // EBADF
  [11, 10035], // EAGAIN: WSAEWOULDBLOCK
  [12, 10055], // ENOMEM: WSAENOBUFS
  [13, 10013], // EACCES
  [14, 10014], // EFAULT
  [19, 10049], // ENODEV, no such interface: WSAEADDRNOTAVAIL
  [22, 10022], // EINVAL
  [23, 10024], // ENFILE: WSAEMFILE
  [24, 10024], // EMFILE
  [32, 10054], // EPIPE: the peer is gone
  [36, 10063], // ENAMETOOLONG
  [38, 10045], // ENOSYS: WSAEOPNOTSUPP
  [40, 10062], // ELOOP
  [71, 10054], // EPROTO, an ICMP protocol error: WSAECONNRESET
  [87, 10068], // EUSERS
  [110, 10060], // ETIMEDOUT
  [111, 10061], // ECONNREFUSED
  [112, 10064], // EHOSTDOWN
  [113, 10065], // EHOSTUNREACH
  [114, 10037], // EALREADY
  [115, 10036], // EINPROGRESS
  [116, 10070], // ESTALE
  [122, 10069], // EDQUOT
  [125, 995], // ECANCELED: WSA_OPERATION_ABORTED
]);

/**
 * What an accept tells of a connection that was gone before it was accepted;
 * accept(2) says to go on with the next one.
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
  // ENOTSOCK 88 to ETOOMANYREFS 109 and WSAENOTSOCK 10038 to WSAETOOMANYREFS
  // 10059 follow the same BSD order without a gap.
  if (errno >= 88 && errno <= 109) return errno + 9950;
  return WINSOCK_NUMBERS.get(errno) ?? 10022;
}
