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
/** Room for its length, a `socklen_t`. */
export const sockaddrLength: Uint32Array<ArrayBuffer> = new Uint32Array(1);

/**
 * Puts 28 address bytes into {@linkcode sockaddr}.
 *
 * @returns The length in bytes, or minus an error number.
 */
export function setSockaddr(address: Uint8Array): number {
  if (address.length < SOCKADDR_INET.size) return -WSAEFAULT;
  sockaddr.set(address.subarray(0, SOCKADDR_INET.size));
  const family = sockaddr[0]! | sockaddr[1]! << 8;
  if (family === AF_INET) return SOCKADDR_IN_SIZE;
  if (family !== AF_INET6) return -WSAEAFNOSUPPORT;
  sockaddr[0] = linux.AF_INET6;
  return SOCKADDR_INET.size;
}

/** Copies {@linkcode sockaddr} into 28 address bytes. */
export function copySockaddr(address: Uint8Array): void {
  const ipv6 = sockaddr[0] === linux.AF_INET6;
  const length = ipv6 ? SOCKADDR_INET.size : SOCKADDR_IN_SIZE;
  address.fill(0, 0, SOCKADDR_INET.size);
  address.set(sockaddr.subarray(0, length));
  if (ipv6) address[0] = AF_INET6;
}
