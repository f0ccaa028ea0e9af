/**
 * Control messages, in the kernel's form and in Winsock's.
 *
 * A Winsock control slice starts with 8 bytes of which 4 are the total length;
 * the kernel's messages start at once. Source: `ip(7)`, `ipv6(7)`, `udp(7)`, and
 * the Windows headers `ws2def.h` and `mswsockdef.h`.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import { ControlReader, ControlWriter, ECN_MASK } from "../control_messages.ts";
import { IN6_PKTINFO, IN_PKTINFO, SOCKADDR_INET } from "../layout.ts";
import * as linux from "./numbers.ts";

const { IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP, RIO_CMSG_BASE_SIZE } = winsock;

/** The first byte of an IPv6 multicast group. */
const MULTICAST = 0xFF;
/** The first ten bits of an IPv6 address that is valid on one link alone. */
const LINK_LOCAL = 0xFE80 >>> 6;
/** `struct timespec`, in bytes. */
const TIMESPEC = { size: 16, seconds: 0, nanoseconds: 8 } as const;

/** `struct in_pktinfo`, in bytes. */
const KERNEL_PKTINFO = {
  size: 12,
  interfaceIndex: 0,
  /** What a send takes as the source, and where an answer should leave from. */
  local: 4,
  /** Where a datagram was sent to. */
  destination: 8,
} as const;

/** Which messages a socket was asked to report of datagrams of one family. */
export interface FamilyChoice {
  readonly packetInfo: boolean;
  readonly receivesTos: boolean;
  readonly receivesEcn: boolean;
}

/** Which messages a socket was asked to report: one of `::` has two families. */
export interface ControlChoice {
  readonly ipv4: FamilyChoice;
  readonly ipv6: FamilyChoice;
}

/** What a socket sends where a message says nothing of it. */
export interface SocketService {
  /** Type of service, of IPv4. */
  readonly tos: number;
  /** Traffic class, of IPv6. */
  readonly trafficClass: number;
}

const NO_SERVICE: SocketService = { tos: 0, trafficClass: 0 };

// Each of the functions below runs to its end before another one can start.
const reader = new ControlReader();
const writer = new ControlWriter();

/**
 * Turns what the kernel wrote into Winsock's messages.
 *
 * @param source The kernel's messages, `length` bytes at `at`.
 * @param target The control slice, `capacity` bytes at `offset`.
 * @returns Whether something did not fit.
 */
export function fromKernel(
  source: DataView,
  at: number,
  length: number,
  target: DataView,
  offset: number,
  capacity: number,
  choice: ControlChoice,
): boolean {
  // Too short even for the total length: nothing can be told.
  if (capacity < RIO_CMSG_BASE_SIZE) return length > 0;
  writer.begin(target, offset + RIO_CMSG_BASE_SIZE, offset + capacity);
  reader.begin(source, at, at + length);
  while (reader.next()) receiveMessage(choice);
  target.setUint32(offset, RIO_CMSG_BASE_SIZE + writer.length, true);
  return writer.overflow;
}

