/**
 * Control messages of datagrams: packet info, type of service and ECN.
 *
 * @module
 */
import {
  AF_INET,
  IP_ECN,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ECN,
  IPV6_PKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  RIO_CMSG_BASE_SIZE,
} from "../../ffi/constants.ts";
import { alignControl, WSACMSGHDR } from "../../ffi/layout.ts";
import { type Endpoint, familyOf, unmapped } from "./endpoint.ts";
import type { Datagram, NetSocket, Wish } from "./network.ts";

const LOOPBACK_INTERFACE = 1;

/** The bits of a type of service that carry the ECN codepoint. */
const ECN_BITS = 3;

/**
 * Reads what a send asks for; `null` if the bytes are no control data. What is
 * said at the level of the other IP version is ignored.
 */
export function readControl(bytes: Uint8Array, to: Endpoint): Wish | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < RIO_CMSG_BASE_SIZE) return null;
  const total = view.getUint32(0, true);
  if (total < RIO_CMSG_BASE_SIZE || total > bytes.length) return null;
  const wish: Wish = { tos: 0, source: null };
  for (let at = RIO_CMSG_BASE_SIZE; at + WSACMSGHDR.size <= total;) {
    const length = Number(view.getBigUint64(at + WSACMSGHDR.length, true));
    if (length < WSACMSGHDR.size || at + length > total) return null;
    const type = view.getInt32(at + WSACMSGHDR.type, true);
    const data = bytes.subarray(at + WSACMSGHDR.size, at + length);
    const ipv4 = familyOf(unmapped(to.ip)) === AF_INET;
    switch (view.getInt32(at + WSACMSGHDR.level, true)) {
      case IPPROTO_IP:
        if (!ipv4) break;
        if (type === IP_TOS) wish.tos |= data[0]!;
        if (type === IP_ECN) wish.tos |= data[0]! & ECN_BITS;
        if (type === IP_PKTINFO) wish.source = data.subarray(0, 4).toHex();
        break;
      case IPPROTO_IPV6:
        if (ipv4) break;
        if (type === IPV6_TCLASS) wish.tos |= data[0]!;
        if (type === IPV6_ECN) wish.tos |= data[0]! & ECN_BITS;
        if (type === IPV6_PKTINFO) wish.source = data.subarray(0, 16).toHex();
        break;
    }
    at += alignControl(length);
  }
  return wish;
}

/** Writes what a socket asked to be told about a datagram. */
export function writeControl(
  bytes: Uint8Array,
  socket: NetSocket,
  datagram: Datagram,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = RIO_CMSG_BASE_SIZE;
  const add = (level: number, type: number, data: Uint8Array) => {
    const length = WSACMSGHDR.size + data.length;
    if (at + length > bytes.length) return;
    view.setBigUint64(at + WSACMSGHDR.length, BigInt(length), true);
    view.setInt32(at + WSACMSGHDR.level, level, true);
    view.setInt32(at + WSACMSGHDR.type, type, true);
    bytes.set(data, at + WSACMSGHDR.size);
    at += alignControl(length);
  };
  const tos = number(datagram.tos);
  const ecn = number(datagram.tos & ECN_BITS);
  const address = Uint8Array.fromHex(unmapped(datagram.to.ip));
  const info = new Uint8Array(address.length + 4);
  info.set(address);
  info[address.length] = LOOPBACK_INTERFACE;
  if (familyOf(unmapped(datagram.to.ip)) === AF_INET) {
    if (socket.option(IPPROTO_IP, IP_PKTINFO, 0)) {
      add(IPPROTO_IP, IP_PKTINFO, info);
    }
    if (socket.option(IPPROTO_IP, IP_RECVTOS, 0)) add(IPPROTO_IP, IP_TOS, tos);
    if (socket.option(IPPROTO_IP, IP_ECN, 0)) add(IPPROTO_IP, IP_ECN, ecn);
  } else {
    if (socket.option(IPPROTO_IPV6, IPV6_PKTINFO, 0)) {
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (socket.option(IPPROTO_IPV6, IPV6_RECVTCLASS, 0)) {
      add(IPPROTO_IPV6, IPV6_TCLASS, tos);
    }
    if (socket.option(IPPROTO_IPV6, IPV6_ECN, 0)) {
      add(IPPROTO_IPV6, IPV6_ECN, ecn);
    }
  }
  view.setUint32(0, Math.min(at, bytes.length), true);
}

function number(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}
