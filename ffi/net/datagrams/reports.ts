/**
 * Errors of a datagram socket that say nothing about the socket: an earlier
 * datagram did not arrive, or this one did not fit.
 *
 * @module
 */
import * as winsock from "../../error_numbers.ts";
import { callError } from "../errors.ts";

/**
 * What the network reports of an earlier datagram, and the one number for what
 * it means: Winsock has several.
 */
const REPORTS: ReadonlyMap<number, number> = new Map([
  [winsock.WSAECONNRESET, winsock.WSAECONNREFUSED],
  [winsock.WSAECONNREFUSED, winsock.WSAECONNREFUSED],
  [winsock.ERROR_PORT_UNREACHABLE, winsock.WSAECONNREFUSED],
  [winsock.ERROR_PROTOCOL_UNREACHABLE, winsock.WSAECONNREFUSED],
  [winsock.WSAENETUNREACH, winsock.WSAENETUNREACH],
  [winsock.ERROR_NETWORK_UNREACHABLE, winsock.WSAENETUNREACH],
  [winsock.WSAEHOSTUNREACH, winsock.WSAEHOSTUNREACH],
  [winsock.ERROR_HOST_UNREACHABLE, winsock.WSAEHOSTUNREACH],
  // Its hops were used up on the way.
  [winsock.WSAENETRESET, winsock.WSAEHOSTUNREACH],
]);

/** Whether an error number is a report of an earlier datagram. */
export function isReport(errno: number): boolean {
  return REPORTS.has(errno);
}

/** The error that a program is told of a report. */
export function reported(errno: number, syscall: string): unknown {
  const meaning = REPORTS.get(errno) ?? errno;
  return callError(meaning, syscall, "reach the peer with an earlier datagram");
}

/** The error of a datagram that was longer than its place. */
export function tooLong(size: number): unknown {
  return callError(
    winsock.WSAEMSGSIZE,
    "recvfrom",
    `receive a datagram of more than ${size} bytes`,
  );
}
