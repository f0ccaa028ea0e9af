/**
 * What comes with a datagram besides its data, such as its ECN codepoint: read
 * from control messages, and written to them.
 *
 * @module
 */
import { formatIp } from "./address.ts";
import {
  IP_ECN,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_ECN,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  RIO_CMSG_BASE_SIZE,
  UDP_COALESCED_INFO,
  UDP_SEND_MSG_SIZE,
} from "./constants.ts";
import { ControlReader, ControlWriter, ECN_MASK } from "./control_messages.ts";
import { IN6_PKTINFO, IN_PKTINFO } from "./layout.ts";

/** Bytes of a control slice that has room for all messages of this module. */
export const CONTROL_SIZE = 128;

/** What the control messages of a received datagram say. */
export interface RioControlInfo {
  /** The address that the datagram was sent to; with option `packetInfo`. */
  destination?: string;
  /** The interface that it arrived on; with option `packetInfo`. */
  interfaceIndex?: number;
  /** The ECN codepoint, 0 to 3; with `receiveEcn` or `receiveTypeOfService`. */
  ecn?: number;
  /** Type of service or traffic class; with option `receiveTypeOfService`. */
  typeOfService?: number;
  /** Bytes of each datagram that was joined; with option `coalescedSize`. */
  segmentSize?: number;
}

/**
 * Reads the control messages that a receive left in a slice.
 *
 * Sources: Microsoft's page on `RIOReceiveEx`, and `WSACMSGHDR`.
 *
 * @param bytes The control slice.
 * @returns What the messages say; unknown ones are ignored.
 */
export function readControl(bytes: Uint8Array): RioControlInfo {
  const info: RioControlInfo = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < RIO_CMSG_BASE_SIZE) return info;
  const end = Math.min(view.getUint32(0, true), bytes.byteLength);
  const message = new ControlReader().begin(view, RIO_CMSG_BASE_SIZE, end);
  while (message.next()) {
    if (message.is(IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size)) {
      info.destination = ip(message, IN_PKTINFO.address, 4);
      info.interfaceIndex = message.uint32(IN_PKTINFO.interfaceIndex);
    } else if (message.is(IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size)) {
      info.destination = ip(message, IN6_PKTINFO.address, 16);
      info.interfaceIndex = message.uint32(IN6_PKTINFO.interfaceIndex);
    } else if (
      message.is(IPPROTO_IP, IP_TOS, 4) ||
      message.is(IPPROTO_IPV6, IPV6_TCLASS, 4)
    ) {
      info.typeOfService = message.uint32() & 0xFF;
      info.ecn = message.uint32() & ECN_MASK;
    } else if (
      message.is(IPPROTO_IP, IP_ECN, 4) || message.is(IPPROTO_IPV6, IPV6_ECN, 4)
    ) {
      info.ecn = message.uint32() & ECN_MASK;
    } else if (message.is(IPPROTO_UDP, UDP_COALESCED_INFO, 4)) {
      info.segmentSize = message.uint32();
    }
  }
  return info;
}

/**
 * Writes control messages to send with a datagram.
 *
 * @param bytes The control slice; {@linkcode CONTROL_SIZE} bytes are enough.
 * @param family The family of the socket, as in `AF_INET`.
 * @param info What to say: `segmentSize` cuts the data into datagrams of that
 * size, `ecn` sets the codepoint.
 * @returns Bytes written; send with a slice of exactly that length.
 * @throws {RangeError} If the slice is too short.
 */
export function writeControl(
  bytes: Uint8Array,
  family: 4 | 6,
  info: { segmentSize?: number; ecn?: number },
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const writer = new ControlWriter();
  writer.begin(view, RIO_CMSG_BASE_SIZE, bytes.byteLength);
  if (info.segmentSize !== undefined) {
    writer.addNumber(IPPROTO_UDP, UDP_SEND_MSG_SIZE, info.segmentSize);
  }
  if (info.ecn !== undefined) {
    if (family === 6) writer.addNumber(IPPROTO_IPV6, IPV6_ECN, info.ecn);
    else writer.addNumber(IPPROTO_IP, IP_ECN, info.ecn);
  }
  if (bytes.byteLength < RIO_CMSG_BASE_SIZE || writer.overflow) {
    throw new RangeError(
      `Cannot write control messages into ${bytes.byteLength} bytes: give ${CONTROL_SIZE}`,
    );
  }
  const written = RIO_CMSG_BASE_SIZE + writer.length;
  view.setUint32(0, written, true);
  return written;
}

function ip(message: ControlReader, offset: number, length: number): string {
  const { buffer, byteOffset } = message.view;
  return formatIp(
    new Uint8Array(buffer, byteOffset + message.at + offset, length),
  );
}
