/**
 * The numbers of the package, against those that a C compiler prints for 64-bit
 * Windows: the headers of mingw-w64 10, and microsoft/win32metadata for what
 * those lack. The numbers are copied here, so that a slip in either place shows.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as constants from "../../ffi/constants.ts";
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
  IP_PKTINFO: 0x13,
  IP_RECVTOS: 0x28,
  IP_ECN: 0x32,
  IPV6_UNICAST_HOPS: 0x4,
  IPV6_MULTICAST_IF: 0x9,
  IPV6_MULTICAST_HOPS: 0xA,
  IPV6_MULTICAST_LOOP: 0xB,
  IPV6_ADD_MEMBERSHIP: 0xC,
  IPV6_DROP_MEMBERSHIP: 0xD,
  IPV6_PKTINFO: 0x13,
  IPV6_V6ONLY: 0x1B,
  IPV6_TCLASS: 0x27,
  IPV6_RECVTCLASS: 0x28,
  IPV6_ECN: 0x32,
  UDP_SEND_MSG_SIZE: 0x2,
  UDP_RECV_MAX_COALESCED_SIZE: 0x3,
  UDP_COALESCED_INFO: 0x3,
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
  WSAENOPROTOOPT: 10042,
  WSAEPROTONOSUPPORT: 10043,
  WSAEOPNOTSUPP: 10045,
  WSAEAFNOSUPPORT: 10047,
  WSAEADDRINUSE: 10048,
  WSAEADDRNOTAVAIL: 10049,
  WSAENETDOWN: 10050,
  WSAENETUNREACH: 10051,
  WSAECONNABORTED: 10053,
  WSAECONNRESET: 10054,
  WSAENOBUFS: 10055,
  WSAEISCONN: 10056,
  WSAENOTCONN: 10057,
  WSAESHUTDOWN: 10058,
  WSAETOOMANYREFS: 10059,
  WSAETIMEDOUT: 10060,
  WSAECONNREFUSED: 10061,
  WSAEHOSTUNREACH: 10065,
  WSA_IO_PENDING: 997,
  WSA_OPERATION_ABORTED: 995,
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
  // Windows has no such option; the number is that of Linux, 15.
  const { SO_REUSEPORT, ...windows } = constants;
  assertEquals(SO_REUSEPORT, 15);
  assertEquals(numbersOf(windows), CONSTANTS);
});

Deno.test("error numbers are those of the Windows headers, none missing", () => {
  assertEquals(numbersOf(errors), ERRORS);
});

Deno.test("ERROR_NAMES names every error number of the package", () => {
  for (const [name, number] of Object.entries(ERRORS)) {
    assertEquals(errors.ERROR_NAMES.get(number), name);
  }
});

Deno.test("ERROR_NAMES gives each number one name", () => {
  const names = [...errors.ERROR_NAMES.values()];
  assertEquals(new Set(names).size, names.length);
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
