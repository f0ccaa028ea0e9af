/**
 * The raw layer for experts: the contract that a session speaks, its backends,
 * the numbers and layouts, and the helper that resolves the RIO functions.
 *
 * Nothing here guards lifetimes: whoever registers memory keeps it reachable
 * until it is deregistered, and deregisters it only after the last completion
 * was dequeued. {@linkcode openSession} puts a session over any backend.
 *
 * @example Register memory by hand
 * ```ts
 * import { allocate, checkHandle, openBackend } from "@winsock/rio/ffi";
 *
 * const backend = openBackend();
 * const { rings } = backend;
 * const memory = allocate(4096);
 * const id = checkHandle(
 *   rings.registerBuffer(memory),
 *   "RIORegisterBuffer",
 *   "register 4096 bytes",
 * );
 * rings.deregisterBuffer(id);
 * backend.close(false);
 * ```
 *
 * @module
 */
export {
  AF_INET,
  AF_INET6,
  FIONBIO,
  INVALID_SOCKET,
  IP_ADD_MEMBERSHIP,
  IP_DONTFRAGMENT,
  IP_DROP_MEMBERSHIP,
  IP_ECN,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV6_ADD_MEMBERSHIP,
  IPV6_DONTFRAG,
  IPV6_DROP_MEMBERSHIP,
  IPV6_ECN,
  IPV6_HOPLIMIT,
  IPV6_MULTICAST_HOPS,
  IPV6_MULTICAST_IF,
  IPV6_MULTICAST_LOOP,
  IPV6_PKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  MSG_CTRUNC,
  MSG_TRUNC,
  RIO_CMSG_BASE_SIZE,
  RIO_CORRUPT_CQ,
  RIO_EVENT_COMPLETION,
  RIO_FUNCTIONS,
  RIO_INVALID_BUFFERID,
  RIO_INVALID_CQ,
  RIO_INVALID_RQ,
  RIO_IOCP_COMPLETION,
  RIO_MAX_CQ_SIZE,
  RIO_MSG_COMMIT_ONLY,
  RIO_MSG_DEFER,
  RIO_MSG_DONT_NOTIFY,
  RIO_MSG_WAITALL,
  type RioFunctionName,
  SD_BOTH,
  SD_RECEIVE,
  SD_SEND,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER,
  SIO_UDP_CONNRESET,
  SIO_UDP_NETRESET,
  SO_BROADCAST,
  SO_ERROR,
  SO_EXCLUSIVEADDRUSE,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_PROTOCOL_INFOW,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_TIMESTAMP,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  UDP_COALESCED_INFO,
  UDP_RECV_MAX_COALESCED_SIZE,
  UDP_SEND_MSG_SIZE,
  WINSOCK_VERSION,
  WSA_FLAG_NO_HANDLE_INHERIT,
  WSA_FLAG_OVERLAPPED,
  WSA_FLAG_REGISTERED_IO,
  WSAID_MULTIPLE_RIO,
} from "./constants.ts";
export type {
  RioBackend,
  RioBackendName,
  RioBuf,
  RioCapabilities,
  RioDirect,
  RioDirectSocket,
  RioEngine,
  RioHandle,
  RioNotificationKind,
  RioRings,
  RioSockets,
  RioWaits,
  RioWaitWay,
  RioWatcher,
} from "./contract.ts";
export {
  WSA_IO_PENDING,
  WSA_OPERATION_ABORTED,
  WSAEACCES,
  WSAEADDRINUSE,
  WSAEADDRNOTAVAIL,
  WSAEAFNOSUPPORT,
  WSAEALREADY,
  WSAECONNABORTED,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEHOSTUNREACH,
  WSAEINVAL,
  WSAEMFILE,
  WSAEMSGSIZE,
  WSAENETUNREACH,
  WSAENOBUFS,
  WSAENOPROTOOPT,
  WSAENOTCONN,
  WSAENOTSOCK,
  WSAEOPNOTSUPP,
  WSAESHUTDOWN,
  WSAETIMEDOUT,
  WSAETOOMANYREFS,
  WSAEWOULDBLOCK,
  WSANOTINITIALISED,
} from "./error_numbers.ts";
export {
  check,
  checkHandle,
  errorName,
  RioBufferInUseError,
  RioClosedError,
  RioError,
  type RioErrorOptions,
} from "./errors.ts";
export {
  guidBytes,
  IN6_PKTINFO,
  IN_PKTINFO,
  LINGER,
  OVERLAPPED,
  OVERLAPPED_ENTRY,
  RIO_BUF,
  RIO_EXTENSION_FUNCTION_TABLE,
  RIO_NOTIFICATION_COMPLETION,
  RIORESULT,
  RioResults,
  SOCKADDR_IN_SIZE,
  SOCKADDR_INET,
  WSACMSGHDR,
  WSADATA_SIZE,
  WSAPROTOCOL_INFOW,
} from "./layout.ts";
export { allocate, pin, type RioMemory } from "./memory.ts";
export { openBackend, type RioSessionOptions } from "./open.ts";
export { openSession, RioSession } from "./session/session.ts";
export type { CallOptions } from "./winsock/open.ts";
export {
  createWinsockBackend,
  openWinsock,
  type WinsockOptions,
} from "./winsock/open.ts";
export {
  type DispCallFunc,
  KERNEL32,
  type LibraryOptions,
  OLEAUT32,
  openLibrary,
  type WinsockSymbols,
  WS2_32,
} from "./winsock/library.ts";
export { resolveRioTable, type RioTable } from "./winsock/table.ts";
