/**
 * The error numbers of Winsock and the Win32 numbers that a RIO completion can
 * carry, with their names.
 *
 * Source: the Windows SDK headers `winsock2.h` and `winerror.h`.
 *
 * @module
 */

/** The number of `WSAEINTR`. */
export const WSAEINTR = 10004;
/** The number of `WSAEBADF`. */
export const WSAEBADF = 10009;
/** The number of `WSAEACCES`. */
export const WSAEACCES = 10013;
/** The number of `WSAEFAULT`. */
export const WSAEFAULT = 10014;
/** The number of `WSAEINVAL`. */
export const WSAEINVAL = 10022;
/** The number of `WSAEMFILE`. */
export const WSAEMFILE = 10024;
/** The number of `WSAEWOULDBLOCK`. */
export const WSAEWOULDBLOCK = 10035;
/** The number of `WSAEINPROGRESS`. */
export const WSAEINPROGRESS = 10036;
/** The number of `WSAEALREADY`. */
export const WSAEALREADY = 10037;
/** The number of `WSAENOTSOCK`. */
export const WSAENOTSOCK = 10038;
/** The number of `WSAEDESTADDRREQ`. */
export const WSAEDESTADDRREQ = 10039;
/** The number of `WSAEMSGSIZE`. */
export const WSAEMSGSIZE = 10040;
/** The number of `WSAENOPROTOOPT`. */
export const WSAENOPROTOOPT = 10042;
/** The number of `WSAEPROTONOSUPPORT`. */
export const WSAEPROTONOSUPPORT = 10043;
/** The number of `WSAEOPNOTSUPP`. */
export const WSAEOPNOTSUPP = 10045;
/** The number of `WSAEAFNOSUPPORT`. */
export const WSAEAFNOSUPPORT = 10047;
/** The number of `WSAEADDRINUSE`. */
export const WSAEADDRINUSE = 10048;
/** The number of `WSAEADDRNOTAVAIL`. */
export const WSAEADDRNOTAVAIL = 10049;
/** The number of `WSAENETDOWN`. */
export const WSAENETDOWN = 10050;
/** The number of `WSAENETUNREACH`. */
export const WSAENETUNREACH = 10051;
/** The number of `WSAECONNABORTED`. */
export const WSAECONNABORTED = 10053;
/** The number of `WSAECONNRESET`. */
export const WSAECONNRESET = 10054;
/** The number of `WSAENOBUFS`. */
export const WSAENOBUFS = 10055;
/** The number of `WSAEISCONN`. */
export const WSAEISCONN = 10056;
/** The number of `WSAENOTCONN`. */
export const WSAENOTCONN = 10057;
/** The number of `WSAESHUTDOWN`. */
export const WSAESHUTDOWN = 10058;
/** The number of `WSAETOOMANYREFS`. */
export const WSAETOOMANYREFS = 10059;
/** The number of `WSAETIMEDOUT`. */
export const WSAETIMEDOUT = 10060;
/** The number of `WSAECONNREFUSED`. */
export const WSAECONNREFUSED = 10061;
/** The number of `WSAEHOSTUNREACH`. */
export const WSAEHOSTUNREACH = 10065;
/** The number of `WSA_IO_PENDING`. */
export const WSA_IO_PENDING = 997;
/** The number of `WSA_OPERATION_ABORTED`. */
export const WSA_OPERATION_ABORTED = 995;

