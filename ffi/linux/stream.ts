/**
 * How requests on stream sockets run: one `recvmsg` or `sendmsg` over the
 * slices of several requests.
 *
 * @module
 */
import { RIO_CMSG_BASE_SIZE, RIO_MSG_WAITALL } from "../constants.ts";
import { WSAEFAULT, WSAESHUTDOWN } from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import { EAGAIN, EINTR, EPIPE } from "./errno_numbers.ts";
import { MSGHDR, writePointer } from "./kernel.ts";
import * as linux from "./numbers.ts";
import { IOVEC_LENGTH, IOVEC_WORDS, type Ring } from "./ring.ts";
import { HAS_CONTROL, HAS_FLAGS, HAS_LOCAL, HAS_REMOTE } from "./slices.ts";
import { copyAddress, readLocalAddress, readRemoteAddress } from "./sockets.ts";

/** The most bytes of one call: results are read as 32-bit numbers. */
const MAX_BYTES = 1 << 30;

/** Receives into the slices of one batch of requests. */
export function receiveStream(ring: Ring): boolean {
  const { socket, kernel } = ring;
  const slot = ring.head & ring.mask;
  const count = fitting(ring, slot);
  if (count === 0) {
    ring.complete(WSAEFAULT, ring.progress);
    return true;
  }
  const wanted = describe(ring, slot, count);
  // A receive of no bytes asks when there are some: look without taking.
  const peeks = wanted === 0;
  if (peeks) writePointer(kernel.message, MSGHDR.iov, kernel.probeAddress);
  const got = kernel.symbols.recvmsg(
    socket.fd,
    kernel.messageAddress,
    linux.MSG_DONTWAIT | (peeks ? linux.MSG_PEEK : 0),
  );
  if (got < 0) return failed(ring, kernel.errno[0]!);
  if (got === 0) {
    fillSlices(ring, slot);
    // After a reset the kernel tells the end of the stream.
    ring.complete(socket.broken, ring.progress);
    return true;
  }
  if (peeks) {
    fillSlices(ring, slot);
    ring.complete(0, 0);
    return true;
  }
  distribute(ring, slot, count, Math.min(got, wanted));
  if (got === wanted || ring.urgent) return true;
  ring.drained();
  return false;
}

/** Sends the slices of one batch of requests. */
export function sendStream(ring: Ring): boolean {
  const { socket, kernel } = ring;
  const slot = ring.head & ring.mask;
  const count = fitting(ring, slot);
  if (count === 0) {
    ring.complete(WSAEFAULT, ring.progress);
    return true;
  }
  describe(ring, slot, count);
  const sent = kernel.symbols.sendmsg(
    socket.fd,
    kernel.messageAddress,
    linux.MSG_DONTWAIT | linux.MSG_NOSIGNAL,
  );
  if (sent < 0) return failed(ring, kernel.errno[0]!);
  distribute(ring, slot, count, sent);
  // After a part the next call tells that there is no more room.
  return true;
}

function failed(ring: Ring, errno: number): boolean {
  const { socket } = ring;
  switch (errno) {
    case EAGAIN:
      if (!ring.sends) ring.drained();
      return false;
    case EINTR:
      return true;
    case EPIPE:
      if (socket.sendShutdown) {
        ring.complete(WSAESHUTDOWN, ring.progress);
        return true;
      }
  }
  socket.broken ||= winsockError(errno);
  ring.complete(socket.broken, ring.progress);
  return true;
}

/**
 * How many requests go into one call: a receive of no bytes goes alone, and
 * so does what comes after {@linkcode MAX_BYTES}.
 */
function fitting(ring: Ring, slot: number): number {
  const count = ring.batch();
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const length = ring.vectors[(slot + i) * IOVEC_WORDS + IOVEC_LENGTH]!;
    bytes += length;
    if (i > 0 && (bytes > MAX_BYTES || length === 0 && !ring.sends)) return i;
    if (length === 0 && !ring.sends) return 1;
  }
  return count;
}

/** Fills the scratch `msghdr`; returns how many bytes the slices hold. */
function describe(ring: Ring, slot: number, count: number): number {
  const { message } = ring.kernel;
  writePointer(
    message,
    MSGHDR.iov,
    ring.vectorsAddress + slot * IOVEC_WORDS * 4,
  );
  message[MSGHDR.iovCount] = count;
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    bytes += ring.vectors[(slot + i) * IOVEC_WORDS + IOVEC_LENGTH]!;
  }
  return bytes;
}

/** Completes requests in order with the bytes that one call moved. */
function distribute(
  ring: Ring,
  slot: number,
  count: number,
  moved: number,
): void {
  const { vectors } = ring;
  for (let i = slot; i < slot + count; i++) {
    const at = i * IOVEC_WORDS;
    const length = vectors[at + IOVEC_LENGTH]!;
    if (moved >= length) {
      fillSlices(ring, i);
      moved -= length;
      ring.complete(0, ring.progress + length);
    } else {
      if (moved === 0) return;
      if (!ring.sends && (ring.flags[i]! & RIO_MSG_WAITALL) === 0) {
        fillSlices(ring, i);
        ring.complete(0, moved);
        return;
      }
      const base = vectors[at]! + moved;
      vectors[at] = base;
      if (base > 0xFFFFFFFF) vectors[at + 1]!++;
      vectors[at + IOVEC_LENGTH] = length - moved;
      ring.progress += moved;
      return;
    }
  }
}

/** Tells what a receive asked for besides data: nothing comes with a stream. */
function fillSlices(ring: Ring, slot: number): void {
  const extras = ring.extras[slot]!;
  if (extras === 0 || ring.sends) return;
  const { socket, kernel } = ring;
  const slices = ring.slices[slot]!;
  if ((extras & HAS_REMOTE) !== 0) {
    copyAddress(
      readRemoteAddress(kernel, socket),
      slices.remote!.view,
      slices.remoteOffset,
    );
  }
  if ((extras & HAS_LOCAL) !== 0) {
    copyAddress(
      readLocalAddress(kernel, socket),
      slices.local!.view,
      slices.localOffset,
    );
  }
  if ((extras & HAS_CONTROL) !== 0 && slices.controlLength >= 4) {
    slices.control!.view.setUint32(
      slices.controlOffset,
      RIO_CMSG_BASE_SIZE,
      true,
    );
  }
  if ((extras & HAS_FLAGS) !== 0) {
    slices.flags!.view.setUint32(slices.flagsOffset, 0, true);
  }
}
