/**
 * Multicast groups of a socket, by the addresses that Node takes.
 *
 * @module
 */
import { ipVersion } from "../address.ts";
import {
  IP_MULTICAST_IF,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_MULTICAST_IF,
} from "../constants.ts";
import { interfaceIndex } from "../interfaces.ts";
import { GroupRequests } from "../net/datagrams/groups.ts";
import type { RioSocket } from "../session/socket.ts";
import { systemError } from "./errors.ts";
import { calling } from "./settings.ts";

/** What is done with a group, and whether all of its sources are meant. */
const CHANGES = {
  addMembership: "join",
  dropMembership: "leave",
  addSourceSpecificMembership: "join",
  dropSourceSpecificMembership: "leave",
} as const;

/** The addresses that leave the interface to the system. */
const DEFAULTS = { 4: "0.0.0.0", 6: "::" } as const;

/** What Node calls it. */
export type Change = keyof typeof CHANGES;

/**
 * Joins a group, or leaves it.
 *
 * @param socket The socket.
 * @param syscall Which of the two.
 * @param at The group, its source where one is meant, and an address of the
 * interface: of IPv6 the address names it after a `%`. By default the system
 * chooses.
 * @throws {Error} `EINVAL` for what is no address, else what the system said.
 */
export function changeMembership(
  socket: RioSocket,
  syscall: Change,
  { group, source, where }: {
    group: string;
    source?: string | undefined;
    where: string | undefined;
  },
): void {
  const version = typeof group === "string" ? ipVersion(group) : 0;
  if (version === 0) throw systemError("EINVAL", syscall);
  const isSource = source === undefined || ipVersion(source) === version;
  if (!isSource) throw systemError("EINVAL", syscall);
  const requests = new GroupRequests({
    version,
    address: group,
    networkInterface: interfaceOf(where, { version, syscall }),
  });
  const action = CHANGES[syscall];
  const { option, value } = source === undefined
    ? requests.group(action)
    : requests.source(action, source);
  calling(socket, syscall, (socket) => socket.setRawOption(option, value));
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
  const version = ipVersion(address.split("%")[0]!) || 4;
  const where = interfaceOf(address, { version, syscall });
  const [level, name, value] = typeof where === "string"
    ? [IPPROTO_IP, IP_MULTICAST_IF, ipv4Bytes(where)]
    : [IPPROTO_IPV6, IPV6_MULTICAST_IF, indexBytes(where)];
  calling(
    socket,
    syscall,
    (socket) => socket.setRawOption([level, name], value),
  );
}

/**
 * An interface by an address of it: of IPv4 the address itself, of IPv6 the index
 * behind the `%`, 0 where the system is to choose.
 *
 * @throws {Error} `EINVAL` for what is no address of the version.
 */
function interfaceOf(
  address: string | undefined,
  { version, syscall }: { version: 4 | 6; syscall: string },
): string | number {
  const text = address ?? DEFAULTS[version];
  const [bare = "", zone = ""] = typeof text === "string"
    ? text.split("%")
    : [];
  if (ipVersion(bare) !== version) throw systemError("EINVAL", syscall);
  if (version === 4) return bare;
  return /^\d+$/.test(zone) ? Number(zone) : interfaceIndex(zone);
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

function indexBytes(index: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index, true);
  return bytes;
}