function receiveMessage(choice: ControlChoice): void {
  const { ipv4, ipv6 } = choice;
  if (reader.is(IPPROTO_IP, linux.IP_PKTINFO, KERNEL_PKTINFO.size)) {
    if (!ipv4.packetInfo) return;
    if (!writer.add(IPPROTO_IP, winsock.IP_PKTINFO, IN_PKTINFO.size)) return;
    copy(KERNEL_PKTINFO.destination, IN_PKTINFO.address);
    copy(KERNEL_PKTINFO.interfaceIndex, IN_PKTINFO.interfaceIndex);
  } else if (reader.is(IPPROTO_IPV6, linux.IPV6_PKTINFO, IN6_PKTINFO.size)) {
    // The kernel tells of an IPv4 datagram in this form as well.
    if (!ipv6.packetInfo || ipv4.packetInfo && isMapped()) return;
    copyPacketInfo6(winsock.IPV6_PKTINFO);
  } else if (reader.is(IPPROTO_IP, linux.IP_TOS, 1)) {
    const tos = reader.view.getUint8(reader.at);
    writeTos(ipv4, winsock.IP_TOS, winsock.IP_ECN, tos);
  } else if (reader.is(IPPROTO_IPV6, linux.IPV6_TCLASS, 4)) {
    const trafficClass = reader.uint32();
    writeTos(ipv6, winsock.IPV6_TCLASS, winsock.IPV6_ECN, trafficClass);
  } else if (reader.is(IPPROTO_IP, linux.IP_TTL, 4)) {
    writer.addNumber(IPPROTO_IP, winsock.IP_TTL, reader.uint32());
  } else if (reader.is(IPPROTO_IPV6, linux.IPV6_HOPLIMIT, 4)) {
    writer.addNumber(IPPROTO_IPV6, winsock.IPV6_HOPLIMIT, reader.uint32());
  } else if (
    reader.is(linux.SOL_SOCKET, linux.SO_TIMESTAMPNS, TIMESPEC.size)
  ) {
    writeTimestamp();
  } else if (reader.is(IPPROTO_UDP, linux.UDP_GRO, 2)) {
    // The kernel writes an int, older ones a 16-bit number.
    const size = reader.length < 4
      ? reader.view.getUint16(reader.at, true)
      : reader.uint32();
    if (size === 0) return;
    writer.addNumber(IPPROTO_UDP, winsock.UDP_COALESCED_INFO, size);
  }
}

/** Whether IPv6 packet info is that of an IPv4 datagram. */
function isMapped(): boolean {
  return reader.uint32(0) === 0 && reader.uint32(4) === 0 &&
    reader.uint32(8) === 0xFFFF0000;
}

/** Turns seconds and nanoseconds since 1970 into nanoseconds. */
function writeTimestamp(): void {
  const { SOL_SOCKET, SO_TIMESTAMP } = winsock;
  if (!writer.add(SOL_SOCKET, SO_TIMESTAMP, 8)) return;
  const seconds = reader.view.getBigInt64(reader.at + TIMESPEC.seconds, true);
  const nanoseconds = reader.uint32(TIMESPEC.nanoseconds);
  writer.setUint64(0, seconds * 1_000_000_000n + BigInt(nanoseconds));
}

function writeTos(
  { receivesTos, receivesEcn }: FamilyChoice,
  tosType: number,
  ecnType: number,
  tos: number,
): void {
  if (receivesTos) writer.addNumber(reader.level, tosType, tos);
  if (receivesEcn) writer.addNumber(reader.level, ecnType, tos & ECN_MASK);
}

/**
 * Puts the address that a datagram arrived at, if the kernel told it, in place
 * of the one that the socket is bound to: its destination, or for a broadcast an
 * address of the interface. A multicast group of IPv6 is no address of anybody.
 * Of an IPv4 datagram on an IPv6 socket the message of IPv4 comes last, and
 * counts.
 *
 * @param source The kernel's messages, `length` bytes at `at`.
 * @param address The local address slice, 28 bytes at `offset`.
 */
export function packetDestination(
  source: DataView,
  at: number,
  length: number,
  address: DataView,
  offset: number,
): void {
  const family = address.getUint16(offset, true);
  const ipv6 = offset + SOCKADDR_INET.ipv6Address;
  reader.begin(source, at, at + length);
  while (reader.next()) {
    if (reader.is(IPPROTO_IP, linux.IP_PKTINFO, KERNEL_PKTINFO.size)) {
      // 0 where the datagram came before the option was set: what it was sent to
      // may be a broadcast, from which nothing can leave.
      const ip = reader.uint32(KERNEL_PKTINFO.local);
      if (family === winsock.AF_INET) {
        address.setUint32(offset + SOCKADDR_INET.ipv4Address, ip, true);
        continue;
      }
      address.setUint32(ipv6, 0, true);
      address.setUint32(ipv6 + 4, 0, true);
      address.setUint32(ipv6 + 8, ip === 0 ? 0 : 0xFFFF0000, true);
      address.setUint32(ipv6 + 12, ip, true);
    } else if (
      family === winsock.AF_INET6 &&
      reader.is(IPPROTO_IPV6, linux.IPV6_PKTINFO, IN6_PKTINFO.size) &&
      reader.view.getUint8(reader.at) !== MULTICAST
    ) {
      for (let i = 0; i < 16; i += 4) {
        address.setUint32(
          ipv6 + i,
          reader.uint32(IN6_PKTINFO.address + i),
          true,
        );
      }
      if (reader.view.getUint16(reader.at) >>> 6 !== LINK_LOCAL) continue;
      const scope = offset + SOCKADDR_INET.ipv6ScopeId;
      const index = reader.uint32(IN6_PKTINFO.interfaceIndex);
      address.setUint32(scope, index, true);
    }
  }
}

