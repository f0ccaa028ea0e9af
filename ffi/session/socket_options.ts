/**
 * Socket options by name, with their Winsock numbers.
 *
 * @module
 */
import {
  AF_INET6,
  IP_DONTFRAGMENT,
  IP_ECN,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_ECN,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_LOOP,
  IPV6_PKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  SO_BROADCAST,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  UDP_RECV_MAX_COALESCED_SIZE,
  UDP_SEND_MSG_SIZE,
} from "../constants.ts";

/** Level and name of an option for IPv4, and for IPv6 where it differs. */
type Numbers = readonly [
  level: number,
  name: number,
  level6?: number,
  name6?: number,
];

const OPTIONS = {
  /** Allow broadcast destinations; 0 or 1. */
  broadcast: [SOL_SOCKET, SO_BROADCAST],
  /** Bind to an address in use; 0 or 1, before binding. */
  reuseAddress: [SOL_SOCKET, SO_REUSEADDR],
  /** Share the address and its traffic; 0 or 1, before binding, Linux only. */
  reusePort: [SOL_SOCKET, SO_REUSEPORT],
  /** Size of the system's receive buffer, in bytes. */
  receiveBufferSize: [SOL_SOCKET, SO_RCVBUF],
  /** Size of the system's send buffer, in bytes. */
  sendBufferSize: [SOL_SOCKET, SO_SNDBUF],
  /** Probe idle connections; 0 or 1. */
  keepAlive: [SOL_SOCKET, SO_KEEPALIVE],
  /** Idle time before the first probe, in seconds. */
  keepAliveIdle: [IPPROTO_TCP, TCP_KEEPIDLE],
  /** Time between probes, in seconds. */
  keepAliveInterval: [IPPROTO_TCP, TCP_KEEPINTVL],
  /** Probes before the connection is given up. */
  keepAliveCount: [IPPROTO_TCP, TCP_KEEPCNT],
  /** Send small segments at once; 0 or 1. */
  noDelay: [IPPROTO_TCP, TCP_NODELAY],
  /** Hops that what is sent may take; 1 to 255. */
  timeToLive: [IPPROTO_IP, IP_TTL, IPPROTO_IPV6, IPV6_UNICAST_HOPS],
  /** Type of service or traffic class of what is sent; 0 to 255. */
  typeOfService: [IPPROTO_IP, IP_TOS, IPPROTO_IPV6, IPV6_TCLASS],
  /** Never fragment what is sent; 0 or 1. */
  dontFragment: [IPPROTO_IP, IP_DONTFRAGMENT],
  /** Hops that multicast may take; 0 to 255. */
  multicastTimeToLive: [
    IPPROTO_IP,
    IP_MULTICAST_TTL,
    IPPROTO_IPV6,
    IPV6_MULTICAST_HOPS,
  ],
  /** Deliver multicast to this host as well; 0 or 1. */
  multicastLoopback: [
    IPPROTO_IP,
    IP_MULTICAST_LOOP,
    IPPROTO_IPV6,
    IPV6_MULTICAST_LOOP,
  ],
  /** Report in control data where a datagram arrived; 0 or 1. */
  packetInfo: [IPPROTO_IP, IP_PKTINFO, IPPROTO_IPV6, IPV6_PKTINFO],
  /** Report in control data the type of service or traffic class; 0 or 1. */
  receiveTypeOfService: [
    IPPROTO_IP,
    IP_RECVTOS,
    IPPROTO_IPV6,
    IPV6_RECVTCLASS,
  ],
  /** Report in control data the ECN codepoint; 0 or 1. */
  receiveEcn: [IPPROTO_IP, IP_ECN, IPPROTO_IPV6, IPV6_ECN],
  /** Cut what is sent into datagrams of this size, in bytes; 0 for off. */
  segmentSize: [IPPROTO_UDP, UDP_SEND_MSG_SIZE],
  /** Join received datagrams up to this size, in bytes; 0 for off. */
  coalescedSize: [IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE],
  /** Refuse IPv4 peers on an IPv6 socket; 0 or 1, before binding. */
  ipv6Only: [IPPROTO_IPV6, IPV6_V6ONLY],
} as const satisfies Record<RioSocketOption, Numbers>;

/**
 * The name of a socket option.
 *
 * On and off are 1 and 0. Sizes are in bytes, times in seconds, hops are counts.
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
  | "packetInfo"
  | "receiveTypeOfService"
  | "receiveEcn"
  | "segmentSize"
  | "coalescedSize"
  | "ipv6Only";

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
      `Unknown socket option "${String(option)}": give one of ${
        Object.keys(OPTIONS).join(", ")
      }`,
    );
  }
  const [level, name, level6, name6]: Numbers = OPTIONS[option];
  return family === AF_INET6 && level6 !== undefined && name6 !== undefined
    ? [level6, name6]
    : [level, name];
}
