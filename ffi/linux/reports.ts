/**
 * Errors that the kernel queues on a datagram socket: an ICMP message told of an
 * earlier datagram. The next call of any kind fails with one, whatever it does.
 *
 * Source: `icmp_err_convert` and `icmpv6_err_convert` of the kernel, `udp(7)`, and
 * `IP_RECVERR` in `ip(7)`.
 *
 * @module
 */
import { IPPROTO_IP, IPPROTO_IPV6 } from "../constants.ts";
import * as wsa from "../error_numbers.ts";
import * as errno from "./errno_numbers.ts";
import type { LinuxLibrary } from "./library.ts";
import * as linux from "./numbers.ts";

/**
 * What Winsock tells for each; 0 where it tells nothing: a datagram was longer
 * than the path takes.
 */
export const REPORTS: ReadonlyMap<number, number> = new Map([
  [errno.EMSGSIZE, 0],
  [errno.ECONNREFUSED, wsa.WSAECONNRESET],
  [errno.ENOPROTOOPT, wsa.WSAECONNRESET],
  [errno.ENETUNREACH, wsa.WSAENETUNREACH],
  [errno.EHOSTUNREACH, wsa.WSAEHOSTUNREACH],
  [errno.EHOSTDOWN, wsa.WSAEHOSTUNREACH],
  [errno.ENONET, wsa.WSAEHOSTUNREACH],
  // ICMPv6 tells so what ICMP tells as an unreachable host: it is prohibited.
  [errno.EACCES, wsa.WSAEHOSTUNREACH],
  // A source route failed; a header was not understood.
  [errno.EOPNOTSUPP, wsa.WSAEHOSTUNREACH],
  [errno.EPROTO, wsa.WSAEHOSTUNREACH],
]);

const NOBODY = new Uint8Array(1);

/**
 * Asks the kernel for every report, or only for those that it takes to be final,
 * of both families; what it does not know is no loss.
 *
 * For every report it keeps a copy, which takes room from datagrams until
 * {@linkcode forgetReports}.
 */
export function askForReports(
  { symbols }: LinuxLibrary,
  fd: number,
  all: boolean,
): void {
  const value = new Uint8Array([all ? 1 : 0, 0, 0, 0]);
  symbols.setsockopt(fd, IPPROTO_IP, linux.IP_RECVERR, value, value.length);
  symbols.setsockopt(fd, IPPROTO_IPV6, linux.IPV6_RECVERR, value, value.length);
}

/** Throws the kernel's copies of reports away. */
export function forgetReports({ symbols }: LinuxLibrary, fd: number): void {
  const flags = linux.MSG_ERRQUEUE | linux.MSG_DONTWAIT;
  while (symbols.recv(fd, NOBODY, 1n, flags) >= 0);
}

/**
 * So many times a send is tried: an error that is its own comes back each time,
 * one of an earlier datagram was taken with the first.
 */
const ATTEMPTS = 8;

/** The sends of a socket, between two that the kernel took. */
export class Earlier {
  #code = 0;
  #attempts = 0;

  /** Whether a send that failed is to be tried again, because it may go. */
  isIt(code: number): boolean {
    if (REPORTS.has(code) && ++this.#attempts < ATTEMPTS) {
      this.#code = code;
      return true;
    }
    this.#attempts = this.#code = 0;
    return false;
  }

  /** What an earlier datagram ran into, once one was sent; 0 for nothing. */
  take(): number {
    const code = this.#code;
    if (code !== 0) this.#attempts = this.#code = 0;
    return code;
  }
}
