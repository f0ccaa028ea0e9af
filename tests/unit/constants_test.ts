/**
 * The numbers of the package, against those that a C compiler prints for 64-bit
 * Windows: the headers of mingw-w64 10, and microsoft/win32metadata for what
 * those lack. The numbers are copied here, so that a slip in either place shows.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as constants from "../../ffi/constants.ts";
import { ERROR_NAMES } from "../../ffi/error_names.ts";
import * as errors from "../../ffi/error_numbers.ts";

const CONSTANTS: Readonly<Record<string, number | bigint>> = {
  RIO_MSG_DONT_NOTIFY: 0x1,
  RIO_MSG_DEFER: 0x2,
  RIO_MSG_WAITALL: 0x4,
  RIO_MSG_COMMIT_ONLY: 0x8,
  RIO_INVALID_BUFFERID: 0xFFFFFFFF,
  RIO_INVALID_CQ: 0x0,
  RIO_INVALID_RQ: 0x0,
  RIO_MAX_CQ_SIZE: 0x8000000,
  RIO_CORRUPT_CQ: 0xFFFFFFFF,
  RIO_CMSG_BASE_SIZE: 0x8,
  RIO_EVENT_COMPLETION: 0x1,
  RIO_IOCP_COMPLETION: 0x2,
  SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER: 0xC8000024,
  SIO_GET_EXTENSION_FUNCTION_POINTER: 0xC8000006,
  SIO_UDP_CONNRESET: 0x9800000C,
  SIO_UDP_NETRESET: 0x9800000F,
  FIONBIO: 0x8004667E,
  WSA_FLAG_OVERLAPPED: 0x1,
  WSA_FLAG_NO_HANDLE_INHERIT: 0x80,
  WSA_FLAG_REGISTERED_IO: 0x100,
  WINSOCK_VERSION: 0x202,
  AF_INET: 0x2,
  AF_INET6: 0x17,
  SOCK_STREAM: 0x1,
  SOCK_DGRAM: 0x2,
  IPPROTO_IP: 0x0,
  IPPROTO_IPV6: 0x29,
  IPPROTO_TCP: 0x6,
  IPPROTO_UDP: 0x11,
  SOL_SOCKET: 0xFFFF,
  SO_REUSEADDR: 0x4,
  SO_EXCLUSIVEADDRUSE: -5,
  SO_KEEPALIVE: 0x8,
  SO_BROADCAST: 0x20,
  SO_LINGER: 0x80,
  SO_SNDBUF: 0x1001,
  SO_RCVBUF: 0x1002,
  SO_ERROR: 0x1007,
  SO_TYPE: 0x1008,
  SO_TIMESTAMP: 0x300A,
  SO_PROTOCOL_INFOW: 0x2005,
  SO_UPDATE_ACCEPT_CONTEXT: 0x700B,
  SO_UPDATE_CONNECT_CONTEXT: 0x7010,
  TCP_NODELAY: 0x1,
  TCP_KEEPIDLE: 0x3,
  TCP_KEEPCNT: 0x10,
  TCP_KEEPINTVL: 0x11,
  IP_TOS: 0x3,
  IP_TTL: 0x4,
  IP_MULTICAST_IF: 0x9,
  IP_MULTICAST_TTL: 0xA,
  IP_MULTICAST_LOOP: 0xB,
  IP_ADD_MEMBERSHIP: 0xC,
  IP_DROP_MEMBERSHIP: 0xD,
  IP_DONTFRAGMENT: 0xE,
  IP_ADD_SOURCE_MEMBERSHIP: 0xF,
  IP_DROP_SOURCE_MEMBERSHIP: 0x10,
  IP_BLOCK_SOURCE: 0x11,
  IP_UNBLOCK_SOURCE: 0x12,
  IP_UNICAST_IF: 0x1F,
  IP_MTU: 0x49,
  IPV6_UNICAST_IF: 0x1F,
  IPV6_MTU: 0x48,
  MCAST_BLOCK_SOURCE: 0x2B,
  MCAST_UNBLOCK_SOURCE: 0x2C,
  MCAST_JOIN_SOURCE_GROUP: 0x2D,
  MCAST_LEAVE_SOURCE_GROUP: 0x2E,
  IP_PKTINFO: 0x13,
  IP_RECVTTL: 0x15,
  IP_RECVTOS: 0x28,
  IP_ECN: 0x32,
  IPV6_UNICAST_HOPS: 0x4,
  IPV6_MULTICAST_IF: 0x9,
  IPV6_MULTICAST_HOPS: 0xA,
  IPV6_MULTICAST_LOOP: 0xB,
  IPV6_ADD_MEMBERSHIP: 0xC,
  IPV6_DROP_MEMBERSHIP: 0xD,
  IPV6_DONTFRAG: 0xE,
  IPV6_HOPLIMIT: 0x15,
  IPV6_PKTINFO: 0x13,
  IPV6_V6ONLY: 0x1B,
  IPV6_TCLASS: 0x27,
  IPV6_RECVTCLASS: 0x28,
  IPV6_ECN: 0x32,
  UDP_SEND_MSG_SIZE: 0x2,
  UDP_RECV_MAX_COALESCED_SIZE: 0x3,
  UDP_COALESCED_INFO: 0x3,
  MSG_TRUNC: 0x100,
  MSG_CTRUNC: 0x200,
  SD_RECEIVE: 0x0,
  SD_SEND: 0x1,
  SD_BOTH: 0x2,
  WAIT_OBJECT_0: 0x0,
  WAIT_TIMEOUT: 0x102,
  MAXIMUM_WAIT_OBJECTS: 0x40,
  SOCKET_ERROR: -1,
  INVALID_SOCKET: 0xFFFFFFFFFFFFFFFFn,
  INFINITE: 0xFFFFFFFF,
};

const ERRORS: Readonly<Record<string, number>> = {
  ERROR_FILE_NOT_FOUND: 2,
  ERROR_ACCESS_DENIED: 5,
  WSA_INVALID_HANDLE: 6,
  WSA_NOT_ENOUGH_MEMORY: 8,
  ERROR_NOT_SUPPORTED: 50,
  ERROR_NETNAME_DELETED: 64,
  WSA_INVALID_PARAMETER: 87,
  ERROR_SEM_TIMEOUT: 121,
  ERROR_MORE_DATA: 234,
  ERROR_ABANDONED_WAIT_0: 735,
  WSA_OPERATION_ABORTED: 995,
  WSA_IO_INCOMPLETE: 996,
  WSA_IO_PENDING: 997,
  ERROR_NOACCESS: 998,
  ERROR_NOT_FOUND: 1168,
  ERROR_CONNECTION_REFUSED: 1225,
  ERROR_NETWORK_UNREACHABLE: 1231,
  ERROR_HOST_UNREACHABLE: 1232,
  ERROR_PROTOCOL_UNREACHABLE: 1233,
  ERROR_PORT_UNREACHABLE: 1234,
  ERROR_CONNECTION_ABORTED: 1236,
  ERROR_NO_SYSTEM_RESOURCES: 1450,
  ERROR_WORKING_SET_QUOTA: 1453,
  ERROR_INVALID_USER_BUFFER: 1784,
  ERROR_NOT_ENOUGH_QUOTA: 1816,
  WSAEINTR: 10004,
  WSAEBADF: 10009,
  WSAEACCES: 10013,
  WSAEFAULT: 10014,
  WSAEINVAL: 10022,
  WSAEMFILE: 10024,
  WSAEWOULDBLOCK: 10035,
  WSAEINPROGRESS: 10036,
  WSAEALREADY: 10037,
  WSAENOTSOCK: 10038,
  WSAEDESTADDRREQ: 10039,
  WSAEMSGSIZE: 10040,
  WSAEPROTOTYPE: 10041,
  WSAENOPROTOOPT: 10042,
  WSAEPROTONOSUPPORT: 10043,
  WSAESOCKTNOSUPPORT: 10044,
  WSAEOPNOTSUPP: 10045,
  WSAEPFNOSUPPORT: 10046,
  WSAEAFNOSUPPORT: 10047,
  WSAEADDRINUSE: 10048,
  WSAEADDRNOTAVAIL: 10049,
  WSAENETDOWN: 10050,
  WSAENETUNREACH: 10051,
  WSAENETRESET: 10052,
  WSAECONNABORTED: 10053,
  WSAECONNRESET: 10054,
  WSAENOBUFS: 10055,
  WSAEISCONN: 10056,
  WSAENOTCONN: 10057,
  WSAESHUTDOWN: 10058,
  WSAETOOMANYREFS: 10059,
  WSAETIMEDOUT: 10060,
  WSAECONNREFUSED: 10061,
  WSAELOOP: 10062,
  WSAENAMETOOLONG: 10063,
  WSAEHOSTDOWN: 10064,
  WSAEHOSTUNREACH: 10065,
  WSAENOTEMPTY: 10066,
  WSAEPROCLIM: 10067,
  WSAEUSERS: 10068,
  WSAEDQUOT: 10069,
  WSAESTALE: 10070,
  WSAEREMOTE: 10071,
  WSASYSNOTREADY: 10091,
  WSAVERNOTSUPPORTED: 10092,
  WSANOTINITIALISED: 10093,
  WSAEDISCON: 10101,
  WSAENOMORE: 10102,
  WSAECANCELLED: 10103,
  WSAEINVALIDPROCTABLE: 10104,
  WSAEINVALIDPROVIDER: 10105,
  WSAEPROVIDERFAILEDINIT: 10106,
  WSASYSCALLFAILURE: 10107,
  WSASERVICE_NOT_FOUND: 10108,
  WSATYPE_NOT_FOUND: 10109,
  WSA_E_NO_MORE: 10110,
  WSA_E_CANCELLED: 10111,
  WSAEREFUSED: 10112,
  WSAHOST_NOT_FOUND: 11001,
  WSATRY_AGAIN: 11002,
  WSANO_RECOVERY: 11003,
  WSANO_DATA: 11004,
};

/** Names in the order of `RIO_EXTENSION_FUNCTION_TABLE`, from offset 8. */
const TABLE = [
  ["RIOReceive", 8],
  ["RIOReceiveEx", 16],
  ["RIOSend", 24],
  ["RIOSendEx", 32],
  ["RIOCloseCompletionQueue", 40],
  ["RIOCreateCompletionQueue", 48],
  ["RIOCreateRequestQueue", 56],
  ["RIODequeueCompletion", 64],
  ["RIODeregisterBuffer", 72],
  ["RIONotify", 80],
  ["RIORegisterBuffer", 88],
  ["RIOResizeCompletionQueue", 96],
  ["RIOResizeRequestQueue", 104],
] as const;

