/**
 * Control messages: what goes with a datagram beside its data.
 *
 * @module
 */
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
import { formatIp } from "./address.ts";
import { alignControl, IN6_PKTINFO, IN_PKTINFO, WSACMSGHDR } from "./layout.ts";

/** Bytes of a control slice in which every message of this module fits. */
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
 * @returns What the messages say; unknown ones are passed over.
 */
export function readControl(bytes: Uint8Array): RioControlInfo {
  const info: RioControlInfo = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < RIO_CMSG_BASE_SIZE) return info;
  const end = Math.min(view.getUint32(0, true), bytes.byteLength);
  let at = RIO_CMSG_BASE_SIZE;
  while (at + WSACMSGHDR.size <= end) {
    const length = view.getUint32(at + WSACMSGHDR.length, true);
    if (length < WSACMSGHDR.size || at + length > end) break;
    readMessage(view, at, length - WSACMSGHDR.size, info);
    at += alignControl(length);
  }
  return info;
}

/**
 * Writes control messages to send with a datagram.
 *
 * @param bytes The control slice; {@linkcode CONTROL_SIZE} bytes always do.
 * @param family The family of the socket, as in `AF_INET`.
 * @param info What to say: `segmentSize` cuts the data into datagrams of that
 * size, `ecn` sets the codepoint.
 * @returns Bytes written; the request takes a slice of exactly that length.
 * @throws {RangeError} If the slice is too short.
 */
export function writeControl(
  bytes: Uint8Array,
  family: 4 | 6,
  info: { segmentSize?: number; ecn?: number },
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at: number = RIO_CMSG_BASE_SIZE;
  const add = (level: number, type: number, value: number) => {
    const length = WSACMSGHDR.size + 4;
    view.setBigUint64(at + WSACMSGHDR.length, BigInt(length), true);
    view.setInt32(at + WSACMSGHDR.level, level, true);
    view.setInt32(at + WSACMSGHDR.type, type, true);
    view.setUint32(at + WSACMSGHDR.size, value, true);
    at += alignControl(length);
  };
  if (info.segmentSize !== undefined) {
    add(IPPROTO_UDP, UDP_SEND_MSG_SIZE, info.segmentSize);
  }
  if (info.ecn !== undefined) {
    if (family === 6) add(IPPROTO_IPV6, IPV6_ECN, info.ecn);
    else add(IPPROTO_IP, IP_ECN, info.ecn);
  }
  view.setUint32(0, at, true);
  return at;
}

function readMessage(
  view: DataView,
  at: number,
  length: number,
  info: RioControlInfo,
): void {
  const level = view.getInt32(at + WSACMSGHDR.level, true);
  const type = view.getInt32(at + WSACMSGHDR.type, true);
  const data = at + WSACMSGHDR.size;
  const bytes = (offset: number, size: number) =>
    new Uint8Array(view.buffer, view.byteOffset + data + offset, size);
  const ip = level === IPPROTO_IP;
  const ipv6 = level === IPPROTO_IPV6;
  if (ip && type === IP_PKTINFO && length >= IN_PKTINFO.size) {
    info.destination = formatIp(bytes(IN_PKTINFO.address, 4));
    info.interfaceIndex = view.getUint32(
      data + IN_PKTINFO.interfaceIndex,
      true,
    );
  } else if (ipv6 && type === IPV6_PKTINFO && length >= IN6_PKTINFO.size) {
    info.destination = formatIp(bytes(IN6_PKTINFO.address, 16));
    info.interfaceIndex = view.getUint32(
      data + IN6_PKTINFO.interfaceIndex,
      true,
    );
  } else if (length >= 4) {
    const value = view.getUint32(data, true);
    if (ip && type === IP_TOS || ipv6 && type === IPV6_TCLASS) {
      info.typeOfService = value & 0xFF;
      info.ecn = value & 3;
    } else if (ip && type === IP_ECN || ipv6 && type === IPV6_ECN) {
      info.ecn = value & 3;
    } else if (level === IPPROTO_UDP && type === UDP_COALESCED_INFO) {
      info.segmentSize = value;
    }
  }
}
