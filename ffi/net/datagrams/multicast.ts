/**
 * Multicast groups of a datagram socket.
 *
 * @module
 */
import { Promise } from "../../globals.ts";
import { ipVersion, writeAddress } from "../../address.ts";
import { show } from "../../arguments.ts";
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
} from "../../constants.ts";
import { assertInternal, type INTERNAL } from "../../internal.ts";
import { SOCKADDR_INET } from "../../layout.ts";
import type { RioSocket } from "../../session/socket.ts";
import { denoErrors } from "../errors.ts";

/** A group, and where to join it. */
export interface Group {
  version: 4 | 6;
  address: string;
  /** An address of the interface for IPv4, its index for IPv6. */
  networkInterface: string | number;
}

/** The level of the options, then the ones that join and leave a group. */
const OPTIONS = {
  4: [IPPROTO_IP, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP],
  6: [IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP],
} as const;

/** A joined multicast group; disposing it leaves the group. */
export class RioMembership implements AsyncDisposable {
  readonly #socket: RioSocket;
  readonly #drop: readonly [level: number, name: number];
  readonly #request: Uint8Array;
  #left = false;

  /**
   * For this package only: use {@linkcode RioDatagramConn.joinMulticastV4}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param socket The socket that joins.
   * @param group The group and the interface.
   */
  constructor(key: typeof INTERNAL, socket: RioSocket, group: Group) {
    assertInternal(key, "RioDatagramConn.joinMulticastV4()");
    const [level, add, drop] = OPTIONS[group.version];
    this.#socket = socket;
    this.#drop = [level, drop];
    this.#request = requestOf(group);
    denoErrors(() => socket.setRawOption([level, add], this.#request));
  }

  /**
   * Leaves the group.
   *
   * @throws {Deno.errors.AddrNotAvailable} If it was left before.
   */
  leave(): Promise<void> {
    return promised(() => {
      this.#left = true;
      this.#socket.setRawOption(this.#drop, this.#request);
    });
  }

  /** Sets whether this host hears what it sends to groups. */
  setLoopback(loopback: boolean): Promise<void> {
    return promised(() =>
      this.#socket.setOption("multicastLoopback", loopback)
    );
  }

  /** Sets the hops that multicast may take, 0 to 255. */
  setTTL(ttl: number): Promise<void> {
    return promised(() => this.#socket.setOption("multicastTimeToLive", ttl));
  }

  /** Leaves the group, unless that was done or the socket was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#left && !this.#socket.closed) await this.leave();
  }
}

function promised(call: () => void): Promise<void> {
  return Promise.try(() => denoErrors(call));
}

/** `struct ip_mreq` or `struct ipv6_mreq`: the group, then the interface. */
function requestOf({ version, address, networkInterface }: Group): Uint8Array {
  const where = version === 4
    ? addressBytes(String(networkInterface), 4)
    : new Uint8Array(new Uint32Array([Number(networkInterface)]).buffer);
  return Uint8Array.of(...addressBytes(address, version), ...where);
}

function addressBytes(hostname: unknown, version: 4 | 6): Uint8Array {
  if (typeof hostname !== "string" || ipVersion(hostname) !== version) {
    throw new Error(`Invalid IPv${version} address ${show(hostname)}`);
  }
  const bytes = new Uint8Array(SOCKADDR_INET.size);
  writeAddress(bytes, { hostname, port: 0 });
  return version === 4
    ? bytes.subarray(SOCKADDR_INET.ipv4Address, SOCKADDR_INET.ipv4Address + 4)
    : bytes.subarray(SOCKADDR_INET.ipv6Address, SOCKADDR_INET.ipv6Address + 16);
}
