/**
 * Errors that the kernel queues on a datagram socket: an ICMP message told of an
 * earlier datagram. The next call of any kind fails with one, whatever it does.
 *
 * Source: `icmp_err_convert` and `icmpv6_err_convert` of the kernel, `udp(7)`,
 * `ip(7)`.
 *
 * @module
 */
import * as wsa from "../error_numbers.ts";
import * as errno from "./errno_numbers.ts";

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
