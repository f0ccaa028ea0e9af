/**
 * Requests on stream sockets: one `recvmsg` or `sendmsg` over the slices of
 * several requests.
 *
 * @module
 */
import { RIO_MSG_WAITALL } from "../constants.ts";
import { WSAESHUTDOWN } from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import { EAGAIN, EINTR, EPIPE } from "./errno_numbers.ts";
import { MSGHDR, writePointer } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import { Receives } from "./receives.ts";
import { REQUEST_FLAGS, type Ring } from "./ring.ts";
import { Sends } from "./sends.ts";

/** The most bytes of one call: results are read as 32-bit numbers. */
const MAX_BYTES = 1 << 30;

/** The receives of a stream socket. */
export class StreamReceives extends Receives {
  protected override readonly allowed = REQUEST_FLAGS | RIO_MSG_WAITALL;

  protected override call(most: number): boolean {
    const { socket, system: { library, scratch } } = this;
    const count = fitting(this, most);
    const wanted = describe(this, count);
    // A receive of no bytes asks when there are some: look without taking.
    const peeks = wanted === 0;
    if (peeks) writePointer(scratch.message, MSGHDR.iov, scratch.probeAddress);
    const got = library.symbols.recvmsg(
      socket.fd,
      scratch.messageAddress,
      linux.MSG_DONTWAIT | (peeks ? linux.MSG_PEEK : 0),
    );
    if (got < 0) {
      const errno = library.errno[0]!;
      if (errno === EAGAIN) this.drained();
      return failed(this, errno);
    }
    if (got === 0 || peeks) {
      // After a reset the kernel tells the end of the stream.
      this.finish(got === 0 ? socket.broken : 0, this.progress);
      return true;
    }
    distribute(this, count, Math.min(got, wanted));
    if (got === wanted || this.ended) return true;
    this.drained();
    return false;
  }
}

/** The sends of a stream socket. */
export class StreamSends extends Sends {
  protected override call(most: number): boolean {
    const { socket, system: { library, scratch } } = this;
    const count = fitting(this, most);
    describe(this, count);
    const sent = library.symbols.sendmsg(
      socket.fd,
      scratch.messageAddress,
      linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
    );
    if (sent < 0) return failed(this, library.errno[0]!);
    distribute(this, count, sent);
    // After a part the next call tells that there is no more room.
    return true;
  }
}

function failed(ring: Ring, errno: number): boolean {
  const { socket, progress } = ring;
  if (errno === EAGAIN) return false;
  if (errno === EINTR) return true;
  if (errno === EPIPE && socket.sendShutdown) {
    ring.complete(WSAESHUTDOWN, progress);
  } else {
    socket.broken ||= winsockError(errno);
    ring.complete(socket.broken, progress);
  }
  return true;
}

/**
 * How many requests go into one call: a receive of no bytes goes alone, and
 * so does what comes after {@linkcode MAX_BYTES}.
 */
function fitting({ messages, slot }: Ring, most: number): number {
  let bytes = 0;
  for (let i = 0; i < most; i++) {
    const length = messages.dataLength(slot + i);
    const alone = length === 0 && !messages.sends;
    bytes += length;
    if (i > 0 && (alone || bytes > MAX_BYTES)) return i;
    if (alone) return 1;
  }
  return most;
}

/** Fills the scratch `msghdr`; returns how many bytes the slices hold. */
function describe(ring: Ring, count: number): number {
  const { messages, slot, system: { scratch: { message } } } = ring;
  writePointer(message, MSGHDR.iov, messages.vectorAddress(slot));
  message[MSGHDR.iovCount] = count;
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += messages.dataLength(slot + i);
  return bytes;
}

/** Completes requests in order with the bytes that one call moved. */
function distribute(ring: Ring, count: number, moved: number): void {
  const { messages, slot } = ring;
  for (let i = slot; i < slot + count; i++) {
    const length = messages.dataLength(i);
    if (moved < length) {
      if (moved > 0) endInPart(ring, i, moved);
      return;
    }
    moved -= length;
    ring.finish(0, ring.progress + length);
  }
}

/** Ends a receive that got less than it has room for, unless it wants all. */
function endInPart(ring: Ring, slot: number, moved: number): void {
  const { messages } = ring;
  if (ring.sends || messages.flags(slot, RIO_MSG_WAITALL) !== 0) {
    ring.advance(moved);
  } else ring.finish(0, moved);
}
