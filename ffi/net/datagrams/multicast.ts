/**
 * Multicast groups of a datagram socket.
 *
 * @module
 */
import { writeAddress } from "../../address.ts";
import {
  IP_ADD_MEMBERSHIP,
  IP_DROP_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DROP_MEMBERSHIP,
} from "../../constants.ts";
import { SOCKADDR_INET } from "../../layout.ts";
import { denoErrors } from "../errors.ts";
import type { RioSocket } from "../../session/socket.ts";

/** A joined multicast group; disposing it leaves the group. */
export class RioMembership implements AsyncDisposable {
  readonly #socket: RioSocket;
  readonly #drop: readonly [level: number, name: number];
  readonly #request: Uint8Array;
  #left = false;

  /**
   * For this package only: use {@linkcode RioDatagramConn.joinMulticastV4}.
   *
   * @param socket The socket that joins.
   * @param group The group and the interface.
   */
  constructor(
    socket: RioSocket,
    group: {
      version: 4 | 6;
      address: string;
      networkInterface: string | number;
    },
  ) {
    this.#socket = socket;
    const v4 = group.version === 4;
    this.#request = v4
      ? requestV4(group.address, String(group.networkInterface))
      : requestV6(group.address, Number(group.networkInterface));
    this.#drop = v4
      ? [IPPROTO_IP, IP_DROP_MEMBERSHIP]
      : [IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP];
    const add = v4
      ? [IPPROTO_IP, IP_ADD_MEMBERSHIP] as const
      : [IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP] as const;
    denoErrors(() => socket.setRawOption(add, this.#request));
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

/** `struct ip_mreq`: the group, then the address of the interface. */
function requestV4(group: string, networkInterface: string): Uint8Array {
  const request = new Uint8Array(8);
  request.set(addressBytes(group, 4), 0);
  request.set(addressBytes(networkInterface, 4), 4);
  return request;
}

/** `struct ipv6_mreq`: the group, then the index of the interface. */
function requestV6(group: string, networkInterface: number): Uint8Array {
  const request = new Uint8Array(20);
  request.set(addressBytes(group, 6), 0);
  new DataView(request.buffer).setUint32(16, networkInterface, true);
  return request;
}

function addressBytes(hostname: string, version: 4 | 6): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_INET.size);
  try {
    writeAddress(bytes, { hostname, port: 0 });
  } catch (cause) {
    throw new Error(`Invalid IPv${version} address "${hostname}"`, { cause });
  }
  const isV6 = bytes[SOCKADDR_INET.family] !== 2;
  if (isV6 !== (version === 6)) {
    throw new Error(`Invalid IPv${version} address "${hostname}"`);
  }
  return isV6
    ? bytes.subarray(SOCKADDR_INET.ipv6Address, SOCKADDR_INET.ipv6Address + 16)
    : bytes.subarray(SOCKADDR_INET.ipv4Address, SOCKADDR_INET.ipv4Address + 4);
}