/** As a table's row: what a module exports under numeric constants. */
function numbersOf(module: object): Record<string, number | bigint> {
  return Object.fromEntries(
    Object.entries(module).filter(([, value]) =>
      typeof value === "number" || typeof value === "bigint"
    ),
  );
}

Deno.test("constants are the numbers of the Windows headers, none missing", () => {
  // Windows has no such options; the numbers are those of Linux, but for one.
  const {
    SO_REUSEPORT,
    SO_BINDTODEVICE,
    SO_MAX_PACING_RATE,
    SO_MEMINFO,
    IP_MULTICAST_ALL,
    IPV6_MULTICAST_ALL,
    ...windows
  } = constants;
  assertEquals(
    [SO_REUSEPORT, SO_BINDTODEVICE, SO_MAX_PACING_RATE, SO_MEMINFO],
    [15, 25, 47, 55],
  );
  assertEquals([IP_MULTICAST_ALL, IPV6_MULTICAST_ALL], [49, 49]);
  assertEquals(numbersOf(windows), CONSTANTS);
});

Deno.test("error numbers are those of the Windows headers, none missing", () => {
  assertEquals({ ...errors }, ERRORS);
});

Deno.test("ERROR_NAMES names every error number of the package", () => {
  for (const [name, number] of Object.entries(ERRORS)) {
    assertEquals(ERROR_NAMES.get(number), name);
  }
});

Deno.test("ERROR_NAMES gives each number one name", () => {
  // A second name of a number would take the place of the first.
  assertEquals(ERROR_NAMES.size, Object.keys(ERRORS).length + 1);
  assertEquals(ERROR_NAMES.get(constants.RIO_CORRUPT_CQ), "RIO_CORRUPT_CQ");
});

Deno.test("RIO_FUNCTIONS has the order of the extension table", () => {
  assertEquals(
    constants.RIO_FUNCTIONS.map((name, i) => [name, 8 + 8 * i]),
    TABLE.map(([name, offset]) => [name, offset]),
  );
});

Deno.test("GUIDs are those of the Windows headers", () => {
  assertEquals(
    [
      constants.WSAID_MULTIPLE_RIO,
      constants.WSAID_ACCEPTEX,
      constants.WSAID_CONNECTEX,
    ],
    [
      "8509e081-96dd-4005-b165-9e2ee8c79e3f",
      "b5367df1-cbac-11cf-95ca-00805f48a192",
      "25a207b9-ddf3-4660-8ee9-76e58c74063e",
    ],
  );
});
