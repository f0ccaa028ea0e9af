/**
 * Control messages of datagrams: packet info and type of service.
 *
 * @module
 */
import {
  AF_INET,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  RIO_CMSG_BASE_SIZE,
} from "../../ffi/constants.ts";
import { alignControl, WSACMSGHDR } from "../../ffi/layout.ts";
import type { Datagram, NetSocket } from "./network.ts";

const LOOPBACK_INTERFACE = 1;

/** Reads what a send asks for; `null` if the bytes are no control data. */
export function readControl(bytes: Uint8Array): { tos: number } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < RIO_CMSG_BASE_SIZE) return null;
  const total = view.getUint32(0, true);
  if (total < RIO_CMSG_BASE_SIZE || total > bytes.length) return null;
  let tos = 0;
  for (let at = RIO_CMSG_BASE_SIZE; at + WSACMSGHDR.size <= total;) {
    const length = Number(view.getBigUint64(at + WSACMSGHDR.length, true));
    if (length < WSACMSGHDR.size || at + length > total) return null;
    const type = view.getInt32(at + WSACMSGHDR.type, true);
    const level = view.getInt32(at + WSACMSGHDR.level, true);
    if (
      level === IPPROTO_IP && type === IP_TOS ||
      level === IPPROTO_IPV6 && type === IPV6_TCLASS
    ) tos = view.getInt32(at + WSACMSGHDR.size, true);
    at += alignControl(length);
  }
  return { tos };
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
  const tos = new Uint8Array(new Int32Array([datagram.tos]).buffer);
  const address = Uint8Array.fromHex(datagram.to.ip);
  const info = new Uint8Array(address.length + 4);
  info.set(address);
  info[address.length] = LOOPBACK_INTERFACE;
  if (socket.family === AF_INET) {
    if (socket.option(IPPROTO_IP, IP_PKTINFO, 0)) {
      add(IPPROTO_IP, IP_PKTINFO, info);
    }
    if (socket.option(IPPROTO_IP, IP_RECVTOS, 0)) add(IPPROTO_IP, IP_TOS, tos);
  } else {
    if (socket.option(IPPROTO_IPV6, IPV6_PKTINFO, 0)) {
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (socket.option(IPPROTO_IPV6, IPV6_RECVTCLASS, 0)) {
      add(IPPROTO_IPV6, IPV6_TCLASS, tos);
    }
  }
  view.setUint32(0, Math.min(at, bytes.length), true);
}
