/**
 * Hostnames as users give them: literals, `localhost`, and names to look up.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { type IpAddress, ipVersion } from "../address.ts";
import { requireNet } from "../session/permissions.ts";
import { grantAddress, type RioSocket } from "../session/socket.ts";

const LOCALHOST = /^localhost$/i;
/** What a name can consist of; Deno's sockets refuse everything else, too. */
const NAME = /^[\w.-]+$/;

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
        String(hostname)
      }: give a string, not a ${typeof hostname}`,
    );
  }
  if (LOCALHOST.test(hostname)) return "127.0.0.1";
  const bare = hostname.startsWith("[") && hostname.endsWith("]")
    ? hostname.slice(1, -1)
    : hostname;
  if (ipVersion(bare) !== 0) return bare;
  if (NAME.test(hostname)) return undefined;
  throw new URIError(
    `Invalid hostname "${hostname}": give an IP literal or a name of letters, digits, "-", "_" and "."`,
  );
}

/**
 * The address at which a socket reaches a host.
 *
 * As with Deno's sockets, a name needs the permission for the name, and the
 * address that it is looked up to is permitted with it.
 *
 * @param socket The socket that is to send there.
 * @param host A name or an IP literal, and the port.
 * @returns An IP literal.
 * @throws {Deno.errors.NotCapable} If the name is not permitted.
 * @throws {Error} If there is no such name.
 */
export async function permittedHost(
  socket: RioSocket,
  { hostname, port }: IpAddress,
): Promise<string> {
  const known = knownAddress(hostname);
  if (known !== undefined) return known;
  requireNet(hostname, port);
  // A socket of IPv6 reaches both families.
  const family = ipVersion(socket.address.hostname) === 6 ? 0 : 4;
  const found = await lookup(hostname, { family, order: "verbatim" });
  grantAddress(socket, { hostname: found.address, port });
  return found.address;
}

/**
 * Resolves a hostname to all of its addresses.
 *
 * @param hostname A name or an IP literal.
 * @returns The addresses, as literals, in the order to try them.
 * @throws {Error} If there is no such name.
 */
export async function resolveHosts(hostname: string): Promise<string[]> {
  const known = knownAddress(hostname);
  if (LOCALHOST.test(hostname)) return ["127.0.0.1", "::1"];
  if (known !== undefined) return [known];
  const found = await lookup(hostname, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}
