/**
 * Socket addresses in the fake network.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../../ffi/constants.ts";
import { SOCKADDR_INET } from "../../ffi/layout.ts";

/** An IP address as hexadecimal digits, 8 or 32 of them, and a port. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

const MAPPED = "00000000000000000000ffff";

/** The addresses that mean every address. */
export const WILDCARD = { [AF_INET]: "00000000", [AF_INET6]: "0".repeat(32) };
/** The loopback addresses. */
export const LOOPBACK = {
  [AF_INET]: "7f000001",
  [AF_INET6]: "0".repeat(31) + "1",
};

/** The family of an address. */
export function familyOf(ip: string): typeof AF_INET | typeof AF_INET6 {
  return ip.length === 8 ? AF_INET : AF_INET6;
}

/** The IPv4 address that an IPv4-mapped one stands for, else the same. */
export function unmapped(ip: string): string {
  return ip.startsWith(MAPPED) ? ip.slice(24) : ip;
}

/** An address as a socket of a family sees it. */
export function seenBy(family: number, ip: string): string {
  return family === AF_INET6 && ip.length === 8 ? MAPPED + ip : ip;
}

/** Whether the address belongs to this host. */
export function isLocal(ip: string): boolean {
  const real = unmapped(ip);
  return real.length === 8
    ? real.startsWith("7f")
    : real === LOOPBACK[AF_INET6];
}

/** Whether the address means every address. */
export function isWildcard(ip: string): boolean {
  return /^0+$/.test(ip);
}

/** Whether two endpoints are the same. */
export function same(a: Endpoint | null, b: Endpoint | null): boolean {
  return a !== null && b !== null && a.port === b.port &&
    unmapped(a.ip) === unmapped(b.ip);
}

/** Reads a socket address; `null` if it is none. */
export function readEndpoint(bytes: Uint8Array): Endpoint | null {
  const family = bytes[0]! | bytes[1]! << 8;
  const port = bytes[SOCKADDR_INET.port]! << 8 |
    bytes[SOCKADDR_INET.port + 1]!;
  if (family === AF_INET && bytes.length >= 16) {
    return { ip: bytes.slice(4, 8).toHex(), port };
  }
  if (family === AF_INET6 && bytes.length >= 28) {
    return { ip: bytes.slice(8, 24).toHex(), port };
  }
  return null;
}

/** Writes a socket address; returns its length. */
export function writeEndpoint(bytes: Uint8Array, endpoint: Endpoint): number {
  const ip = Uint8Array.fromHex(endpoint.ip);
  const length = ip.length === 4 ? 16 : 28;
  bytes.fill(0, 0, length);
  bytes[0] = familyOf(endpoint.ip);
  bytes[2] = endpoint.port >> 8;
  bytes[3] = endpoint.port & 0xFF;
  bytes.set(ip, ip.length === 4 ? 4 : 8);
  return length;
}
