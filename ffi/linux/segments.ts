/**
 * Sends that are to be cut into datagrams, on systems that do not do it: before
 * 6.11 the kernel refuses it with EIO where a device computes no checksums, and
 * over some tunnels still.
 *
 * Source: `udp(7)`, and `udp_send_skb` of the kernel.
 *
 * @module
 */
import { IPPROTO_UDP } from "../constants.ts";
import { ControlReader } from "../control_messages.ts";
import { alignControl, WSACMSGHDR } from "../layout.ts";
import type { LinuxLibrary } from "./library.ts";
import type { Messages } from "./messages.ts";
import { MSGHDR } from "./msghdr.ts";
import { MSG_DONTWAIT, MSG_NOSIGNAL, UDP_SEGMENT } from "./numbers.ts";
import type { Request } from "./request.ts";

// Each of the functions below runs to its end before another one can start.
const reader = new ControlReader();

/** Whether a send is to be cut into datagrams. */
export function isCut(messages: Messages, slot: number): boolean {
  if (messages.field(slot, MSGHDR.controlLength) === 0) return false;
  const { view, start, end } = messages.controls(slot);
  reader.begin(view, start, end);
  while (reader.next()) {
    if (reader.is(IPPROTO_UDP, UDP_SEGMENT, 2)) return true;
  }
  return false;
}

/**
 * Sends the datagrams of one request, or what is left of them, in order.
 *
 * @returns 0 when all were sent, or minus what the kernel left in `errno`.
 */
export function sendApart(
  request: Request,
  messages: Messages,
  { slot, fd, library }: { slot: number; fd: number; library: LinuxLibrary },
): number {
  const { symbols, errno } = library;
  if (request.segmentSize === 0) {
    request.left = messages.dataLength(slot);
    request.segmentSize = takeSegmentSize(messages, slot) || request.left || 1;
  }
  do {
    const length = Math.min(request.segmentSize, request.left);
    messages.setDataLength(slot, length);
    const header = messages.headerAddress(slot);
    const sent = symbols.sendmsg(fd, header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return -errno[0]!;
    messages.advance(slot, length);
    request.progress += length;
    request.left -= length;
  } while (request.left > 0);
  return 0;
}

/** Takes the message out that says how to cut a send, and what it says. */
function takeSegmentSize(messages: Messages, slot: number): number {
  const { view, start, end } = messages.controls(slot);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  reader.begin(view, start, end);
  while (reader.next()) {
    if (!reader.is(IPPROTO_UDP, UDP_SEGMENT, 2)) continue;
    const size = view.getUint16(reader.at, true);
    const at = reader.at - WSACMSGHDR.size;
    const after = at + alignControl(WSACMSGHDR.size + reader.length);
    bytes.copyWithin(at, after, end);
    messages.setField(slot, MSGHDR.controlLength, end - start - (after - at));
    return size;
  }
  return 0;
}
