/**
 * Socket addresses as the kernel takes them: the bytes of Winsock, but for the
 * number of the IPv6 family.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../constants.ts";
import { WSAEAFNOSUPPORT, WSAEFAULT } from "../error_numbers.ts";
import { SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import * as linux from "./numbers.ts";

/** Room for one address. Its contents matter only during one call. */
export const sockaddr: Uint8Array<ArrayBuffer> = new Uint8Array(32);
const IPV4 = sockaddr.subarray(0, SOCKADDR_IN_SIZE);
const IPV6 = sockaddr.subarray(0, SOCKADDR_INET.size);
/** Room for its length, a `socklen_t`. */
export const sockaddrLength: Uint32Array<ArrayBuffer> = new Uint32Array(1);

/**
 * Puts 28 address bytes into {@linkcode sockaddr}.
 *
 * @returns The length in bytes, or minus an error number.
 */
export function setSockaddr(address: Uint8Array): number {
  const { size } = SOCKADDR_INET;
  if (address.length < size) return -WSAEFAULT;
  const family = address[0]! | address[1]! << 8;
  if (family !== AF_INET && family !== AF_INET6) return -WSAEAFNOSUPPORT;
  sockaddr.set(address.length > size ? address.subarray(0, size) : address);
  if (family === AF_INET) return SOCKADDR_IN_SIZE;
  sockaddr[0] = linux.AF_INET6;
  return size;
}

/** Copies {@linkcode sockaddr} into 28 address bytes. */
export function copySockaddr(address: Uint8Array): void {
  if (sockaddr[0] === linux.AF_INET6) {
    address.set(IPV6);
    address[0] = AF_INET6;
  } else {
    address.set(IPV4);
    address.fill(0, SOCKADDR_IN_SIZE, SOCKADDR_INET.size);
  }
}

/**
 * Copies an address for the kernel.
 *
 * @returns Its length in bytes, or minus an error number.
 */
export function writeSockaddr(
  source: DataView,
  offset: number,
  target: DataView,
  at: number,
): number {
  const family = source.getUint16(offset, true);
  if (family !== AF_INET && family !== AF_INET6) return -WSAEAFNOSUPPORT;
  const size = family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_INET.size;
  copyAddress(source, offset, target, at, size);
  if (family === AF_INET6) target.setUint16(at, linux.AF_INET6, true);
  return size;
}

/** Copies an address of the kernel; behind one of IPv4 nothing is written. */
export function readSockaddr(
  source: DataView,
  at: number,
  target: DataView,
  offset: number,
): void {
  const ipv6 = source.getUint16(at, true) === linux.AF_INET6;
  const size = ipv6 ? SOCKADDR_INET.size : SOCKADDR_IN_SIZE;
  copyAddress(source, at, target, offset, size);
  if (ipv6) target.setUint16(offset, AF_INET6, true);
}

/** Copies address bytes, of which there are a multiple of 4. */
export function copyAddress(
  source: DataView,
  from: number,
  target: DataView,
  to: number,
  size: number = SOCKADDR_INET.size,
): void {
  for (let i = 0; i < size; i += 4) {
    target.setUint32(to + i, source.getUint32(from + i, true), true);
  }
}
