/* What the compiler and the headers say: sizes, offsets and numbers of everything that the package
 * lays out by hand, as JSON. Built with rio.h where the headers end too early. */
#include "rio.h"
#include <oleauto.h>
#include <stdio.h>

#define CONSTANTS(each) \
  each(RIO_MSG_DONT_NOTIFY) each(RIO_MSG_DEFER) each(RIO_MSG_WAITALL) each(RIO_MSG_COMMIT_ONLY) \
  each(RIO_MAX_CQ_SIZE) each(RIO_CORRUPT_CQ) each(RIO_CMSG_BASE_SIZE) each(RIO_EVENT_COMPLETION) \
  each(RIO_IOCP_COMPLETION) each(SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER) \
  each(SIO_GET_EXTENSION_FUNCTION_POINTER) each(SIO_UDP_CONNRESET) each(SIO_UDP_NETRESET) \
  each(FIONBIO) each(WSA_FLAG_OVERLAPPED) each(WSA_FLAG_NO_HANDLE_INHERIT) \
  each(WSA_FLAG_REGISTERED_IO) each(WINSOCK_VERSION) each(AF_INET) each(AF_INET6) \
  each(SOCK_STREAM) each(SOCK_DGRAM) each(IPPROTO_IP) each(IPPROTO_IPV6) each(IPPROTO_TCP) \
  each(IPPROTO_UDP) each(SOL_SOCKET) each(SO_REUSEADDR) each(SO_EXCLUSIVEADDRUSE) \
  each(SO_KEEPALIVE) each(SO_BROADCAST) each(SO_LINGER) each(SO_SNDBUF) each(SO_RCVBUF) \
  each(SO_ERROR) each(SO_TYPE) each(SO_TIMESTAMP) each(SO_PROTOCOL_INFOW) each(SO_UPDATE_ACCEPT_CONTEXT) \
  each(SO_UPDATE_CONNECT_CONTEXT) each(TCP_NODELAY) each(TCP_KEEPIDLE) each(TCP_KEEPCNT) \
  each(TCP_KEEPINTVL) each(IP_TOS) each(IP_TTL) each(IP_MULTICAST_IF) each(IP_MULTICAST_TTL) \
  each(IP_MULTICAST_LOOP) each(IP_ADD_MEMBERSHIP) each(IP_DROP_MEMBERSHIP) each(IP_DONTFRAGMENT) \
  each(IP_ADD_SOURCE_MEMBERSHIP) each(IP_DROP_SOURCE_MEMBERSHIP) each(IP_BLOCK_SOURCE) \
  each(IP_UNBLOCK_SOURCE) each(MCAST_BLOCK_SOURCE) each(MCAST_UNBLOCK_SOURCE) \
  each(MCAST_JOIN_SOURCE_GROUP) each(MCAST_LEAVE_SOURCE_GROUP) each(IP_UNICAST_IF) each(IP_MTU) \
  each(IPV6_UNICAST_IF) each(IPV6_MTU) \
  each(IP_PKTINFO) each(IP_RECVTTL) each(IP_RECVTOS) each(IP_ECN) each(IPV6_UNICAST_HOPS) each(IPV6_MULTICAST_IF) \
  each(IPV6_MULTICAST_HOPS) each(IPV6_MULTICAST_LOOP) each(IPV6_ADD_MEMBERSHIP) \
  each(IPV6_DROP_MEMBERSHIP) each(IPV6_DONTFRAG) each(IPV6_HOPLIMIT) each(IPV6_PKTINFO) each(IPV6_V6ONLY) each(IPV6_TCLASS) \
  each(IPV6_RECVTCLASS) each(IPV6_ECN) each(UDP_SEND_MSG_SIZE) each(UDP_RECV_MAX_COALESCED_SIZE) \
  each(UDP_COALESCED_INFO) each(MSG_TRUNC) each(MSG_CTRUNC) each(SD_RECEIVE) each(SD_SEND) \
  each(SD_BOTH) each(WAIT_OBJECT_0) \
  each(WAIT_TIMEOUT) each(MAXIMUM_WAIT_OBJECTS) each(SOCKET_ERROR) each(INFINITE) each(VT_UI8) \
  each(VT_UI4) each(VT_I4) each(CC_STDCALL) each(SIO_LOOPBACK_FAST_PATH) each(SIO_FLUSH) \
  each(XP1_IFS_HANDLES) each(WSA_WAIT_FAILED)

