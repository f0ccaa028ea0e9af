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
import { MSGHDR } from "./msghdr.ts";
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
    const { messages, slot, socket, system: { library, scratch } } = this;
    const wanted = describe(this, most);
    // A receive of no bytes asks when there are some: look without taking.
    const peeks = wanted === 0;
    const got = library.symbols.recvmsg(
      socket.fd,
      peeks ? scratch.peekAddress : messages.headerAddress(slot),
      linux.MSG_DONTWAIT | (peeks ? linux.MSG_PEEK : 0),
    );
    return this.received(got < 0 ? -library.errno[0]! : got, wanted);
  }

  /**
   * Completes requests with what a call has received for those from the head on.
   *
   * @param got How many bytes, or minus an error number of the kernel.
   * @param wanted How many there was room for; 0 if it only asked.
   * @returns Whether another call may get through.
   */
  protected received(got: number, wanted: number): boolean {
    const { slot, socket } = this;
    if (got < 0) {
      if (got === -EAGAIN) socket.drained();
      return failed(this, -got);
    }
    if (got === 0 || wanted === 0) {
      // After a reset the kernel tells the end of the stream.
      this.finish(got === 0 ? socket.broken : 0, this.request(slot).progress);
      return true;
    }
    distribute(this, Math.min(got, wanted));
    if (got === wanted || socket.ended) return true;
    socket.drained();
    return false;
  }
}

/** The sends of a stream socket. */
export class StreamSends extends Sends {
  protected override call(most: number): boolean {
    const { messages, slot, socket, system: { library } } = this;
    describe(this, most);
    const sent = library.symbols.sendmsg(
      socket.fd,
      messages.headerAddress(slot),
      linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
    );
    return this.sent(sent < 0 ? -library.errno[0]! : sent);
  }

  /**
   * Completes requests with what a call has sent of those from the head on.
   *
   * @param count How many bytes, or minus an error number of the kernel.
   * @returns Whether another call may get through.
   */
  protected sent(count: number): boolean {
    if (count < 0) return failed(this, -count);
    distribute(this, count);
    // After a part the next call tells that there is no more room.
    return true;
  }
}

function failed(ring: Ring, errno: number): boolean {
  const { socket, slot } = ring;
  const { progress } = ring.request(slot);
  if (errno === EAGAIN) return false;
  if (errno === EINTR) return true;
  if (errno === EPIPE && socket.sendShutdown) {
    ring.complete(WSAESHUTDOWN, progress);
  } else {
    const number = winsockError(errno);
    if (errno !== EPIPE) socket.broken ||= number;
    ring.complete(number, progress);
  }
  return true;
}

/**
 * Puts requests into one call, by the `msghdr` of the first. A receive of no
 * bytes goes alone, and so does what comes after {@linkcode MAX_BYTES}.
 *
 * @param most How many requests may go into the call.
 * @returns How many bytes it is about.
 */
export function describe(ring: Ring, most: number): number {
  const { messages, slot } = ring;
  let bytes = 0;
  let count = 0;
  while (count < most) {
    const length = messages.dataLength(slot + count);
    const alone = length === 0 && !ring.sends;
    if (count > 0 && (alone || bytes + length > MAX_BYTES)) break;
    bytes += length;
    count++;
    if (alone) break;
  }
  messages.setField(slot, MSGHDR.iovCount, count);
  return bytes;
}

/** Completes requests in order with the bytes that one call moved. */
function distribute(ring: Ring, moved: number): void {
  const { messages, slot } = ring;
  const end = slot + messages.field(slot, MSGHDR.iovCount);
  for (let i = slot; i < end; i++) {
    const length = messages.dataLength(i);
    const request = ring.request(i);
    if (moved >= length) {
      moved -= length;
      ring.finish(0, request.progress + length);
      continue;
    }
    if (ring.sends || (request.flags & RIO_MSG_WAITALL) !== 0) {
      messages.advance(i, moved);
      request.progress += moved;
    } else if (moved > 0) ring.finish(0, moved);
    return;
  }
}
