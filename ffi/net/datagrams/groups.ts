/**
 * Multicast groups as the system takes them: options, and their bytes.
 *
 * Source: ip(7), ipv6(7), RFC 3678, and Microsoft's pages on `ip_mreq`,
 * `ip_mreq_source`, `ipv6_mreq` and `group_source_req`.
 *
 * @module
 */
import { ADDRESS_SIZE, ipVersion, writeAddress } from "../../address.ts";
import { refuseType, show } from "../../arguments.ts";
import {
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_BLOCK_SOURCE,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IP_UNBLOCK_SOURCE,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
  MCAST_BLOCK_SOURCE,
  MCAST_JOIN_SOURCE_GROUP,
  MCAST_LEAVE_SOURCE_GROUP,
  MCAST_UNBLOCK_SOURCE,
} from "../../constants.ts";
import { interfaceIndex, toInterface } from "../../interfaces.ts";
import { GROUP_SOURCE_REQ, SOCKADDR_INET } from "../../layout.ts";

/** A group, and where to join it. */
export interface Group {
  readonly version: 4 | 6;
  readonly address: string;
  /** An interface by address, index or name. */
  readonly networkInterface: string | number;
}

/** What to do with a group, or with one of its sources. */
export type GroupAction = "join" | "leave" | "block" | "unblock";

/** An option, and its value. */
export interface GroupRequest {
  readonly option: readonly [level: number, name: number];
  readonly value: Uint8Array;
  /** What it asks for, as an error tells it. */
  readonly what: string;
}

/** The options for all sources of a group. */
const GROUP = {
  4: { join: IP_ADD_MEMBERSHIP, leave: IP_DROP_MEMBERSHIP },
  6: { join: IPV6_ADD_MEMBERSHIP, leave: IPV6_DROP_MEMBERSHIP },
} as const;

/** The options for one source, with the interface by its IPv4 address. */
const SOURCE_BY_ADDRESS = {
  join: IP_ADD_SOURCE_MEMBERSHIP,
  leave: IP_DROP_SOURCE_MEMBERSHIP,
  block: IP_BLOCK_SOURCE,
  unblock: IP_UNBLOCK_SOURCE,
} as const;

/** The options for one source, with the interface by its index. */
const SOURCE_BY_INDEX = {
  join: MCAST_JOIN_SOURCE_GROUP,
  leave: MCAST_LEAVE_SOURCE_GROUP,
  block: MCAST_BLOCK_SOURCE,
  unblock: MCAST_UNBLOCK_SOURCE,
} as const;

/** The argument that interfaces are given in. */
const NAME = "networkInterface";

/** An interface: its index, or for IPv4 an address of it. */
type Place = { readonly index: number } | { readonly address: Uint8Array };

/** What the system is asked for a group. */
export class GroupRequests {
  readonly #version: 4 | 6;
  readonly #level: number;
  readonly #address: string;
  readonly #place: Place;

  /**
   * Looks the interface up.
   *
   * @throws {Error} If the group is no address of its version.
   * @throws {TypeError} If this host has no such interface.
   */
  constructor({ version, address, networkInterface }: Group) {
    assertAddress(address, version);
    this.#version = version;
    this.#level = version === 4 ? IPPROTO_IP : IPPROTO_IPV6;
    this.#address = address;
    this.#place = placeOf(networkInterface, version);
  }

  /** To join or leave the group, with all of its sources. */
  group(action: "join" | "leave"): GroupRequest {
    const place = this.#place;
    const where = "address" in place
      ? place.address
      : indexBytes(place.index, this.#version === 6);
    return {
      option: [this.#level, GROUP[this.#version][action]],
      value: Uint8Array.of(...ipBytes(this.#address, this.#version), ...where),
      what: `${action} the group ${this.#address}`,
    };
  }

  /**
   * To do something with one source of the group.
   *
   * @throws {Error} If the source is no address of the group's version.
   */
  source(action: GroupAction, source: string): GroupRequest {
    assertAddress(source, this.#version);
    const place = this.#place;
    const what = `${action} ${source} in the group ${this.#address}`;
    if ("address" in place) {
      return {
        option: [this.#level, SOURCE_BY_ADDRESS[action]],
        value: Uint8Array.of(
          ...ipBytes(this.#address, 4),
          ...ipBytes(source, 4),
          ...place.address,
        ),
        what,
      };
    }
    const value = new Uint8Array(GROUP_SOURCE_REQ.size);
    const { group: groupAt, source: sourceAt } = GROUP_SOURCE_REQ;
    value.set(indexBytes(place.index, true), GROUP_SOURCE_REQ.interface);
    value.set(socketAddress(this.#address), groupAt);
    value.set(socketAddress(source), sourceAt);
    return { option: [this.#level, SOURCE_BY_INDEX[action]], value, what };
  }
}

/** An index; in the place of an IPv4 address it is one: 0.x.x.x. */
function indexBytes(index: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, index, littleEndian);
  return bytes;
}

/** The interface that a program gives by address, index or name. */
function placeOf(given: unknown, version: 4 | 6): Place {
  if (typeof given !== "string") return { index: toInterface(NAME, given) };
  const [literal = "", zone] = given.split("%");
  const family = ipVersion(literal);
  if (family === 4 && version === 4) return { address: ipBytes(given, 4) };
  if (family === 6 && version === 6) {
    if (zone !== undefined) return { index: indexOf(zone) };
    return { index: indexAt(given) };
  }
  return { index: indexOf(given) };
}

function indexOf(name: string): number {
  const isNumber = /^\d+$/.test(name) && interfaceIndex(name) === 0;
  return toInterface(NAME, isNumber ? Number(name) : name);
}

/** The interface that has an IPv6 address; `::` is none in particular. */
function indexAt(literal: string): number {
  const wanted = ipBytes(literal, 6).join();
  if (wanted === new Uint8Array(16).join()) return 0;
  const found = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv6" && ipBytes(address, 6).join() === wanted
  );
  if (found !== undefined) return toInterface(NAME, found.name);
  refuseType(NAME, literal, "this host has no interface with that address");
}

function assertAddress(hostname: unknown, version: 4 | 6): void {
  if (
    typeof hostname === "string" && !hostname.includes("%") &&
    ipVersion(hostname) === version
  ) return;
  throw new Error(`Invalid IPv${version} address ${show(hostname)}`);
}

function ipBytes(hostname: string, version: 4 | 6): Uint8Array {
  const bytes = socketAddress(hostname);
  return version === 4
    ? bytes.subarray(SOCKADDR_INET.ipv4Address, SOCKADDR_INET.ipv4Address + 4)
    : bytes.subarray(SOCKADDR_INET.ipv6Address, SOCKADDR_INET.ipv6Address + 16);
}

function socketAddress(hostname: string): Uint8Array {
  const bytes = new Uint8Array(ADDRESS_SIZE);
  writeAddress(bytes, { hostname, port: 0 });
  return bytes;
}
