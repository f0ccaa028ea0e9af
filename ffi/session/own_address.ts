/**
 * Whether an address is one of this host.
 *
 * @module
 */
import { writeAddress } from "../address.ts";
import { AF_INET, AF_INET6, IPPROTO_UDP, SOCK_DGRAM } from "../constants.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { partsOf, type RioEndpoint } from "./endpoint.ts";

/**
 * Asks the system by binding a socket of a moment: what is a broadcast looks
 * like an address of a host.
 *
 * @param endpoint A socket on the system that is asked.
 * @param hostname An IP literal.
 * @returns Whether a socket can be bound to it.
 */
export function isOwnAddress(endpoint: RioEndpoint, hostname: string): boolean {
  const { backend: { sockets } } = partsOf(endpoint).core;
  const address = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(address, { hostname, port: 0 });
  const family = hostname.includes(":") ? AF_INET6 : AF_INET;
  const socket = sockets.open(family, SOCK_DGRAM, IPPROTO_UDP);
  if (socket < 0) return false;
  const errno = sockets.bind(socket, address);
  sockets.close(socket);
  return errno === 0;
}
