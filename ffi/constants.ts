/**
 * The numbers of Winsock Registered I/O: flags, sentinels, control codes,
 * socket options and GUIDs, as 64-bit Windows defines them.
 *
 * The whole package speaks these numbers; the Linux backend translates them at
 * its own edge. Source: the Windows SDK headers `mswsock.h`, `mswsockdef.h`,
 * `ws2def.h` and `ws2ipdef.h`.
 *
 * @module
 */

/** Request flag: the completion does not trigger `RIONotify`. */
export const RIO_MSG_DONT_NOTIFY = 0x1;
/** Request flag: only queue; the next commit starts it, if nothing did before. */
export const RIO_MSG_DEFER = 0x2;
/** Request flag: a stream receive completes only when its slice is full. */
export const RIO_MSG_WAITALL = 0x4;
/** Request flag: start everything deferred in this direction, post nothing. */
export const RIO_MSG_COMMIT_ONLY = 0x8;
/** What `RIORegisterBuffer` returns when it fails: 32 ones, zero-extended. */
export const RIO_INVALID_BUFFERID = 0xFFFFFFFF;
/** What `RIOCreateCompletionQueue` returns when it fails. */
export const RIO_INVALID_CQ = 0x0;
/** What `RIOCreateRequestQueue` returns when it fails. */
export const RIO_INVALID_RQ = 0x0;
/** The most entries that one completion queue can hold. */
export const RIO_MAX_CQ_SIZE = 0x8000000;
/** What `RIODequeueCompletion` returns for a queue that is not valid. */
export const RIO_CORRUPT_CQ = 0xFFFFFFFF;
/** Bytes before the first message of a control buffer. */
export const RIO_CMSG_BASE_SIZE = 0x8;
/** Notification type: set an event. */
export const RIO_EVENT_COMPLETION = 0x1;
/** Notification type: queue a packet to an I/O completion port. */
export const RIO_IOCP_COMPLETION = 0x2;
/** Control code that fetches a table of extension functions. */
export const SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER = 0xC8000024;
/** Control code that fetches one extension function. */
export const SIO_GET_EXTENSION_FUNCTION_POINTER = 0xC8000006;
/** Control code: whether an ICMP port unreachable fails a pending receive. */
export const SIO_UDP_CONNRESET = 0x9800000C;
/** Control code: whether an ICMP TTL expired fails a pending receive. */
export const SIO_UDP_NETRESET = 0x9800000F;
/** Control code: non-blocking mode, which a RIO socket refuses. */
export const FIONBIO = 0x8004667E;
/** Socket flag: overlapped operations are allowed. */
export const WSA_FLAG_OVERLAPPED = 0x1;
/** Socket flag: child processes do not inherit the socket. */
export const WSA_FLAG_NO_HANDLE_INHERIT = 0x80;
/** Socket flag: a request queue can be created on the socket. */
export const WSA_FLAG_REGISTERED_IO = 0x100;
/** The Winsock version asked of `WSAStartup`: 2.2. */
export const WINSOCK_VERSION = 514;
/** Address family of IPv4. */
export const AF_INET = 2;
/** Address family of IPv6, as Windows numbers it. */
export const AF_INET6 = 23;
/** Socket type of TCP. */
export const SOCK_STREAM = 1;
/** Socket type of UDP. */
export const SOCK_DGRAM = 2;
/** Protocol and option level of IPv4. */
export const IPPROTO_IP = 0;
/** Protocol and option level of IPv6. */
export const IPPROTO_IPV6 = 41;
/** Protocol and option level of TCP. */
export const IPPROTO_TCP = 6;
/** Protocol and option level of UDP. */
export const IPPROTO_UDP = 17;
/** Option level of the socket itself. */
export const SOL_SOCKET = 65535;
/** Socket option: bind to an address in use. */
export const SO_REUSEADDR = 4;
/**
 * Socket option: share an address and its traffic. Only Linux has it, under
 * this number; Windows answers `WSAENOPROTOOPT`.
 */
export const SO_REUSEPORT = 15;
/**
 * Socket option: datagrams for which there was no room. Only Linux has it, under
 * this number; Windows answers `WSAENOPROTOOPT`.
 */
export const SO_MEMINFO = 55;
/**
 * Socket option: send and receive through one interface, whose name is the
 * value. Only Linux has it, under this number; Windows answers
 * `WSAENOPROTOOPT`.
 */
export const SO_BINDTODEVICE = 25;
/**
 * Socket option: bytes that are sent per second, at the most. Only Linux has it,
 * under this number; Windows answers `WSAENOPROTOOPT`.
 */
