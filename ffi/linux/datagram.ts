/**
 * How requests on datagram sockets run: batches of `recvmmsg` and `sendmmsg`.
 *
 * @module
 */
import { AF_INET6, MSG_CTRUNC, MSG_TRUNC } from "../constants.ts";
import {
  WSAECONNRESET,
  WSAEFAULT,
  WSAEMSGSIZE,
  WSAENOTCONN,
} from "../error_numbers.ts";
import { fromKernel, packetDestination } from "./control.ts";
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
import { BATCH, MSGHDR, RECEIVE_CONTROL_SIZE } from "./kernel.ts";
import * as linux from "./numbers.ts";
import {
  IOVEC_LENGTH,
  IOVEC_WORDS,
  MMSGHDR_LENGTH,
  MMSGHDR_WORDS,
  type Ring,
} from "./ring.ts";
import { HAS_CONTROL, HAS_FLAGS, HAS_LOCAL, HAS_REMOTE } from "./slices.ts";
import { copyAddress, readLocalAddress } from "./sockets.ts";

/** ICMP errors that a send can run into are forgiven so many times. */
const RETRIES = 8;

/** Receives one batch of datagrams. */
export function receiveDatagrams(ring: Ring): boolean {
  const { socket, kernel } = ring;
  if (socket.pendingReset !== 0) {
    ring.complete(socket.pendingReset, 0);
    socket.pendingReset = 0;
    return true;
  }
  const slot = ring.head & ring.mask;
  const asked = ring.batch();
  if (asked === 0) {
    ring.complete(WSAEFAULT, 0);
    return true;
  }
  const got = kernel.symbols.recvmmsg(
    socket.fd,
    ring.headerAddress(slot),
    asked,
    linux.MSG_DONTWAIT,
    0n,
  );
  if (got < 0) return receiveFailed(ring, kernel.errno[0]!);
  for (let i = slot; i < slot + got; i++) completeReceive(ring, i);
  if (got === asked) return true;
  // An error that came after some datagrams is told by the next call only, and
  // epoll does not announce it.
  if (ring.urgent || socket.reportsReset && socket.mask !== 0) return true;
  ring.drained();
  return false;
}

function receiveFailed(ring: Ring, errno: number): boolean {
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
        ring.complete(
          errno === EHOSTUNREACH || errno === ENETUNREACH
            ? winsockError(errno)
            : WSAECONNRESET,
          0,
        );
      }
      return true;
    default:
      ring.complete(winsockError(errno), 0);
      return true;
  }
}

function completeReceive(ring: Ring, slot: number): void {
  const { headers } = ring;
  const at = slot * MMSGHDR_WORDS;
  const flags = headers[at + MSGHDR.flags]!;
  const bytes = headers[at + MMSGHDR_LENGTH]!;
  if (ring.extras[slot] !== 0) fillSlices(ring, slot);
  if ((flags & linux.MSG_TRUNC) === 0) ring.complete(0, bytes);
  // Without a data slice the datagram is thrown away on purpose.
  else if (ring.registrations[slot] === null) ring.complete(0, 0);
  else {
    ring.complete(
      WSAEMSGSIZE,
      ring.vectors[slot * IOVEC_WORDS + IOVEC_LENGTH]!,
    );
  }
}

function fillSlices(ring: Ring, slot: number): void {
  const { headers, socket, kernel } = ring;
  const at = slot * MMSGHDR_WORDS;
  const extras = ring.extras[slot]!;
  const slices = ring.slices[slot]!;
  const kernelFlags = headers[at + MSGHDR.flags]!;
  let truncated = (kernelFlags & linux.MSG_CTRUNC) !== 0;
  const controlAt = slot % BATCH * RECEIVE_CONTROL_SIZE;
  const controlLength = headers[at + MSGHDR.controlLength]!;
  if ((extras & HAS_REMOTE) !== 0 && headers[at + MSGHDR.nameLength] === 28) {
    slices.remote!.view.setUint16(slices.remoteOffset, AF_INET6, true);
  }
  if ((extras & HAS_CONTROL) !== 0) {
    truncated = fromKernel(
      kernel.control,
      controlAt,
      controlLength,
      slices.control!.view,
      slices.controlOffset,
      slices.controlLength,
      socket,
    ) || truncated;
  }
  if ((extras & HAS_LOCAL) !== 0) {
    const { view } = slices.local!;
    copyAddress(readLocalAddress(kernel, socket), view, slices.localOffset);
    packetDestination(
      kernel.control,
      controlAt,
      controlLength,
      view,
      slices.localOffset,
    );
  }
  if ((extras & HAS_FLAGS) !== 0) {
    slices.flags!.view.setUint32(
      slices.flagsOffset,
      ((kernelFlags & linux.MSG_TRUNC) !== 0 ? MSG_TRUNC : 0) |
        (truncated ? MSG_CTRUNC : 0),
      true,
    );
  }
}

/** Sends one batch of datagrams. */
export function sendDatagrams(ring: Ring): boolean {
  const { socket, kernel } = ring;
  const slot = ring.head & ring.mask;
  const asked = ring.batch();
  if (asked === 0) {
    ring.complete(WSAEFAULT, 0);
    return true;
  }
  const address = ring.headerAddress(slot);
  for (let attempt = 0; attempt < RETRIES; attempt++) {
    const sent = kernel.symbols.sendmmsg(
      socket.fd,
      address,
      asked,
      linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
    );
    if (sent >= 0) {
      const { headers } = ring;
      for (let i = slot; i < slot + sent; i++) {
        ring.complete(0, headers[i * MMSGHDR_WORDS + MMSGHDR_LENGTH]!);
      }
      return true;
    }
    const errno = kernel.errno[0]!;
    if (errno === EINTR) continue;
    if (errno === EAGAIN) return false;
    if (errno !== ECONNREFUSED) {
      ring.complete(sendStatus(errno), 0);
      return true;
    }
    // The kernel tells an earlier datagram's ICMP error with the next call of
    // any kind; Winsock tells it with a receive, if at all.
    if (socket.reportsReset) socket.pendingReset = WSAECONNRESET;
  }
  ring.complete(WSAECONNRESET, 0);
  return true;
}

function sendStatus(errno: number): number {
  return errno === EDESTADDRREQ ? WSAENOTCONN : winsockError(errno);
}
