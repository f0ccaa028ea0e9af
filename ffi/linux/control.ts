/**
 * Control messages, in the kernel's form and in Winsock's.
 *
 * Both start a message with the same 16 bytes: a 64-bit length, level and
 * type; both align to 8 bytes. Winsock puts 8 bytes before the first message,
 * of which 4 are the total length. Source: `cmsg(3)`, `ip(7)`, `ipv6(7)`,
 * `udp(7)`, and the Windows headers `ws2def.h` and `mswsockdef.h`.
 *
 * @module
 */
import * as winsock from "../constants.ts";
import {
  alignControl,
  IN6_PKTINFO,
  IN_PKTINFO,
  SOCKADDR_INET,
  WSACMSGHDR,
} from "../layout.ts";
import * as linux from "./numbers.ts";

/** Bytes of the kernel's `struct in_pktinfo`: index, local, destination. */
const KERNEL_PKTINFO_SIZE = 12;
const KERNEL_PKTINFO_DESTINATION = 8;
/** The bits of a type of service that are the ECN codepoint. */
const ECN_MASK = 0x3;

/** Which messages a socket was asked to report. */
export interface ControlChoice {
  readonly packetInfo: boolean;
  readonly receivesTos: boolean;
  readonly receivesEcn: boolean;
}

/** Writes messages one after another, as long as they fit. */
class Writer {
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #end = 0;
  at = 0;
  overflow = false;

  begin(view: DataView, start: number, end: number): void {
    this.#view = view;
    this.#start = this.at = start;
    this.#end = end;
    this.overflow = false;
  }

  /** Bytes written since `begin`, with padding. */
  get length(): number {
    return this.at - this.#start;
  }

  /** Writes a header; where the payload goes, or -1 if there is no room. */
  header(level: number, type: number, payload: number): number {
    const length = WSACMSGHDR.size + payload;
    if (this.at + alignControl(length) > this.#end) {
      this.overflow = true;
      return -1;
    }
    const at = this.at;
    this.#view.setUint32(at, length, true);
    this.#view.setUint32(at + 4, 0, true);
    this.#view.setInt32(at + WSACMSGHDR.level, level, true);
    this.#view.setInt32(at + WSACMSGHDR.type, type, true);
    this.at += alignControl(length);
    return at + WSACMSGHDR.size;
  }

  /** Writes a message with one 32-bit number. */
  number(level: number, type: number, value: number): void {
    const at = this.header(level, type, 4);
    if (at >= 0) this.#view.setUint32(at, value, true);
  }
}

// Used within one call at a time: it runs to its end on this thread.
const writer = new Writer();

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
  if (capacity < winsock.RIO_CMSG_BASE_SIZE) return length > 0;
  writer.begin(
    target,
    offset + winsock.RIO_CMSG_BASE_SIZE,
    offset + capacity,
  );
  const end = at + length;
  while (at + WSACMSGHDR.size <= end) {
    const size = source.getUint32(at, true);
    if (size < WSACMSGHDR.size || at + size > end) break;
    const level = source.getInt32(at + WSACMSGHDR.level, true);
    const type = source.getInt32(at + WSACMSGHDR.type, true);
    receiveMessage(
      source,
      at + WSACMSGHDR.size,
      size - WSACMSGHDR.size,
      level,
      type,
      target,
      choice,
    );
    at += alignControl(size);
  }
  target.setUint32(
    offset,
    winsock.RIO_CMSG_BASE_SIZE + writer.length,
    true,
  );
  return writer.overflow;
}

function receiveMessage(
  source: DataView,
  at: number,
  length: number,
  level: number,
  type: number,
  target: DataView,
  choice: ControlChoice,
): void {
  if (level === winsock.IPPROTO_IP) {
    if (type === linux.IP_PKTINFO && length >= KERNEL_PKTINFO_SIZE) {
      if (!choice.packetInfo) return;
      const to = writer.header(level, winsock.IP_PKTINFO, IN_PKTINFO.size);
      if (to < 0) return;
      copyWord(source, at + KERNEL_PKTINFO_DESTINATION, target, to);
      copyWord(source, at, target, to + IN_PKTINFO.interfaceIndex);
    } else if (type === linux.IP_TOS && length >= 1) {
      const tos = source.getUint8(at);
      if (choice.receivesTos) writer.number(level, winsock.IP_TOS, tos);
      if (choice.receivesEcn) {
        writer.number(level, winsock.IP_ECN, tos & ECN_MASK);
      }
    }
  } else if (level === winsock.IPPROTO_IPV6) {
    if (type === linux.IPV6_PKTINFO && length >= IN6_PKTINFO.size) {
      if (!choice.packetInfo) return;
      const to = writer.header(level, winsock.IPV6_PKTINFO, IN6_PKTINFO.size);
      if (to < 0) return;
      for (let i = 0; i < IN6_PKTINFO.size; i += 4) {
        copyWord(source, at + i, target, to + i);
      }
    } else if (type === linux.IPV6_TCLASS && length >= 4) {
      const trafficClass = source.getInt32(at, true);
      if (choice.receivesTos) {
        writer.number(level, winsock.IPV6_TCLASS, trafficClass);
      }
      if (choice.receivesEcn) {
        writer.number(level, winsock.IPV6_ECN, trafficClass & ECN_MASK);
      }
    }
  } else if (level === winsock.IPPROTO_UDP && type === linux.UDP_GRO) {
    // The kernel writes an int, older ones a 16-bit number.
    const size = length >= 4
      ? source.getInt32(at, true)
      : length >= 2
      ? source.getUint16(at, true)
      : 0;
    if (size > 0) writer.number(level, winsock.UDP_COALESCED_INFO, size);
  }
}

