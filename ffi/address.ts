/**
 * Socket addresses: the 28 bytes of a `SOCKADDR_INET`, and `Deno.NetAddr`.
 *
 * @module
 */
import { assertInteger, refuseType } from "./arguments.ts";
import { AF_INET, AF_INET6 } from "./constants.ts";
import { interfaceIndex } from "./interfaces.ts";
import { SOCKADDR_INET } from "./layout.ts";

/** Bytes that one socket address takes in a slice. */
export const ADDRESS_SIZE = 28;

/** The first 12 bytes of an IPv4-mapped IPv6 address. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

/** A host given as an IP literal, and a port. */
export interface IpAddress {
  /**
   * An IPv4 or IPv6 literal, for example `127.0.0.1`; behind a link-local one
   * its interface by index or by name, `fe80::1%2` or `fe80::1%eth0`.
   */
  hostname: string;
  /** 0 to 65535. */
  port: number;
}

/** An address in one word, as a message shows it. */
export function showAddress({ hostname, port }: IpAddress): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/**
 * Writes a socket address as native code reads it.
 *
 * An IPv4 host becomes an IPv4 address unless `mapped` asks for the
 * IPv4-mapped IPv6 form, which a dual-stack socket needs.
 *
 * @example Write and read back
 * ```ts
 * import { readAddress, writeAddress } from "@winsock/rio";
 *
 * const bytes = new Uint8Array(28);
 * writeAddress(bytes, { hostname: "::1", port: 53 });
 * console.assert(readAddress(bytes, "udp").port === 53);
 * ```
 *
 * @param bytes At least 28 bytes; the first 28 are overwritten.
 * @param address Host and port.
 * @param options Whether IPv4 hosts are written in IPv4-mapped form.
 * @throws {TypeError} If the host is not an IP literal.
 * @throws {RangeError} If the port is out of range or `bytes` is too short.
 */
export function writeAddress(
  bytes: Uint8Array,
  address: IpAddress,
  options: {
    /**
     * Write an IPv4 host as `::ffff:a.b.c.d`.
     *
     * @default {false}
     */
    mapped?: boolean;
  } = {},
): void {
  if (bytes.byteLength < SOCKADDR_INET.size) {
    throw new RangeError(
      `Cannot write an address into ${bytes.byteLength} bytes: it takes ${SOCKADDR_INET.size}`,
    );
  }
  const { hostname, port } = address;
  assertPort(port);
  const { bytes: ip, scope } = parseIp(hostname);
  const host = ip.length === 4 && options.mapped ? [...MAPPED, ...ip] : ip;
  const ipv6 = host.length === 16;
  bytes.fill(0, 0, SOCKADDR_INET.size);
  bytes[SOCKADDR_INET.family] = ipv6 ? AF_INET6 : AF_INET;
  bytes[SOCKADDR_INET.port] = port >> 8;
  bytes[SOCKADDR_INET.port + 1] = port & 0xFF;
  bytes.set(host, ipv6 ? SOCKADDR_INET.ipv6Address : SOCKADDR_INET.ipv4Address);
  for (let i = 0; ipv6 && i < 4; i++) {
    bytes[SOCKADDR_INET.ipv6ScopeId + i] = (scope >>> (8 * i)) & 0xFF;
  }
}

/**
 * Reads a socket address that native code wrote.
 *
 * An IPv4-mapped IPv6 address reads as the IPv4 address that it stands for.
 *
 * @example Read an IPv4-mapped address
 * ```ts
 * import { ADDRESS_SIZE, readAddress, writeAddress } from "@winsock/rio";
 *
 * const bytes = new Uint8Array(ADDRESS_SIZE);
 * writeAddress(bytes, { hostname: "192.0.2.1", port: 53 }, { mapped: true });
 * console.log(readAddress(bytes, "udp").hostname); // 192.0.2.1
 * ```
 *
 * @param bytes At least 28 bytes.
 * @param transport The transport to name in the result.
 * @returns Host, port and transport.
 * @throws {TypeError} If the bytes hold no IPv4 or IPv6 address.
 */
export function readAddress(
  bytes: Uint8Array,
  transport: "udp" | "tcp",
): Deno.NetAddr {
  const family = bytes[SOCKADDR_INET.family]! |
    bytes[SOCKADDR_INET.family + 1]! << 8;
  const port = bytes[SOCKADDR_INET.port]! << 8 |
    bytes[SOCKADDR_INET.port + 1]!;
  let hostname: string;
  if (family === AF_INET) {
    const at = SOCKADDR_INET.ipv4Address;
    hostname = formatIp(bytes.subarray(at, at + 4));
  } else if (family === AF_INET6) {
    const at = SOCKADDR_INET.ipv6Address;
    hostname = formatIp(bytes.subarray(at, at + 16));
    const scope = new DataView(bytes.buffer, bytes.byteOffset)
      .getUint32(SOCKADDR_INET.ipv6ScopeId, true);
    if (scope !== 0) hostname += `%${scope}`;
  } else {
    throw new TypeError(
      `Cannot read a socket address: family ${family} is neither IPv4 (2) nor IPv6 (23)`,
    );
  }
  return { transport, hostname, port };
}

/**
 * Whether a socket address is one of IPv4, also in IPv4-mapped form.
 *
 * @param bytes At least 28 bytes.
 */