#define ERRORS(each) \
  each(ERROR_FILE_NOT_FOUND) each(ERROR_ACCESS_DENIED) each(WSA_INVALID_HANDLE) \
  each(WSA_NOT_ENOUGH_MEMORY) each(ERROR_NOT_SUPPORTED) each(ERROR_NETNAME_DELETED) \
  each(WSA_INVALID_PARAMETER) each(ERROR_SEM_TIMEOUT) each(ERROR_MORE_DATA) \
  each(ERROR_ABANDONED_WAIT_0) each(WSA_OPERATION_ABORTED) each(WSA_IO_INCOMPLETE) \
  each(WSA_IO_PENDING) each(ERROR_NOACCESS) each(ERROR_NOT_FOUND) each(ERROR_CONNECTION_REFUSED) \
  each(ERROR_NETWORK_UNREACHABLE) each(ERROR_HOST_UNREACHABLE) each(ERROR_PROTOCOL_UNREACHABLE) \
  each(ERROR_PORT_UNREACHABLE) each(ERROR_CONNECTION_ABORTED) each(ERROR_NO_SYSTEM_RESOURCES) \
  each(ERROR_WORKING_SET_QUOTA) each(ERROR_INVALID_USER_BUFFER) each(ERROR_NOT_ENOUGH_QUOTA) \
  each(WSAEINTR) each(WSAEBADF) each(WSAEACCES) each(WSAEFAULT) each(WSAEINVAL) each(WSAEMFILE) \
  each(WSAEWOULDBLOCK) each(WSAEINPROGRESS) each(WSAEALREADY) each(WSAENOTSOCK) \
  each(WSAEDESTADDRREQ) each(WSAEMSGSIZE) each(WSAEPROTOTYPE) each(WSAENOPROTOOPT) \
  each(WSAEPROTONOSUPPORT) each(WSAESOCKTNOSUPPORT) each(WSAEOPNOTSUPP) each(WSAEPFNOSUPPORT) \
  each(WSAEAFNOSUPPORT) each(WSAEADDRINUSE) each(WSAEADDRNOTAVAIL) each(WSAENETDOWN) \
  each(WSAENETUNREACH) each(WSAENETRESET) each(WSAECONNABORTED) each(WSAECONNRESET) \
  each(WSAENOBUFS) each(WSAEISCONN) each(WSAENOTCONN) each(WSAESHUTDOWN) each(WSAETOOMANYREFS) \
  each(WSAETIMEDOUT) each(WSAECONNREFUSED) each(WSAELOOP) each(WSAENAMETOOLONG) each(WSAEHOSTDOWN) \
  each(WSAEHOSTUNREACH) each(WSAENOTEMPTY) each(WSAEPROCLIM) each(WSAEUSERS) each(WSAEDQUOT) \
  each(WSAESTALE) each(WSAEREMOTE) each(WSASYSNOTREADY) each(WSAVERNOTSUPPORTED) \
  each(WSANOTINITIALISED) each(WSAEDISCON) each(WSAENOMORE) each(WSAECANCELLED) \
  each(WSAEINVALIDPROCTABLE) each(WSAEINVALIDPROVIDER) each(WSAEPROVIDERFAILEDINIT) \
  each(WSASYSCALLFAILURE) each(WSASERVICE_NOT_FOUND) each(WSATYPE_NOT_FOUND) each(WSA_E_NO_MORE) each(WSA_E_CANCELLED) \
  each(WSAEREFUSED) each(WSAHOST_NOT_FOUND) each(WSATRY_AGAIN) each(WSANO_RECOVERY) \
  each(WSANO_DATA)

#define GUIDS(each) \
  each(WSAID_MULTIPLE_RIO) each(WSAID_ACCEPTEX) each(WSAID_CONNECTEX)

