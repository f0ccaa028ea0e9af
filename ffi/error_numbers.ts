/**
 * The error numbers of Winsock, and the Win32 numbers that a RIO completion can
 * carry.
 *
 * Every number of the package has its home here, under the name of the Windows
 * SDK headers `winsock2.h` and `winerror.h`. The module exports nothing else:
 * the names that errors show are those of its exports.
 *
 * @module
 */

/** The file does not exist. */
export const ERROR_FILE_NOT_FOUND = 2;
/** Access is denied. */
export const ERROR_ACCESS_DENIED = 5;
/** The handle is invalid. */
export const WSA_INVALID_HANDLE = 6;
/** There is not enough memory. */
export const WSA_NOT_ENOUGH_MEMORY = 8;
/** The request is not supported. */
export const ERROR_NOT_SUPPORTED = 50;
/** The connection was closed at the other end. */
export const ERROR_NETNAME_DELETED = 64;
/** A parameter is incorrect. */
export const WSA_INVALID_PARAMETER = 87;
/** The peer did not answer in time. */
export const ERROR_SEM_TIMEOUT = 121;
/** The message was longer than the buffer. */
export const ERROR_MORE_DATA = 234;
/** The completion port was closed during a wait. */
export const ERROR_ABANDONED_WAIT_0 = 735;
/** The request was given up because its socket was closed. */
export const WSA_OPERATION_ABORTED = 995;
/** The overlapped operation has not completed yet. */
export const WSA_IO_INCOMPLETE = 996;
/** The operation goes on and completes later. */
export const WSA_IO_PENDING = 997;
/** The memory cannot be accessed. */
export const ERROR_NOACCESS = 998;
/** The element was not found. */
export const ERROR_NOT_FOUND = 1168;
/** The peer refused the connection. */
export const ERROR_CONNECTION_REFUSED = 1225;
/** The network cannot be reached. */
export const ERROR_NETWORK_UNREACHABLE = 1231;
/** The host cannot be reached. */
export const ERROR_HOST_UNREACHABLE = 1232;
/** The host does not support the protocol. */
export const ERROR_PROTOCOL_UNREACHABLE = 1233;
/** No service uses the port of the host. */
export const ERROR_PORT_UNREACHABLE = 1234;
/** The connection was given up on this side. */
export const ERROR_CONNECTION_ABORTED = 1236;
/** The system lacks resources. */
export const ERROR_NO_SYSTEM_RESOURCES = 1450;
/** The process may not lock so much memory. */
export const ERROR_WORKING_SET_QUOTA = 1453;
/** The buffer is not valid for the operation. */
export const ERROR_INVALID_USER_BUFFER = 1784;
/** The process has no quota left. */
export const ERROR_NOT_ENOUGH_QUOTA = 1816;
/** The call was interrupted. */
export const WSAEINTR = 10004;
/** The file handle is not valid. */
export const WSAEBADF = 10009;
/** Permission was denied. */
export const WSAEACCES = 10013;
/** The address or the size of memory is not valid. */
export const WSAEFAULT = 10014;
/** An argument is not valid. */
export const WSAEINVAL = 10022;
/** Too many sockets are open. */
export const WSAEMFILE = 10024;
/** The operation would have to wait. */
export const WSAEWOULDBLOCK = 10035;
/** A blocking operation is in progress. */
export const WSAEINPROGRESS = 10036;
/** The operation is in progress already. */
export const WSAEALREADY = 10037;
/** The handle is not a socket. */
export const WSAENOTSOCK = 10038;
/** A destination address is required. */
export const WSAEDESTADDRREQ = 10039;
/** The datagram is too long. */
export const WSAEMSGSIZE = 10040;
/** The protocol does not go with the socket type. */
export const WSAEPROTOTYPE = 10041;
/** The option is unknown. */
export const WSAENOPROTOOPT = 10042;
/** The protocol is not supported. */
export const WSAEPROTONOSUPPORT = 10043;
/** The socket type is not supported. */
export const WSAESOCKTNOSUPPORT = 10044;
/** The operation is not supported. */
export const WSAEOPNOTSUPP = 10045;
/** The protocol family is not supported. */
export const WSAEPFNOSUPPORT = 10046;
/** The address family is not supported. */
export const WSAEAFNOSUPPORT = 10047;
/** The address is in use. */
export const WSAEADDRINUSE = 10048;
/** The address does not belong to this host. */
export const WSAEADDRNOTAVAIL = 10049;
/** The network is down. */
export const WSAENETDOWN = 10050;
/** The network cannot be reached. */
export const WSAENETUNREACH = 10051;
/** The network broke the connection. */
export const WSAENETRESET = 10052;
/** The connection was given up on this side. */
export const WSAECONNABORTED = 10053;
/** The peer reset the connection. */
export const WSAECONNRESET = 10054;
/** There is no room for the request. */
export const WSAENOBUFS = 10055;
/** The socket is connected already. */
export const WSAEISCONN = 10056;
/** The socket is not connected. */
export const WSAENOTCONN = 10057;
/** The socket was shut down in this direction. */
export const WSAESHUTDOWN = 10058;
/** Too many references are in use. */
export const WSAETOOMANYREFS = 10059;
/** The peer did not answer in time. */
export const WSAETIMEDOUT = 10060;
/** The peer refused the connection. */
export const WSAECONNREFUSED = 10061;
/** The name cannot be translated. */
export const WSAELOOP = 10062;
/** The name is too long. */
export const WSAENAMETOOLONG = 10063;
/** The host is down. */
export const WSAEHOSTDOWN = 10064;
/** The host cannot be reached. */
export const WSAEHOSTUNREACH = 10065;
/** The directory is not empty. */
export const WSAENOTEMPTY = 10066;
/** Too many processes use Winsock. */
export const WSAEPROCLIM = 10067;
/** The user quota is used up. */
export const WSAEUSERS = 10068;
/** The disk quota is used up. */
export const WSAEDQUOT = 10069;
/** The file handle is not available any more. */
export const WSAESTALE = 10070;
/** The item is not available on this host. */
export const WSAEREMOTE = 10071;
/** The network subsystem is not ready. */
export const WSASYSNOTREADY = 10091;
/** The version of Winsock is not supported. */
export const WSAVERNOTSUPPORTED = 10092;
/** Winsock was not started, or is stopped already. */
export const WSANOTINITIALISED = 10093;
/** The peer has begun to disconnect. */
export const WSAEDISCON = 10101;
/** There are no more results. */
export const WSAENOMORE = 10102;
/** The call was cancelled. */
export const WSAECANCELLED = 10103;
/** The table of functions of a provider is not valid. */
export const WSAEINVALIDPROCTABLE = 10104;
/** The provider is not valid. */
export const WSAEINVALIDPROVIDER = 10105;
/** The provider could not be started. */
export const WSAEPROVIDERFAILEDINIT = 10106;
/** A system call failed that never should. */
export const WSASYSCALLFAILURE = 10107;
/** The service is not known. */
export const WSASERVICE_NOT_FOUND = 10108;
/** The class is not known. */
export const WSATYPE_NOT_FOUND = 10109;
/** There are no more results of a look-up. */
export const WSA_E_NO_MORE = 10110;
/** The look-up was cancelled. */
export const WSA_E_CANCELLED = 10111;
/** The query was refused. */
export const WSAEREFUSED = 10112;
/** The host is not known. */
export const WSAHOST_NOT_FOUND = 11001;
/** The name server did not answer. */
export const WSATRY_AGAIN = 11002;
/** The look-up failed for good. */
export const WSANO_RECOVERY = 11003;
/** The name has no record of the type. */
export const WSANO_DATA = 11004;
