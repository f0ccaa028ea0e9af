/**
 * What comes with a datagram besides its data, such as its ECN codepoint: read
 * from control messages, and written to them.
 *
 * @module
 */
import {
  ADDRESS_SIZE,
  formatIp,
  ipVersion,
  isIpv4,
  writeAddress,
} from "./address.ts";
import { assertInteger, refuseType } from "./arguments.ts";
import {
  AF_INET,
  AF_INET6,
  IP_ECN,
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_ECN,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  RIO_CMSG_BASE_SIZE,
  SO_TIMESTAMP,
  SOL_SOCKET,
  UDP_COALESCED_INFO,
  UDP_SEND_MSG_SIZE,
} from "./constants.ts";
import { ControlReader, ControlWriter, ECN_MASK } from "./control_messages.ts";
import {
  IN6_PKTINFO,
  IN_PKTINFO,
  SOCKADDR_INET,
  WSACMSGHDR,
} from "./layout.ts";

/** Bytes of a control slice that has room for all messages of this module. */
export const CONTROL_SIZE = 192;

// Each of the functions below runs to its end before another one can start.
const received = new ControlReader();
const sent = new ControlReader();

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
  /** Hops that were left of its time to live; with `receiveTimeToLive`. */
  timeToLive?: number;
  /**
   * When the system received the datagram, in nanoseconds since 1970; with
   * option `receiveTimestamp`, on Linux.
   */
  timestamp?: bigint;
  /** Bytes of each datagram that was joined; with option `coalescedSize`. */
  segmentSize?: number;
}

/**
 * Reads the control messages that a receive left in a slice.
 *
 * Sources: Microsoft's page on `RIOReceiveEx`, and `WSACMSGHDR`.
 *
 * @example Ask where a datagram arrived, and how many hops were left
 * ```ts
 * import { CONTROL_SIZE, readControl, RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(2048 + CONTROL_SIZE);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * socket.setOption("packetInfo", true);
 * socket.setOption("receiveTimeToLive", true);
 * await socket.connect(socket.address); // talks to itself
 *
 * const control = buffer.slice(2048);
 * socket.receive(buffer.slice(0, 2048), { control });
 * socket.send(null);
 * for await (const batch of socket.completions) {
 *   if (!batch.some(({ kind }) => kind === "receive")) continue;
 *   console.log(readControl(control.bytes)); // { destination: "127.0.0.1", ... }
 *   break;
 * }
 * ```
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
    } else if (
      message.is(IPPROTO_IP, IP_TTL, 4) ||
      message.is(IPPROTO_IPV6, IPV6_HOPLIMIT, 4)
    ) {
      info.timeToLive = message.uint32();
    } else if (message.is(SOL_SOCKET, SO_TIMESTAMP, 8)) {
      info.timestamp = view.getBigUint64(message.at, true);
    }
  }
  return info;
}

/**
 * Writes where a datagram arrived as 28 address bytes: all 0 where the control
 * messages do not say it.
 */
export function writeDestination(
  address: Uint8Array,
  control: Uint8Array,
): void {
  address.fill(0, 0, ADDRESS_SIZE);
  const { buffer, byteOffset, byteLength } = control;
  const view = new DataView(buffer, byteOffset, byteLength);
  const end = Math.min(view.getUint32(0, true), byteLength);
  received.begin(view, RIO_CMSG_BASE_SIZE, end);
  while (received.next()) {
    const at = received.at;
    if (received.is(IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size)) {
      address[SOCKADDR_INET.family] = AF_INET;
      copyTo(SOCKADDR_INET.ipv4Address, at + IN_PKTINFO.address, 4);
    } else if (received.is(IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size)) {
      address[SOCKADDR_INET.family] = AF_INET6;
      copyTo(SOCKADDR_INET.ipv6Address, at + IN6_PKTINFO.address, 16);
      // Valid on one link alone: fe80::/10.
      if (view.getUint16(at) >>> 6 !== 0xFE80 >>> 6) continue;
      copyTo(SOCKADDR_INET.ipv6ScopeId, at + IN6_PKTINFO.interfaceIndex, 4);
    }
  }
  function copyTo(to: number, from: number, length: number): void {
    for (let i = 0; i < length; i++) address[to + i] = control[from + i]!;
  }
}

/** What control messages can say of a datagram that is sent. */
export interface RioSendControl {
  /**
   * Cut the data into datagrams of so many bytes, the last may be shorter: the
   * system does it, and sends them at the price of one. 64 datagrams are the
   * most of one send, and none may be longer than the path takes in one piece:
   * `conn.send()` refuses the first, the system the second.
   */
  segmentSize?: number | undefined;
  /** The ECN codepoint, 0 to 3; that of the socket by default. */
  ecn?: number | undefined;
  /**
   * The address of this host that it leaves from, an IP literal of the
   * destination's family; a zone is the index of the interface. The system
   * chooses by default.
   */
  local?: string | undefined;
}

