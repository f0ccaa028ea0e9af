/**
 * Socket options by name, with their Winsock numbers.
 *
 * @module
 */
import { assertInteger, refuseType, show } from "../arguments.ts";
import * as constants from "../constants.ts";
import { toInterface } from "../interfaces.ts";
import { optionLevel, type OptionName } from "../option_names.ts";

/** The name of an option for IPv4, and for IPv6 where that differs. */
const OPTIONS: Readonly<
  Record<RioSocketOption, readonly [OptionName, OptionName?]>
> = {
  /** Allow broadcast destinations; 0 or 1. */
  broadcast: ["SO_BROADCAST"],
  /** Bind to an address in use; 0 or 1, before binding. */
  reuseAddress: ["SO_REUSEADDR"],
  /** Share the address and its traffic; 0 or 1, before binding, Linux only. */
  reusePort: ["SO_REUSEPORT"],
  /**
   * Size of the system's receive buffer, in bytes; reads as what the system gave,
   * on Linux at most `net.core.rmem_max`.
   */
  receiveBufferSize: ["SO_RCVBUF"],
  /**
   * Size of the system's send buffer, in bytes; reads as what the system gave, on
   * Linux at most `net.core.wmem_max`.
   */
  sendBufferSize: ["SO_SNDBUF"],
  /** Probe idle connections; 0 or 1. */
  keepAlive: ["SO_KEEPALIVE"],
  /** Idle time before the first probe, in seconds. */
  keepAliveIdle: ["TCP_KEEPIDLE"],
  /** Time between probes, in seconds. */
  keepAliveInterval: ["TCP_KEEPINTVL"],
  /** Probes before the connection is given up. */
  keepAliveCount: ["TCP_KEEPCNT"],
  /** Send small segments at once; 0 or 1. */
  noDelay: ["TCP_NODELAY"],
  /** Hops that what is sent may take; 1 to 255. */
  timeToLive: ["IP_TTL", "IPV6_UNICAST_HOPS"],
  /** Type of service or traffic class of what is sent; 0 to 255. */
  typeOfService: ["IP_TOS", "IPV6_TCLASS"],
  /** Never fragment what is sent; 0 or 1. */
  dontFragment: ["IP_DONTFRAGMENT", "IPV6_DONTFRAG"],
  /** Hops that multicast may take; 0 to 255. */
  multicastTimeToLive: ["IP_MULTICAST_TTL", "IPV6_MULTICAST_HOPS"],
  /** Deliver multicast to this host as well; 0 or 1. */
  multicastLoopback: ["IP_MULTICAST_LOOP", "IPV6_MULTICAST_LOOP"],
  /** Interface of multicast that is sent, by index or name; 0 for any. */
  multicastInterface: ["IP_MULTICAST_IF", "IPV6_MULTICAST_IF"],
  /**
   * Hear also the groups that other sockets of the host have joined, as Linux
   * does by itself on a wildcard address; 0 or 1, Linux only.
   */
  multicastAll: ["IP_MULTICAST_ALL", "IPV6_MULTICAST_ALL"],
  /** Interface of all else that is sent, by index or name; 0 for any. */
  unicastInterface: ["IP_UNICAST_IF", "IPV6_UNICAST_IF"],
  /** The path MTU to the peer of a connected socket, in bytes; read only. */
  pathMtu: ["IP_MTU", "IPV6_MTU"],
  /**
   * Bytes that are sent per second, at the most; -1 for no limit, Linux only. A
   * connection keeps to it by itself, datagrams where the interface has the
   * queue `fq`. Source: tc-fq(8), socket(7).
   */
  maxPacingRate: ["SO_MAX_PACING_RATE"],
  /** Report in control data where a datagram arrived; 0 or 1. */
  packetInfo: ["IP_PKTINFO", "IPV6_PKTINFO"],
  /** Report in control data the type of service or traffic class; 0 or 1. */
  receiveTypeOfService: ["IP_RECVTOS", "IPV6_RECVTCLASS"],
  /** Report in control data the ECN codepoint; 0 or 1. */
  receiveEcn: ["IP_ECN", "IPV6_ECN"],
  /** Report in control data the hops that were left; 0 or 1. */
  receiveTimeToLive: ["IP_RECVTTL", "IPV6_HOPLIMIT"],
  /** Report in control data when a datagram was received; 0 or 1, Linux only. */
  receiveTimestamp: ["SO_TIMESTAMP"],
  /** Cut what is sent into datagrams of this size, in bytes; 0 for off. */
  segmentSize: ["UDP_SEND_MSG_SIZE"],
  /** Join received datagrams up to this size, in bytes; 0 for off. */
  coalescedSize: ["UDP_RECV_MAX_COALESCED_SIZE"],
  /** Refuse IPv4 peers on an IPv6 socket; 0 or 1, before binding. */
  ipv6Only: ["IPV6_V6ONLY"],
  /** Datagrams for which there was no room; only read, Linux only. */
  dropped: ["SO_MEMINFO"],
};

