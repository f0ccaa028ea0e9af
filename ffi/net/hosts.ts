/**
 * Hostnames as users give them: literals, and names to look up.
 *
 * A name is looked up and permitted as for Deno's own sockets: it is permitted
 * by its own name, and where it leads must not be denied.
 *
 * @module
 */
import { type IpAddress, ipVersion, withIndex } from "../address.ts";
import { show } from "../arguments.ts";
import { lookUp, lookUpNow } from "../resolver.ts";
import {
  permitResolved,
  type PermittedAddress,
  requireNet,
} from "../session/permissions.ts";
import type { RioSocket } from "../session/socket.ts";

/** Characters of the longest name, with a dot at its end: RFC 1035. */
const LONGEST = 254;
/** What a name can consist of; Deno's sockets refuse everything else, too. */
const NAME = /^[\w-]+(\.[\w-]+)*\.?$/;

/**
 * The IP literal of a hostname that needs no look-up.
 *
 * @returns A literal, or `undefined` for a name that has to be looked up.
 * @throws {TypeError} If it is no string.
 * @throws {URIError} If no host can have that name.
 */
export function knownAddress(hostname: string): string | undefined {
  if (hostname === "127.0.0.1") return hostname;
  if (typeof hostname !== "string") {
    throw new TypeError(
      `Invalid hostname ${
        show(hostname)
      }: give a string, not a ${typeof hostname}`,
    );
  }
  const inBrackets = hostname.startsWith("[") && hostname.endsWith("]");
  const bare = inBrackets ? hostname.slice(1, -1) : hostname;
  const version = ipVersion(bare);
  if (version === 6 || version === 4 && !inBrackets) return withIndex(bare);
  const fits = hostname.length <= LONGEST;
  if (fits && (isName(hostname) || hasZone(bare))) return undefined;
  throw new URIError(
    `Invalid hostname ${
      show(hostname)
    }: give an IP literal or a name of letters, digits, "-", "_" and "."`,
  );
}

function isName(hostname: string): boolean {
  // With a dot at its end an address is neither.
  const isDotted = hostname.endsWith(".") && ipVersion(hostname.slice(0, -1));
  return NAME.test(hostname) && !isDotted;
}

/** Whether an address names an interface, which nobody here knows. */
function hasZone(literal: string): boolean {
  const at = literal.indexOf("%");
  return at > 0 && ipVersion(literal.slice(0, at)) === 6 &&
    !literal.includes("\0");
}

/**
 * The address to bind a socket to.
 *
 * @param host A name or an IP literal, and the port.
 * @returns An IP literal and the port; of several addresses the first.
 * @throws {Deno.errors.NotCapable} If the name is not permitted, or the address
 * is denied.
 * @throws {Error} If there is no such name.
 */
export function bindAddress({ hostname, port }: IpAddress): PermittedAddress {
  const known = knownAddress(hostname);
  if (known !== undefined) return { hostname: known, port };
  requireNet(hostname, port);
  return permitResolved({ hostname: lookUpNow(bareName(hostname))[0]!, port });
}

/**
 * The address at which a socket reaches a host.
 *
 * @param socket The socket that is to send there.
 * @param host A name or an IP literal, and the port.
 * @returns An IP literal and the port; of several addresses the first that the
 * socket can send to.
 * @throws {Deno.errors.NotCapable} If the name is not permitted, or the address
 * is denied.
 * @throws {Error} If there is no such name.
 */
export async function peerAddress(
  socket: RioSocket,
  { hostname, port }: IpAddress,
): Promise<PermittedAddress> {
  const known = knownAddress(hostname);
  if (known !== undefined) return { hostname: known, port };
  requireNet(hostname, port);
  const found = await lookUp(bareName(hostname));
  const reached = found.find((address) => reaches(socket, address));
  return permitResolved({ hostname: reached ?? found[0]!, port });
}

/**
 * All addresses of a host, in the order to try them.
 *
 * @param host A name or an IP literal, and the port.
 * @returns IP literals and the port.
 * @throws {Deno.errors.NotCapable} If the name is not permitted, or one of the
 * addresses is denied.
 * @throws {Error} If there is no such name.
 */
export async function peerAddresses(
  { hostname, port }: IpAddress,
): Promise<PermittedAddress[]> {
  const known = knownAddress(hostname);
  if (known !== undefined) return [{ hostname: known, port }];
  requireNet(hostname, port);
  const found = await lookUp(bareName(hostname));
  return found.map((address) => permitResolved({ hostname: address, port }));
}

/** A hostname without the brackets that an IPv6 address may have. */
function bareName(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

/** Whether a socket can send to an address. */
function reaches(socket: RioSocket, hostname: string): boolean {
  const version = ipVersion(hostname);
  if (ipVersion(socket.address.hostname) === 4) return version === 4;
  return version === 6 || socket.getOption("ipv6Only") === 0;
}