/** Names of the numbers, as the headers spell them. */
export const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  [2, "ERROR_FILE_NOT_FOUND"],
  [5, "ERROR_ACCESS_DENIED"],
  [6, "WSA_INVALID_HANDLE"],
  [8, "WSA_NOT_ENOUGH_MEMORY"],
  [50, "ERROR_NOT_SUPPORTED"],
  [64, "ERROR_NETNAME_DELETED"],
  [87, "WSA_INVALID_PARAMETER"],
  [121, "ERROR_SEM_TIMEOUT"],
  [234, "ERROR_MORE_DATA"],
  [735, "ERROR_ABANDONED_WAIT_0"],
  [995, "WSA_OPERATION_ABORTED"],
  [996, "WSA_IO_INCOMPLETE"],
  [997, "WSA_IO_PENDING"],
  [998, "ERROR_NOACCESS"],
  [1168, "ERROR_NOT_FOUND"],
  [1225, "ERROR_CONNECTION_REFUSED"],
  [1231, "ERROR_NETWORK_UNREACHABLE"],
  [1232, "ERROR_HOST_UNREACHABLE"],
  [1233, "ERROR_PROTOCOL_UNREACHABLE"],
  [1234, "ERROR_PORT_UNREACHABLE"],
  [1236, "ERROR_CONNECTION_ABORTED"],
  [1450, "ERROR_NO_SYSTEM_RESOURCES"],
  [1453, "ERROR_WORKING_SET_QUOTA"],
  [1784, "ERROR_INVALID_USER_BUFFER"],
  [1816, "ERROR_NOT_ENOUGH_QUOTA"],
  [10004, "WSAEINTR"],
  [10009, "WSAEBADF"],
  [10013, "WSAEACCES"],
  [10014, "WSAEFAULT"],
  [10022, "WSAEINVAL"],
  [10024, "WSAEMFILE"],
  [10035, "WSAEWOULDBLOCK"],
  [10036, "WSAEINPROGRESS"],
  [10037, "WSAEALREADY"],
  [10038, "WSAENOTSOCK"],
  [10039, "WSAEDESTADDRREQ"],
  [10040, "WSAEMSGSIZE"],
  [10041, "WSAEPROTOTYPE"],
  [10042, "WSAENOPROTOOPT"],
  [10043, "WSAEPROTONOSUPPORT"],
  [10044, "WSAESOCKTNOSUPPORT"],
  [10045, "WSAEOPNOTSUPP"],
  [10046, "WSAEPFNOSUPPORT"],
  [10047, "WSAEAFNOSUPPORT"],
  [10048, "WSAEADDRINUSE"],
  [10049, "WSAEADDRNOTAVAIL"],
  [10050, "WSAENETDOWN"],
  [10051, "WSAENETUNREACH"],
  [10052, "WSAENETRESET"],
  [10053, "WSAECONNABORTED"],
  [10054, "WSAECONNRESET"],
  [10055, "WSAENOBUFS"],
  [10056, "WSAEISCONN"],
  [10057, "WSAENOTCONN"],
  [10058, "WSAESHUTDOWN"],
  [10059, "WSAETOOMANYREFS"],
  [10060, "WSAETIMEDOUT"],
  [10061, "WSAECONNREFUSED"],
  [10062, "WSAELOOP"],
  [10063, "WSAENAMETOOLONG"],
  [10064, "WSAEHOSTDOWN"],
  [10065, "WSAEHOSTUNREACH"],
  [10066, "WSAENOTEMPTY"],
  [10067, "WSAEPROCLIM"],
  [10068, "WSAEUSERS"],
  [10069, "WSAEDQUOT"],
  [10070, "WSAESTALE"],
  [10071, "WSAEREMOTE"],
  [10091, "WSASYSNOTREADY"],
  [10092, "WSAVERNOTSUPPORTED"],
  [10093, "WSANOTINITIALISED"],
  [10101, "WSAEDISCON"],
  [10102, "WSAENOMORE"],
  [10103, "WSAECANCELLED"],
  [10104, "WSAEINVALIDPROCTABLE"],
  [10105, "WSAEINVALIDPROVIDER"],
  [10106, "WSAEPROVIDERFAILEDINIT"],
  [10107, "WSASYSCALLFAILURE"],
  [10108, "WSASERVICE_NOT_FOUND"],
  [10109, "WSATYPE_NOT_FOUND"],
  [10110, "WSA_E_NO_MORE"],
  [10111, "WSA_E_CANCELLED"],
  [10112, "WSAEREFUSED"],
  [11001, "WSAHOST_NOT_FOUND"],
  [11002, "WSATRY_AGAIN"],
  [11003, "WSANO_RECOVERY"],
  [11004, "WSANO_DATA"],
  // Not an error number in the headers, but the only report of a broken queue.
  [0xFFFFFFFF, "RIO_CORRUPT_CQ"],
]);