/**
 * The name of a socket option.
 *
 * On and off are 1 and 0. Sizes are in bytes, times in seconds, hops are
 * counts. On a socket that serves both families an option of the IP layer is set
 * for both.
 *
 * `pathMtu` can only be read. `multicastInterface` reads as 0 for IPv4 on Linux.
 *
 * Windows leaves `typeOfService` to its policies: many versions accept it for
 * IPv4 and send 0, unless the registry allows programs to set it, and many
 * refuse it for IPv6. An ECN codepoint goes with each datagram there.
 * Source: Microsoft's page on the `IPPROTO_IP` socket options.
 */
export type RioSocketOption =
  | "broadcast"
  | "reuseAddress"
  | "reusePort"
  | "receiveBufferSize"
  | "sendBufferSize"
  | "keepAlive"
  | "keepAliveIdle"
  | "keepAliveInterval"
  | "keepAliveCount"
  | "noDelay"
  | "timeToLive"
  | "typeOfService"
  | "dontFragment"
  | "multicastTimeToLive"
  | "multicastLoopback"
  | "multicastInterface"
  | "multicastAll"
  | "unicastInterface"
  | "pathMtu"
  | "maxPacingRate"
  | "packetInfo"
  | "receiveTypeOfService"
  | "receiveEcn"
  | "receiveTimeToLive"
  | "receiveTimestamp"
  | "segmentSize"
  | "coalescedSize"
  | "ipv6Only"
  | "dropped";

/**
 * Level and name of an option, for a socket of a family.
 *
 * @throws {TypeError} If there is no such option.
 */
export function optionNumbers(
  option: RioSocketOption,
  family: number,
): [level: number, name: number] {
  if (!Object.hasOwn(OPTIONS, option)) {
    throw new TypeError(
      `Unknown socket option ${show(option)}: give one of ${
        Object.keys(OPTIONS).join(", ")
      }`,
    );
  }
  const [ipv4, ipv6 = ipv4] = OPTIONS[option];
  return numbers(family === constants.AF_INET6 ? ipv6 : ipv4);
}

/**
 * What an option of an IPv6 socket is for its IPv4 peers; `null` where it is the
 * same, or nothing.
 */
export function mappedOptionNumbers(
  option: RioSocketOption,
): [level: number, name: number] | null {
  const [ipv4, ipv6] = OPTIONS[option];
  return ipv6 === undefined ? null : numbers(ipv4);
}

function numbers(name: OptionName): [level: number, name: number] {
  return [optionLevel(name), constants[name]];
}

/** Options whose value is an interface. */
const INTERFACES: ReadonlySet<RioSocketOption> = new Set([
  "multicastInterface",
  "unicastInterface",
]);

/**
 * A value that a program gives for an option, as a number.
 *
 * @throws {TypeError} If it does not go with the option.
 * @throws {RangeError} If it is not a whole number of 32 bits.
 */
export function optionNumber(
  option: RioSocketOption,
  value: number | boolean | string,
): number {
  if (option === "pathMtu") {
    throw new TypeError('Cannot set "pathMtu": it is the path\'s, read it');
  }
  if (INTERFACES.has(option)) return toInterface(option, value);
  if (typeof value !== "number" && typeof value !== "boolean") {
    const advice = `give a number or a boolean for "${option}"`;
    refuseType("value", value, advice);
  }
  assertInteger("value", Number(value), -0x80000000, 0x7FFFFFFF);
  return Number(value);
}

/** A number as the bytes of an option. */
export function optionBytes(
  option: RioSocketOption,
  level: number,
  value: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer)
    .setInt32(0, value, !isInNetworkOrder(option, level));
  return bytes;
}

/** The number that the bytes of an option are. */
export function readOption(
  option: RioSocketOption,
  level: number,
  bytes: Uint8Array<ArrayBuffer>,
): number {
  return new DataView(bytes.buffer)
    .getInt32(0, !isInNetworkOrder(option, level));
}

/** An interface of IPv4 takes the place of an address. */
function isInNetworkOrder(option: RioSocketOption, level: number): boolean {
  return level === constants.IPPROTO_IP && INTERFACES.has(option);
}
