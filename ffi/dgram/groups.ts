/**
 * Multicast groups of a socket, by the addresses that Node takes.
 *
 * @module
 */
import { ADDRESS_SIZE, ipVersion, writeAddress } from "../address.ts";
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
  IPV6_MULTICAST_IF,
} from "../constants.ts";
import { interfaceIndex } from "../interfaces.ts";
import { SOCKADDR_INET } from "../layout.ts";
import type { RioSocket } from "../session/socket.ts";
import { systemError } from "./errors.ts";
import { calling } from "./settings.ts";

const { ipv4Address, ipv6Address } = SOCKADDR_INET;

const MEMBERSHIP = {
  addMembership: { 4: IP_ADD_MEMBERSHIP, 6: IPV6_ADD_MEMBERSHIP },
  dropMembership: { 4: IP_DROP_MEMBERSHIP, 6: IPV6_DROP_MEMBERSHIP },
} as const;

/**
 * Joins a group, or leaves it.
 *
 * @param socket The socket.
 * @param syscall Which of the two.
 * @param at The group, and an address of the interface: of IPv6 the address
 * names it after a `%`. By default the system chooses.
 * @throws {Error} `EINVAL` for what is no address, else what the system said.
 */
export function changeMembership(
  socket: RioSocket,
  syscall: keyof typeof MEMBERSHIP,
  { group, where }: { group: string; where: string | undefined },
): void {
  const version = ipVersion(group);
  if (version === 0) throw systemError("EINVAL", syscall);
  const name = MEMBERSHIP[syscall][version];
  const value = version === 4
    ? [...ipv4Of(group, syscall), ...ipv4Of(where ?? "0.0.0.0", syscall)]
    : [
      ...ipv6Of(group, syscall).address,
      ...ipv6Of(where ?? "::", syscall).zone,
    ];
  const level = version === 4 ? IPPROTO_IP : IPPROTO_IPV6;
  calling(
    socket,
    syscall,
    (socket) => socket.setRawOption([level, name], Uint8Array.from(value)),
  );
}

/**
 * Chooses the interface of what is sent to groups.
 *
 * @param address An address of the interface, as for a membership.
 * @throws {Error} `EINVAL` for what is no address, else what the system said.
 */
export function setInterface(
  socket: RioSocket | undefined,
  address: string,
): void {
  const syscall = "setMulticastInterface";
  const [level, name, value] = ipVersion(address) === 4
    ? [IPPROTO_IP, IP_MULTICAST_IF, ipv4Of(address, syscall)]
    : [IPPROTO_IPV6, IPV6_MULTICAST_IF, ipv6Of(address, syscall).zone];
  calling(
    socket,
    syscall,
    (socket) => socket.setRawOption([level, name], value),
  );
}

function ipv4Of(address: string, syscall: string): Uint8Array {
  if (ipVersion(address) !== 4) throw systemError("EINVAL", syscall);
  return bytesOf(address).slice(ipv4Address, ipv4Address + 4);
}

/** An address of IPv6, and the index of its interface; 0 where it has none. */
function ipv6Of(
  hostname: string,
  syscall: string,
): { address: Uint8Array; zone: Uint8Array } {
  const [bare = "", zone = "0"] = hostname.split("%");
  if (ipVersion(bare) !== 6) throw systemError("EINVAL", syscall);
  const index = /^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone);
  return {
    address: bytesOf(bare).slice(ipv6Address, ipv6Address + 16),
    zone: new Uint8Array(new Uint32Array([index]).buffer),
  };
}

function bytesOf(hostname: string): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_SIZE);
  writeAddress(bytes, { hostname, port: 0 });
  return bytes;
}
