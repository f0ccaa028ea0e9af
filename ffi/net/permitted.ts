/**
 * Names that are permitted, and the addresses they lead to.
 *
 * @module
 */
import { ipVersion } from "../address.ts";
import { requireNet } from "../session/permissions.ts";
import { grantAddress, type RioSocket } from "../session/socket.ts";
import { knownAddress, resolveHost } from "./hosts.ts";

/**
 * The address that a socket reaches a host at.
 *
 * As with Deno's sockets, a name needs the permission for the name, and what it
 * is looked up to is permitted with it.
 *
 * @throws {Deno.errors.NotCapable} If the name is not permitted.
 * @throws {Error} If there is no such name.
 */
export async function permittedHost(
  socket: RioSocket,
  { hostname, port }: { hostname: string; port: number },
): Promise<string> {
  const family = ipVersion(socket.address.hostname) === 6 ? 0 : 4;
  const named = knownAddress(hostname) === undefined;
  if (named) requireNet(hostname, port);
  const host = await resolveHost(hostname, family);
  if (named) grantAddress(socket, { hostname: host, port });
  return host;
}