/**
 * Writes control messages to send with a datagram.
 *
 * @example Send with an ECN codepoint
 * ```ts
 * import { CONTROL_SIZE, RioSession, writeControl } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(2048 + CONTROL_SIZE);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await socket.connect(socket.address); // talks to itself
 *
 * const length = writeControl(buffer.bytes.subarray(2048), 4, { ecn: 2 });
 * const control = buffer.slice(2048, length);
 * socket.send(buffer.slice(0, 5), { control });
 * for await (const batch of socket.completions) {
 *   for (const { kind, status } of batch) console.log(kind, status); // send 0
 *   break;
 * }
 * ```
 *
 * @param bytes The control slice; {@linkcode CONTROL_SIZE} bytes are enough.
 * @param family The family of the socket or of the destination: a send puts the
 * messages into the form that the destination needs.
 * @param info What to say.
 * @returns Bytes written; send with a slice of exactly that length.
 * @throws {TypeError} If `local` is no IP literal.
 * @throws {RangeError} If the slice is too short, or `ecn` is out of range.
 */
export function writeControl(
  bytes: Uint8Array,
  family: 4 | 6,
  info: RioSendControl,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const writer = new ControlWriter();
  writer.begin(view, RIO_CMSG_BASE_SIZE, bytes.byteLength);
  if (info.segmentSize !== undefined) {
    writer.addNumber(IPPROTO_UDP, UDP_SEND_MSG_SIZE, info.segmentSize);
  }
  if (info.ecn !== undefined) {
    assertInteger("ecn", info.ecn, 0, 3);
    if (family === 6) writer.addNumber(IPPROTO_IPV6, IPV6_ECN, info.ecn);
    else writer.addNumber(IPPROTO_IP, IP_ECN, info.ecn);
  }
  if (info.local !== undefined) writeSource(writer, info.local);
  if (bytes.byteLength < RIO_CMSG_BASE_SIZE || writer.overflow) {
    throw new RangeError(
      `Cannot write control messages into ${bytes.byteLength} bytes: give ${CONTROL_SIZE}`,
    );
  }
  const written = RIO_CMSG_BASE_SIZE + writer.length;
  view.setUint32(0, written, true);
  return written;
}

/**
 * The address to send from as 28 bytes, IPv4 in mapped form.
 *
 * @throws {TypeError} If it is no IP literal.
 */
export function sourceAddress(local: unknown): Uint8Array<ArrayBuffer> {
  if (typeof local !== "string" || !ipVersion(local.split("%", 1)[0]!)) {
    refuseType("local", local, "give an address of this host, an IP literal");
  }
  const address = new Uint8Array(ADDRESS_SIZE);
  writeAddress(address, { hostname: local, port: 0 }, { mapped: true });
  return address;
}

/** Adds packet info, of the family of the address. */
function writeSource(writer: ControlWriter, local: string): void {
  const address = sourceAddress(local);
  const view = new DataView(address.buffer);
  const ip = SOCKADDR_INET.ipv6Address;
  if (isIpv4(address)) {
    if (!writer.add(IPPROTO_IP, IP_PKTINFO, IN_PKTINFO.size)) return;
    writer.setUint32(IN_PKTINFO.address, view.getUint32(ip + 12, true));
    writer.setUint32(IN_PKTINFO.interfaceIndex, 0);
    return;
  }
  if (!writer.add(IPPROTO_IPV6, IPV6_PKTINFO, IN6_PKTINFO.size)) return;
  for (let i = 0; i < 16; i += 4) {
    writer.setUint32(IN6_PKTINFO.address + i, view.getUint32(ip + i, true));
  }
  const scope = view.getUint32(SOCKADDR_INET.ipv6ScopeId, true);
  writer.setUint32(IN6_PKTINFO.interfaceIndex, scope);
}

/**
 * Puts a type of service and an ECN codepoint at the level of the IP version
 * that a datagram goes by: at the other one a system ignores them.
 *
 * @param bytes The control slice of a send, changed in place.
 * @param ipv4 Whether it goes by IPv4, also to an IPv4-mapped address.
 */
export function followDestination(bytes: Uint8Array, ipv4: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(view.getUint32(0, true), bytes.byteLength);
  const [from, to, fromTos, toTos] = ipv4
    ? [IPPROTO_IPV6, IPPROTO_IP, IPV6_TCLASS, IP_TOS] as const
    : [IPPROTO_IP, IPPROTO_IPV6, IP_TOS, IPV6_TCLASS] as const;
  sent.begin(view, RIO_CMSG_BASE_SIZE, end);
  while (sent.next()) {
    if (sent.level !== from) continue;
    // ECN has one number at both levels.
    if (sent.type !== fromTos && sent.type !== IP_ECN) continue;
    const header = sent.at - WSACMSGHDR.size;
    view.setInt32(header + WSACMSGHDR.level, to, true);
    if (sent.type === IP_ECN) continue;
    view.setInt32(header + WSACMSGHDR.type, toTos, true);
  }
}

function ip(message: ControlReader, offset: number, length: number): string {
  const { buffer, byteOffset } = message.view;
  return formatIp(
    new Uint8Array(buffer, byteOffset + message.at + offset, length),
  );
}