export const SO_MAX_PACING_RATE = 47;
/** Socket option: refuse others who would share the address. */
export const SO_EXCLUSIVEADDRUSE: number = -5;
/** Socket option: probe idle connections. */
export const SO_KEEPALIVE = 8;
/** Socket option: allow broadcast destinations. */
export const SO_BROADCAST = 32;
/** Socket option: what closing does with unsent data. */
export const SO_LINGER = 128;
/** Socket option: size of the send buffer, in bytes. */
export const SO_SNDBUF = 4097;
/** Socket option: size of the receive buffer, in bytes. */
export const SO_RCVBUF = 4098;
/** Socket option: the pending error. */
export const SO_ERROR = 4103;
/** Socket option: the socket type. */
export const SO_TYPE = 4104;
/**
 * Socket option and control message: when a datagram was received. As an option
 * only Linux has it, under this number; Windows answers `WSAENOPROTOOPT`.
 */
export const SO_TIMESTAMP = 12298;
/** Socket option: the protocol of the socket and its provider. */
export const SO_PROTOCOL_INFOW = 8197;
/** Socket option: completes an `AcceptEx` socket. */
export const SO_UPDATE_ACCEPT_CONTEXT = 28683;
/** Socket option: completes a `ConnectEx` socket. */
export const SO_UPDATE_CONNECT_CONTEXT = 28688;
/** TCP option: send small segments at once. */
export const TCP_NODELAY = 1;
/** TCP option: idle seconds before the first probe. */
export const TCP_KEEPIDLE = 3;
/** TCP option: probes before the connection is given up. */
export const TCP_KEEPCNT = 16;
/** TCP option: seconds between probes. */
export const TCP_KEEPINTVL = 17;
/** IPv4 option and control message: type of service. */
export const IP_TOS = 3;
/** IPv4 option and control message: time to live, in hops. */
export const IP_TTL = 4;
/** IPv4 option: interface of multicast that is sent. */
export const IP_MULTICAST_IF = 9;
/** IPv4 option: time to live of multicast, in hops. */
export const IP_MULTICAST_TTL = 10;
/** IPv4 option: deliver multicast to this host as well. */
export const IP_MULTICAST_LOOP = 11;
/** IPv4 option: join a group. */
export const IP_ADD_MEMBERSHIP = 12;
/** IPv4 option: leave a group. */
export const IP_DROP_MEMBERSHIP = 13;
/** IPv4 option: join a group, and hear one source. */
export const IP_ADD_SOURCE_MEMBERSHIP = 15;
/** IPv4 option: hear a source of a group no more. */
export const IP_DROP_SOURCE_MEMBERSHIP = 16;
/** IPv4 option: do not hear a source of a group that was joined. */
export const IP_BLOCK_SOURCE = 17;
/** IPv4 option: hear it again. */
export const IP_UNBLOCK_SOURCE = 18;
/** Option of IPv4 and IPv6: do not hear a source of a group that was joined. */
export const MCAST_BLOCK_SOURCE = 43;
/** Option of IPv4 and IPv6: hear it again. */
export const MCAST_UNBLOCK_SOURCE = 44;
/** Option of IPv4 and IPv6: join a group, and hear one source. */
export const MCAST_JOIN_SOURCE_GROUP = 45;
/** Option of IPv4 and IPv6: hear a source of a group no more. */
export const MCAST_LEAVE_SOURCE_GROUP = 46;
/** IPv4 option: never fragment. */
export const IP_DONTFRAGMENT = 14;
/** IPv4 option and control message: packet info. */
export const IP_PKTINFO = 19;
/**
 * IPv4 option: report the time to live of what is received, in a message of
 * type `IP_TTL`.
 */
export const IP_RECVTTL = 21;
/**
 * IPv4 option: interface of what is sent, but for multicast; its index in
 * network order.
 */
export const IP_UNICAST_IF = 31;
/** IPv4 option: report the type of service of what is received. */
export const IP_RECVTOS = 40;
/** IPv4 option and control message: the ECN codepoint. */
export const IP_ECN = 50;
/**
 * IPv4 option: hear the groups that any socket of the host has joined. Only
 * Linux has it, under this number; Windows answers `WSAENOPROTOOPT`.
 */