/**
 * Turns the messages of a send into the kernel's.
 *
 * @param source The control slice, `length` bytes at `offset`.
 * @param target Room for the kernel's messages, `capacity` bytes at `at`.
 * @param service What the socket sends: the kernel sets ECN together with the
 * rest of the byte.
 * @returns Their length, or -1 for messages that are malformed, unknown or
 * more than fit.
 */
export function toKernel(
  source: DataView,
  offset: number,
  length: number,
  target: DataView,
  at: number,
  capacity: number,
  service: SocketService = NO_SERVICE,
): number {
  if (length < RIO_CMSG_BASE_SIZE) return -1;
  const total = source.getUint32(offset, true);
  if (total < RIO_CMSG_BASE_SIZE || total > length) return -1;
  writer.begin(target, at, at + capacity);
  reader.begin(source, offset + RIO_CMSG_BASE_SIZE, offset + total);
  while (reader.next()) {
    if (!sendMessage(service)) return -1;
  }
  return reader.malformed || writer.overflow ? -1 : writer.length;
}

/** Translates one message; `false` if it is not known. */
function sendMessage({ tos, trafficClass }: SocketService): boolean {
  if (reader.is(IPPROTO_IP, winsock.IP_PKTINFO, IN_PKTINFO.size)) {
    if (!writer.add(IPPROTO_IP, linux.IP_PKTINFO, KERNEL_PKTINFO.size)) {
      return false;
    }
    copy(IN_PKTINFO.interfaceIndex, KERNEL_PKTINFO.interfaceIndex);
    copy(IN_PKTINFO.address, KERNEL_PKTINFO.local);
    writer.setUint32(KERNEL_PKTINFO.destination, 0);
  } else if (reader.is(IPPROTO_IPV6, winsock.IPV6_PKTINFO, IN6_PKTINFO.size)) {
    copyPacketInfo6(linux.IPV6_PKTINFO);
  } else if (reader.is(IPPROTO_IP, winsock.IP_TOS, 4)) {
    writer.addNumber(IPPROTO_IP, linux.IP_TOS, reader.uint32());
  } else if (reader.is(IPPROTO_IP, winsock.IP_ECN, 4)) {
    writer.addNumber(IPPROTO_IP, linux.IP_TOS, withEcn(tos));
  } else if (reader.is(IPPROTO_IPV6, winsock.IPV6_TCLASS, 4)) {
    writer.addNumber(IPPROTO_IPV6, linux.IPV6_TCLASS, reader.uint32());
  } else if (reader.is(IPPROTO_IPV6, winsock.IPV6_ECN, 4)) {
    writer.addNumber(IPPROTO_IPV6, linux.IPV6_TCLASS, withEcn(trafficClass));
  } else if (reader.is(IPPROTO_UDP, winsock.UDP_SEND_MSG_SIZE, 4)) {
    const size = reader.uint32();
    if (size > 0xFFFF) return false;
    if (writer.add(IPPROTO_UDP, linux.UDP_SEGMENT, 2)) {
      writer.setUint16(0, size);
    }
  } else return false;
  return true;
}

/** A type of service with the codepoint that is read. */
function withEcn(service: number): number {
  return service & ~ECN_MASK | reader.uint32() & ECN_MASK;
}

/** IPv6 packet info looks the same on both sides. */
function copyPacketInfo6(type: number): void {
  if (!writer.add(IPPROTO_IPV6, type, IN6_PKTINFO.size)) return;
  for (let i = 0; i < IN6_PKTINFO.size; i += 4) copy(i, i);
}

/** Copies 4 bytes from the message that is read into the one that is written. */
function copy(from: number, to: number): void {
  writer.setUint32(to, reader.uint32(from));
}