/**
 * Puts the destination of a datagram, if the kernel told it, in place of the
 * address that the socket is bound to.
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
  const end = at + length;
  while (at + WSACMSGHDR.size <= end) {
    const size = source.getUint32(at, true);
    if (size < WSACMSGHDR.size || at + size > end) return;
    const level = source.getInt32(at + WSACMSGHDR.level, true);
    const type = source.getInt32(at + WSACMSGHDR.type, true);
    const payload = at + WSACMSGHDR.size;
    const family = address.getUint16(offset, true);
    if (
      level === winsock.IPPROTO_IP && type === linux.IP_PKTINFO &&
      family === winsock.AF_INET &&
      size >= WSACMSGHDR.size + KERNEL_PKTINFO_SIZE
    ) {
      copyWord(
        source,
        payload + KERNEL_PKTINFO_DESTINATION,
        address,
        offset + SOCKADDR_INET.ipv4Address,
      );
    } else if (
      level === winsock.IPPROTO_IPV6 && type === linux.IPV6_PKTINFO &&
      family === winsock.AF_INET6 &&
      size >= WSACMSGHDR.size + IN6_PKTINFO.size
    ) {
      for (let i = 0; i < 16; i += 4) {
        copyWord(
          source,
          payload + i,
          address,
          offset + SOCKADDR_INET.ipv6Address + i,
        );
      }
    }
    at += alignControl(size);
  }
}

/**
 * Turns the messages of a send into the kernel's.
 *
 * @param source The control slice, `length` bytes at `offset`.
 * @param target Room for the kernel's messages, `capacity` bytes at `at`.
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
): number {
  if (length < winsock.RIO_CMSG_BASE_SIZE) return -1;
  const total = source.getUint32(offset, true);
  if (total < winsock.RIO_CMSG_BASE_SIZE || total > length) return -1;
  writer.begin(target, at, at + capacity);
  const end = offset + total;
  let from = offset + winsock.RIO_CMSG_BASE_SIZE;
  while (from + WSACMSGHDR.size <= end) {
    const size = source.getUint32(from, true);
    if (
      size < WSACMSGHDR.size || source.getUint32(from + 4, true) !== 0 ||
      from + size > end
    ) return -1;
    const known = sendMessage(
      source,
      from + WSACMSGHDR.size,
      size - WSACMSGHDR.size,
      source.getInt32(from + WSACMSGHDR.level, true),
      source.getInt32(from + WSACMSGHDR.type, true),
      target,
    );
    if (!known || writer.overflow) return -1;
    from += alignControl(size);
  }
  return writer.length;
}

function sendMessage(
  source: DataView,
  at: number,
  length: number,
  level: number,
  type: number,
  target: DataView,
): boolean {
  if (level === winsock.IPPROTO_IP && type === winsock.IP_PKTINFO) {
    if (length < IN_PKTINFO.size) return false;
    const to = writer.header(level, linux.IP_PKTINFO, KERNEL_PKTINFO_SIZE);
    if (to < 0) return false;
    copyWord(source, at + IN_PKTINFO.interfaceIndex, target, to);
    // The second field is the source address of what is sent.
    copyWord(source, at, target, to + 4);
    target.setUint32(to + KERNEL_PKTINFO_DESTINATION, 0, true);
    return true;
  }
  if (level === winsock.IPPROTO_IPV6 && type === winsock.IPV6_PKTINFO) {
    if (length < IN6_PKTINFO.size) return false;
    const to = writer.header(level, linux.IPV6_PKTINFO, IN6_PKTINFO.size);
    if (to < 0) return false;
    for (let i = 0; i < IN6_PKTINFO.size; i += 4) {
      copyWord(source, at + i, target, to + i);
    }
    return true;
  }
  if (length < 4) return false;
  const value = source.getUint32(at, true);
  if (level === winsock.IPPROTO_IP) {
    if (type === winsock.IP_TOS) writer.number(level, linux.IP_TOS, value);
    else if (type === winsock.IP_ECN) {
      writer.number(level, linux.IP_TOS, value & ECN_MASK);
    } else return false;
  } else if (level === winsock.IPPROTO_IPV6) {
    if (type === winsock.IPV6_TCLASS) {
      writer.number(level, linux.IPV6_TCLASS, value);
    } else if (type === winsock.IPV6_ECN) {
      writer.number(level, linux.IPV6_TCLASS, value & ECN_MASK);
    } else return false;
  } else if (
    level === winsock.IPPROTO_UDP && type === winsock.UDP_SEND_MSG_SIZE
  ) {
    if (value > 0xFFFF) return false;
    const to = writer.header(level, linux.UDP_SEGMENT, 2);
    if (to >= 0) target.setUint16(to, value, true);
  } else return false;
  return true;
}

function copyWord(
  source: DataView,
  from: number,
  target: DataView,
  to: number,
): void {
  target.setUint32(to, source.getUint32(from, true), true);
}