export function isIpv4(bytes: Uint8Array): boolean {
  const family = bytes[SOCKADDR_INET.family];
  if (family !== AF_INET6) return family === AF_INET;
  for (let i = 0; i < MAPPED.length; i++) {
    if (bytes[SOCKADDR_INET.ipv6Address + i] !== MAPPED[i]) return false;
  }
  return true;
}

/**
 * Whether a hostname is an IP literal, and of which family.
 *
 * @param hostname The hostname.
 * @returns 4, 6, or 0 for anything else.
 */
export function ipVersion(hostname: string): 0 | 4 | 6 {
  if (parseIpv4(hostname)) return 4;
  return parseIpv6(hostname) ? 6 : 0;
}

/**
 * Refuses what is not a port.
 *
 * @param port The value to check.
 * @throws {TypeError} If it is not a number.
 * @throws {RangeError} If it is not a whole number from 0 to 65535.
 */
export function assertPort(port: unknown): asserts port is number {
  assertInteger("port", port, 0, 65535);
}

interface Ip {
  /** 4 or 16 bytes in network order. */
  bytes: number[];
  scope: number;
}

function parseIp(hostname: unknown): Ip {
  if (typeof hostname !== "string") {
    refuseType("hostname", hostname, "give an IP literal, which is a string");
  }
  const ip = parseIpv4(hostname) ?? parseIpv6(hostname);
  if (!ip) {
    refuseType(
      "hostname",
      hostname,
      hostname.includes("%")
        ? "give an IP literal, behind the % of a link-local one an interface of this host"
        : "give an IP literal, resolve names first with Deno.resolveDns()",
    );
  }
  return ip;
}

// Digit by digit: who sends to many peers parses an address for each.
function parseIpv4(hostname: string): Ip | undefined {
  const { length } = hostname;
  if (length < 7 || length > 15) return undefined;
  const bytes: number[] = [];
  let value = -1;
  for (let at = 0; at < length; at++) {
    const code = hostname.charCodeAt(at);
    if (code === 0x2E) {
      if (value < 0) return undefined;
      bytes.push(value);
      value = -1;
    } else {
      const digit = code - 0x30;
      // A leading zero is refused: some parsers read such a number as octal.
      if (digit < 0 || digit > 9 || value === 0) return undefined;
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return undefined;
    }
  }
  if (value < 0 || bytes.length !== 3) return undefined;
  bytes.push(value);
  return { bytes, scope: 0 };
}

function parseIpv6(hostname: string): Ip | undefined {
  const [literal, zone, ...rest] = hostname.split("%");
  if (literal === undefined || rest.length > 0) return undefined;
  const halves = toGroups(literal).split("::");
  if (halves.length > 2) return undefined;
  const [head, tail = []] = halves.map(parseGroups);
  if (!head || !tail) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const scope = zone === undefined ? 0 : parseZone(zone, bytes);
  return scope === undefined ? undefined : { bytes, scope };
}

/** The index of the interface behind the `%`, if it can be one. */
function parseZone(zone: string, [a = 0, b = 0]: number[]): number | undefined {
  if (/^\d{1,10}$/.test(zone)) {
    return Number(zone) <= 0xFFFFFFFF ? Number(zone) : undefined;
  }
  // As everywhere, only what is local to a link has one by name.
  const isLinkLocal = a === 0xFE ? (b & 0xC0) === 0x80 : isLinkGroup(a, b);
  return isLinkLocal && interfaceIndex(zone) || undefined;
}

/** Whether a group is of one interface, or of one link. */
function isLinkGroup(a: number, b: number): boolean {
  return a === 0xFF && ((b & 0xF) === 1 || (b & 0xF) === 2);
}

/**
 * An IP literal with its interface by index, whatever it was given by: an index
 * can be kept, a name may be another interface's tomorrow.
 *
 * @param hostname An IP literal.
 * @returns The same address; a literal without a name in it, as it is.
 */
export function withIndex(hostname: string): string {
  const at = hostname.indexOf("%") + 1;
  if (at === 0 || /^\d+$/.test(hostname.slice(at))) return hostname;
  return hostname.slice(0, at) + parseIp(hostname).scope;
}

/** Replaces an IPv4 literal at the end by the two groups that it stands for. */
function toGroups(literal: string): string {
  const at = literal.lastIndexOf(":") + 1;
  const ipv4 = parseIpv4(literal.slice(at));
  if (!ipv4) return literal;
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.bytes;
  const groups = [a << 8 | b, c << 8 | d].map((group) => group.toString(16));
  return literal.slice(0, at) + groups.join(":");
}

/** The bytes of groups with colons in between; `null` for anything else. */
function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return groups.map((group) => parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xFF]);
}

/**
 * The text of an IP address: dotted for IPv4 and for an IPv4-mapped IPv6
 * address, else in the form of RFC 5952, lower case and with the longest run of
 * zeros shortened.
 *
 * @param bytes 4 or 16 bytes in network order.
 * @returns The literal.
 */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i]! << 8 | bytes[i + 1]!);
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xFFFF) {
    return bytes.subarray(12).join(".");
  }
  let runStart = -1;
  let runLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > runLength) [runStart, runLength] = [i, end - i];
  }
  const hex = groups.map((g) => g.toString(16));
  return runStart < 0
    ? hex.join(":")
    : `${hex.slice(0, runStart).join(":")}::${
      hex.slice(runStart + runLength).join(":")
    }`;
}