export const IP_MULTICAST_ALL = 49;
/** IPv4 option: the path MTU of a connected socket, in bytes. */
export const IP_MTU = 73;
/** IPv6 option: hop limit of what is sent. */
export const IPV6_UNICAST_HOPS = 4;
/** IPv6 option: interface of multicast that is sent. */
export const IPV6_MULTICAST_IF = 9;
/** IPv6 option: hop limit of multicast. */
export const IPV6_MULTICAST_HOPS = 10;
/** IPv6 option: deliver multicast to this host as well. */
export const IPV6_MULTICAST_LOOP = 11;
/** IPv6 option: join a group. */
export const IPV6_ADD_MEMBERSHIP = 12;
/** IPv6 option: leave a group. */
export const IPV6_DROP_MEMBERSHIP = 13;
/** IPv6 option: never fragment. */
export const IPV6_DONTFRAG = 14;
/** IPv6 option and control message: packet info. */
export const IPV6_PKTINFO = 19;
/** IPv6 option and control message: hop limit of what is received. */
export const IPV6_HOPLIMIT = 21;
/** IPv6 option: refuse IPv4-mapped peers. */
export const IPV6_V6ONLY = 27;
/** IPv6 option: interface of what is sent, but for multicast; its index. */
export const IPV6_UNICAST_IF = 31;
/** IPv6 option and control message: traffic class. */
export const IPV6_TCLASS = 39;
/** IPv6 option: report the traffic class of what is received. */
export const IPV6_RECVTCLASS = 40;
/** IPv6 option and control message: the ECN codepoint. */
export const IPV6_ECN = 50;
/**
 * IPv6 option: hear the groups that any socket of the host has joined. Only
 * Linux has it, and the number is this package's: that of Linux is another
 * option's on Windows, which answers `WSAENOPROTOOPT` to this one.
 */
export const IPV6_MULTICAST_ALL = 49;
/** IPv6 option: the path MTU of a connected socket, in bytes. */
export const IPV6_MTU = 72;
/** UDP option and control message: segment size of what is sent, in bytes. */
export const UDP_SEND_MSG_SIZE = 2;
/** UDP option: largest coalesced datagram, in bytes. */
export const UDP_RECV_MAX_COALESCED_SIZE = 3;
/** UDP control message: segment size of a coalesced datagram. */
export const UDP_COALESCED_INFO = 3;
/** Receive flag: the datagram was longer than the slice. */
export const MSG_TRUNC = 0x100;
/** Receive flag: the control messages were longer than the slice. */
export const MSG_CTRUNC = 0x200;
/** Shutdown direction: receiving. */
export const SD_RECEIVE = 0;
/** Shutdown direction: sending. */
export const SD_SEND = 1;
/** Shutdown direction: both. */
export const SD_BOTH = 2;
/** Wait result: the first handle. */
export const WAIT_OBJECT_0 = 0;
/** Wait result: the time ran out. */
export const WAIT_TIMEOUT = 258;
/** The most handles that one wait takes. */
export const MAXIMUM_WAIT_OBJECTS = 64;

/** A socket call failed; `WSAGetLastError` has the reason. */
export const SOCKET_ERROR: number = -1;
/** What socket calls return for no socket: 64 bits of ones. */
export const INVALID_SOCKET = 0xFFFFFFFFFFFFFFFFn;
/** Wait without end. */
export const INFINITE = 0xFFFFFFFF;

/** Names the table of the 13 RIO functions. */
export const WSAID_MULTIPLE_RIO = "8509e081-96dd-4005-b165-9e2ee8c79e3f";
/** Names `AcceptEx`. */
export const WSAID_ACCEPTEX = "b5367df1-cbac-11cf-95ca-00805f48a192";
/** Names `ConnectEx`. */
export const WSAID_CONNECTEX = "25a207b9-ddf3-4660-8ee9-76e58c74063e";

/** The 13 functions in the order of the extension table. */
export const RIO_FUNCTIONS = [
  "RIOReceive",
  "RIOReceiveEx",
  "RIOSend",
  "RIOSendEx",
  "RIOCloseCompletionQueue",
  "RIOCreateCompletionQueue",
  "RIOCreateRequestQueue",
  "RIODequeueCompletion",
  "RIODeregisterBuffer",
  "RIONotify",
  "RIORegisterBuffer",
  "RIOResizeCompletionQueue",
  "RIOResizeRequestQueue",
] as const;

/** The name of one of the 13 functions. */
export type RioFunctionName = (typeof RIO_FUNCTIONS)[number];

/** Makes a record with a value for each of the 13 functions. */
export function perFunction<T>(
  value: (name: RioFunctionName, index: number) => T,
): Record<RioFunctionName, T> {
  return Object.fromEntries(
    RIO_FUNCTIONS.map((name, index) => [name, value(name, index)]),
  ) as Record<RioFunctionName, T>;
}