#define TYPE(type) \
  printf("%s\n    \"%s\": { \"size\": %zu, \"align\": %zu, \"fields\": {", \
         comma, #type, sizeof(type), _Alignof(type)); \
  comma = "";
#define FIELD(type, field) \
  printf("%s \"%s\": %zu", comma, #field, offsetof(type, field)); \
  comma = ",";
#define END         \
  printf(" } }");   \
  comma = ",";
#define CONSTANT(name)                                        \
  printf("%s\n    \"%s\": %lld", comma, #name, (long long)name); \
  comma = ",";
#define WIDE(name)                                                                       \
  printf("%s\n    \"%s\": \"%llu\"", comma, #name, (unsigned long long)(ULONG_PTR)name); \
  comma = ",";
#define GUID_TEXT(name) print_guid(#name, &(GUID)name);

static const char *comma = "";

static void print_guid(const char *name, const GUID *guid) {
  printf("%s\n    \"%s\": \"%08lx-%04x-%04x-%02x%02x-", comma, name, guid->Data1, guid->Data2,
         guid->Data3, guid->Data4[0], guid->Data4[1]);
  for (int i = 2; i < 8; i++) printf("%02x", guid->Data4[i]);
  printf("\"");
  comma = ",";
}

static void open_section(const char *name) {
  printf("%s\n  \"%s\": {", comma, name);
  comma = "";
}

static void close_section(void) {
  printf("\n  }");
  comma = ",";
}

static void types(void) {
  TYPE(RIO_BUF)
  FIELD(RIO_BUF, BufferId)
  FIELD(RIO_BUF, Offset)
  FIELD(RIO_BUF, Length)
  END
  TYPE(RIORESULT)
  FIELD(RIORESULT, Status)
  FIELD(RIORESULT, BytesTransferred)
  FIELD(RIORESULT, SocketContext)
  FIELD(RIORESULT, RequestContext)
  END
  TYPE(RIO_CMSG_BUFFER)
  FIELD(RIO_CMSG_BUFFER, TotalLength)
  END
  TYPE(RIO_NOTIFICATION_COMPLETION)
  FIELD(RIO_NOTIFICATION_COMPLETION, Type)
  FIELD(RIO_NOTIFICATION_COMPLETION, Event.EventHandle)
  FIELD(RIO_NOTIFICATION_COMPLETION, Event.NotifyReset)
  FIELD(RIO_NOTIFICATION_COMPLETION, Iocp.IocpHandle)
  FIELD(RIO_NOTIFICATION_COMPLETION, Iocp.CompletionKey)
  FIELD(RIO_NOTIFICATION_COMPLETION, Iocp.Overlapped)
  END
  TYPE(RIO_EXTENSION_FUNCTION_TABLE)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, cbSize)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOReceive)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOReceiveEx)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOSend)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOSendEx)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOCloseCompletionQueue)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOCreateCompletionQueue)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOCreateRequestQueue)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIODequeueCompletion)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIODeregisterBuffer)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIONotify)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIORegisterBuffer)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOResizeCompletionQueue)
  FIELD(RIO_EXTENSION_FUNCTION_TABLE, RIOResizeRequestQueue)
  END
  TYPE(SOCKADDR_INET)
  FIELD(SOCKADDR_INET, si_family)
  FIELD(SOCKADDR_INET, Ipv4.sin_port)
  FIELD(SOCKADDR_INET, Ipv4.sin_addr)
  FIELD(SOCKADDR_INET, Ipv6.sin6_port)
  FIELD(SOCKADDR_INET, Ipv6.sin6_flowinfo)
  FIELD(SOCKADDR_INET, Ipv6.sin6_addr)
  FIELD(SOCKADDR_INET, Ipv6.sin6_scope_id)
  END
  TYPE(SOCKADDR_IN)
  FIELD(SOCKADDR_IN, sin_family)
  FIELD(SOCKADDR_IN, sin_port)
  FIELD(SOCKADDR_IN, sin_addr)
  FIELD(SOCKADDR_IN, sin_zero)
  END
  TYPE(SOCKADDR_IN6)
  FIELD(SOCKADDR_IN6, sin6_family)
  FIELD(SOCKADDR_IN6, sin6_port)
  FIELD(SOCKADDR_IN6, sin6_flowinfo)
  FIELD(SOCKADDR_IN6, sin6_addr)
  FIELD(SOCKADDR_IN6, sin6_scope_id)
  END
  TYPE(WSACMSGHDR)
  FIELD(WSACMSGHDR, cmsg_len)
  FIELD(WSACMSGHDR, cmsg_level)
  FIELD(WSACMSGHDR, cmsg_type)
  END
  TYPE(IN_PKTINFO)
  FIELD(IN_PKTINFO, ipi_addr)
  FIELD(IN_PKTINFO, ipi_ifindex)
  END
  TYPE(IN6_PKTINFO)
  FIELD(IN6_PKTINFO, ipi6_addr)
  FIELD(IN6_PKTINFO, ipi6_ifindex)
  END
  TYPE(WSADATA)
  FIELD(WSADATA, wVersion)
  FIELD(WSADATA, wHighVersion)
  FIELD(WSADATA, iMaxSockets)
  FIELD(WSADATA, iMaxUdpDg)
  FIELD(WSADATA, lpVendorInfo)
  FIELD(WSADATA, szDescription)
  FIELD(WSADATA, szSystemStatus)
  END
  TYPE(OVERLAPPED)
  FIELD(OVERLAPPED, Internal)
  FIELD(OVERLAPPED, InternalHigh)
  FIELD(OVERLAPPED, Offset)
  FIELD(OVERLAPPED, OffsetHigh)
  FIELD(OVERLAPPED, Pointer)
  FIELD(OVERLAPPED, hEvent)
  END
  TYPE(OVERLAPPED_ENTRY)
  FIELD(OVERLAPPED_ENTRY, lpCompletionKey)
  FIELD(OVERLAPPED_ENTRY, lpOverlapped)
  FIELD(OVERLAPPED_ENTRY, Internal)
  FIELD(OVERLAPPED_ENTRY, dwNumberOfBytesTransferred)
  END
  TYPE(WSAPROTOCOL_INFOW)
  FIELD(WSAPROTOCOL_INFOW, dwServiceFlags1)
  FIELD(WSAPROTOCOL_INFOW, dwServiceFlags2)
  FIELD(WSAPROTOCOL_INFOW, dwServiceFlags3)
  FIELD(WSAPROTOCOL_INFOW, dwServiceFlags4)
  FIELD(WSAPROTOCOL_INFOW, dwProviderFlags)
  FIELD(WSAPROTOCOL_INFOW, ProviderId)
  FIELD(WSAPROTOCOL_INFOW, dwCatalogEntryId)
  FIELD(WSAPROTOCOL_INFOW, ProtocolChain)
  FIELD(WSAPROTOCOL_INFOW, iVersion)
  FIELD(WSAPROTOCOL_INFOW, iAddressFamily)
  FIELD(WSAPROTOCOL_INFOW, iMaxSockAddr)
  FIELD(WSAPROTOCOL_INFOW, iMinSockAddr)
  FIELD(WSAPROTOCOL_INFOW, iSocketType)
  FIELD(WSAPROTOCOL_INFOW, iProtocol)
  FIELD(WSAPROTOCOL_INFOW, iProtocolMaxOffset)
  FIELD(WSAPROTOCOL_INFOW, iNetworkByteOrder)
  FIELD(WSAPROTOCOL_INFOW, iSecurityScheme)
  FIELD(WSAPROTOCOL_INFOW, dwMessageSize)
  FIELD(WSAPROTOCOL_INFOW, dwProviderReserved)
  FIELD(WSAPROTOCOL_INFOW, szProtocol)
  END
  TYPE(WSABUF)
  FIELD(WSABUF, len)
  FIELD(WSABUF, buf)
  END
  TYPE(WSAMSG)
  FIELD(WSAMSG, name)
  FIELD(WSAMSG, namelen)
  FIELD(WSAMSG, lpBuffers)
  FIELD(WSAMSG, dwBufferCount)
  FIELD(WSAMSG, Control)
  FIELD(WSAMSG, dwFlags)
  END
  TYPE(VARIANT)
  FIELD(VARIANT, vt)
  FIELD(VARIANT, lVal)
  FIELD(VARIANT, ulVal)
  FIELD(VARIANT, llVal)
  FIELD(VARIANT, ullVal)
  FIELD(VARIANT, byref)
  END
  TYPE(VARTYPE)
  END
  TYPE(LINGER)
  FIELD(LINGER, l_onoff)
  FIELD(LINGER, l_linger)
  END
  TYPE(GROUP_SOURCE_REQ)
  FIELD(GROUP_SOURCE_REQ, gsr_interface)
  FIELD(GROUP_SOURCE_REQ, gsr_group)
  FIELD(GROUP_SOURCE_REQ, gsr_source)
  END
  TYPE(IP_MREQ)
  FIELD(IP_MREQ, imr_multiaddr)
  FIELD(IP_MREQ, imr_interface)
  END
  TYPE(IPV6_MREQ)
  FIELD(IPV6_MREQ, ipv6mr_multiaddr)
  FIELD(IPV6_MREQ, ipv6mr_interface)
  END
  TYPE(GUID)
  FIELD(GUID, Data1)
  FIELD(GUID, Data2)
  FIELD(GUID, Data3)
  FIELD(GUID, Data4)
  END
  TYPE(SOCKET)
  END
  TYPE(HANDLE)
  END
  TYPE(BOOL)
  END
  TYPE(ULONG)
  END
  TYPE(DWORD)
  END
}

int main(void) {
  printf("{");
  open_section("types");
  types();
  close_section();
  open_section("constants");
  CONSTANTS(CONSTANT)
  close_section();
  open_section("errors");
  ERRORS(CONSTANT)
  close_section();
  open_section("guids");
  GUIDS(GUID_TEXT)
  close_section();
  /* Wider than a JSON number holds exactly. */
  open_section("wide");
  WIDE(INVALID_SOCKET)
  WIDE(RIO_INVALID_BUFFERID)
  WIDE(RIO_INVALID_CQ)
  WIDE(RIO_INVALID_RQ)
  close_section();
  printf("\n}\n");
  return 0;
}
