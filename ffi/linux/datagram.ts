/**
 * How requests on datagram sockets run: batches of `recvmmsg` and `sendmmsg`.
 *
 * @module
 */
import { WSAECONNRESET, WSAEMSGSIZE, WSAENOTCONN } from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import {
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EHOSTDOWN,
  EHOSTUNREACH,
  EINTR,
  ENETUNREACH,
  ENOPROTOOPT,
  EPROTO,
} from "./errno_numbers.ts";
import * as linux from "./numbers.ts";
import type { Receives } from "./receives.ts";
import type { Sends } from "./sends.ts";

/** ICMP errors that a send can run into are forgiven so many times. */
const RETRIES = 8;

/** Receives one batch of datagrams. */
export function receiveDatagrams(ring: Receives, count: number): boolean {
  const { socket, messages, slot, system: { library } } = ring;
  if (socket.pendingReset !== 0) {
    ring.complete(socket.pendingReset, 0);
    socket.pendingReset = 0;
    return true;
  }
  const got = library.symbols.recvmmsg(
    socket.fd,
    messages.headerAddress(slot),
    count,
    linux.MSG_DONTWAIT,
    0n,
  );
  if (got < 0) return receiveFailed(ring, library.errno[0]!);
  for (let i = slot; i < slot + got; i++) {
    if ((messages.messageFlags(i) & linux.MSG_TRUNC) === 0) {
      ring.finish(0, messages.bytesMoved(i));
    } else if (messages.hasData(i)) {
      ring.finish(WSAEMSGSIZE, messages.dataLength(i));
    } else {
      // Without a data slice the datagram is thrown away on purpose.
      ring.finish(0, 0);
    }
  }
  if (got === count) return true;
  // An error that came after some datagrams is told by the next call only, and
  // epoll does not announce it.
  if (ring.ended || socket.reportsReset && socket.interest !== 0) return true;
  ring.drained();
  return false;
}

function receiveFailed(ring: Receives, errno: number): boolean {
  switch (errno) {
    case EAGAIN:
      ring.drained();
      return false;
    case EINTR:
      return true;
    // What a connected socket gets for an ICMP error.
    case ECONNREFUSED:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPROTO:
      if (ring.socket.reportsReset) {
        const unreachable = errno === EHOSTUNREACH || errno === ENETUNREACH;
        ring.complete(unreachable ? winsockError(errno) : WSAECONNRESET, 0);
      }
      return true;
    default:
      ring.complete(winsockError(errno), 0);
      return true;
  }
}

/** Sends one batch of datagrams. */
export function sendDatagrams(ring: Sends, count: number): boolean {
  const { socket, messages, slot, system: { library } } = ring;
  const address = messages.headerAddress(slot);
  for (let attempt = 0; attempt < RETRIES; attempt++) {
    const sent = library.symbols.sendmmsg(
      socket.fd,
      address,
      count,
      linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
    );
    if (sent >= 0) {
      for (let i = slot; i < slot + sent; i++) {
        ring.finish(0, messages.bytesMoved(i));
      }
      return true;
    }
    const errno = library.errno[0]!;
    if (errno === EINTR) continue;
    if (errno === EAGAIN) return false;
    if (errno !== ECONNREFUSED) {
      const unconnected = errno === EDESTADDRREQ;
      ring.complete(unconnected ? WSAENOTCONN : winsockError(errno), 0);
      return true;
    }
    // The kernel tells an earlier datagram's ICMP error with the next call of
    // any kind; Winsock tells it with a receive, if at all.
    if (socket.reportsReset) socket.pendingReset = WSAECONNRESET;
  }
  ring.complete(WSAECONNRESET, 0);
  return true;
}
