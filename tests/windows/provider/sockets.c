/* The Winsock calls that the provider watches: which sockets are RIO sockets, which are left, and
 * what a RIO socket refuses. Everything else goes straight to Wine. */
#include "provider.h"

#define SOCKETS 4096

static struct tracked sockets[SOCKETS];
static uint32_t opened;

/* Call this under the lock. */
struct tracked *tracked_of(SOCKET socket) {
  for (uint32_t i = 0; i < SOCKETS; i++) {
    if (sockets[i].socket == socket && socket) return &sockets[i];
  }
  return NULL;
}

uint32_t tracked_count(void) { return opened; }

static void track(SOCKET socket, int registered_io) {
  LOCK();
  struct tracked *place = tracked_of(socket);
  if (place) {
    violation("socket %llu was closed by other means than closesocket", (uint64_t)socket);
    opened--;
  }
  for (uint32_t i = 0; !place && i < SOCKETS; i++) {
    if (!sockets[i].socket) place = &sockets[i];
  }
  if (place) {
    *place = (struct tracked){.socket = socket, .registered_io = registered_io, .connreset = 1};
    opened++;
  }
  UNLOCK();
}

static int is_registered_io(SOCKET socket) {
  LOCK();
  struct tracked *tracked = tracked_of(socket);
  int registered_io = tracked && tracked->registered_io;
  UNLOCK();
  return registered_io;
}

#define FAIL_ON_FAULT(fn, result)   \
  do {                              \
    DWORD error = fault(FN_##fn);   \
    if (error) {                    \
      WSASetLastError(error);       \
      return result;                \
    }                               \
  } while (0)

OVERRIDE(SOCKET, WSASocketW)(int family, int type, int protocol, WSAPROTOCOL_INFOW *info,
                             GROUP group, DWORD flags) {
  FAIL_ON_FAULT(WSASocketW, INVALID_SOCKET);
  int registered_io = (flags & WSA_FLAG_REGISTERED_IO) != 0;
  /* The worker's requests are overlapped ones. */
  if (registered_io) flags = (flags & ~WSA_FLAG_REGISTERED_IO) | WSA_FLAG_OVERLAPPED;
  SOCKET socket = WSASocketW(family, type, protocol, info, group, flags);
  if (socket != INVALID_SOCKET) track(socket, registered_io);
  return socket;
}

OVERRIDE(SOCKET, socket)(int family, int type, int protocol) {
  SOCKET created = socket(family, type, protocol);
  if (created != INVALID_SOCKET) track(created, 0);
  return created;
}

/* The child has the listener's properties. */
OVERRIDE(SOCKET, accept)(SOCKET listener, struct sockaddr *address, int *length) {
  FAIL_ON_FAULT(accept, INVALID_SOCKET);
  int registered_io = is_registered_io(listener);
  SOCKET child = accept(listener, address, length);
  if (child != INVALID_SOCKET) track(child, registered_io);
  return child;
}

/* Wine ends a stream in good order and resets it only then, so that the peer would see the end. The
 * port pairs of streams that were closed to be reset are kept for the peer, if it is in here. */
#define RESETS 64
static struct {
  USHORT from, to;
} resets[RESETS];
static uint32_t reset_count;

static int ports_of(SOCKET socket, USHORT *own, USHORT *peer) {
  SOCKADDR_INET address;
  int size = sizeof address;
  if (getsockname(socket, (SOCKADDR *)&address, &size)) return 0;
  *own = address.Ipv4.sin_port;
  size = sizeof address;
  if (getpeername(socket, (SOCKADDR *)&address, &size)) return 0;
  *peer = address.Ipv4.sin_port;
  return 1;
}

static void note_reset(const struct tracked *tracked) {
  LINGER linger;
  int size = sizeof linger;
  USHORT own, peer;
  if (!tracked->rq || !tracked->rq->stream) return;
  if (getsockopt(tracked->socket, SOL_SOCKET, SO_LINGER, (char *)&linger, &size)) return;
  if (!linger.l_onoff || linger.l_linger || !ports_of(tracked->socket, &own, &peer)) return;
  resets[reset_count % RESETS].from = own;
  resets[reset_count++ % RESETS].to = peer;
}

int reset_by_peer(SOCKET socket) {
  USHORT own, peer;
  if (!reset_count || !ports_of(socket, &own, &peer)) return 0;
  for (uint32_t i = 0; i < RESETS; i++) {
    if (resets[i].from == peer && resets[i].to == own) {
      resets[i].from = resets[i].to = 0;
      return 1;
    }
  }
  return 0;
}

static void forget(struct tracked *tracked) {
  if (tracked->rq) queue_closed(tracked->rq);
  *tracked = (struct tracked){0};
  opened--;
}

OVERRIDE(int, closesocket)(SOCKET socket) {
  FAIL_ON_FAULT(closesocket, SOCKET_ERROR);
  LOCK();
  struct tracked *tracked = tracked_of(socket);
  if (tracked) {
    note_reset(tracked);
    forget(tracked);
  }
  UNLOCK();
  /* The worker starts nothing on a closed queue, so this reaches all that it has started. */
  if (tracked) CancelIoEx((HANDLE)socket, NULL);
  return closesocket(socket);
}

/* What the last WSACleanup does with sockets that are still open. */
void close_left(void) {
  for (uint32_t i = 0; i < SOCKETS; i++) {
    SOCKET socket = sockets[i].socket;
    if (!socket) continue;
    forget(&sockets[i]);
    CancelIoEx((HANDLE)socket, NULL);
    closesocket(socket);
  }
}

static int no_nonblocking(SOCKET socket) {
  if (!is_registered_io(socket)) return 0;
  WSASetLastError(WSAEOPNOTSUPP);
  return 1;
}

OVERRIDE(int, ioctlsocket)(SOCKET socket, LONG command, ULONG *argument) {
  FAIL_ON_FAULT(ioctlsocket, SOCKET_ERROR);
  if (command == (LONG)FIONBIO && no_nonblocking(socket)) return SOCKET_ERROR;
  return ioctlsocket(socket, command, argument);
}

/* Both would make the socket non-blocking. */
OVERRIDE(int, WSAEventSelect)(SOCKET socket, WSAEVENT event, LONG mask) {
  return no_nonblocking(socket) ? SOCKET_ERROR : WSAEventSelect(socket, event, mask);
}

OVERRIDE(int, WSAAsyncSelect)(SOCKET socket, HWND window, unsigned message, LONG mask) {
  return no_nonblocking(socket) ? SOCKET_ERROR : WSAAsyncSelect(socket, window, message, mask);
}

OVERRIDE(int, setsockopt)(SOCKET socket, int level, int option, const char *value, int size) {
  FAIL_ON_FAULT(setsockopt, SOCKET_ERROR);
  if (level == SOL_SOCKET && option == SO_UPDATE_ACCEPT_CONTEXT && size == sizeof(SOCKET) &&
      is_registered_io(socket) && !is_registered_io(*(const SOCKET *)value)) {
    /* On Windows the requests of such a socket are reported to hang silently. */
    violation("setsockopt: a RIO socket was accepted from a listener without the RIO flag");
  }
  return setsockopt(socket, level, option, value, size);
}

OVERRIDE(int, getsockopt)(SOCKET socket, int level, int option, char *value, int *size) {
  FAIL_ON_FAULT(getsockopt, SOCKET_ERROR);
  return getsockopt(socket, level, option, value, size);
}

OVERRIDE(int, bind)(SOCKET socket, const struct sockaddr *address, int length) {
  FAIL_ON_FAULT(bind, SOCKET_ERROR);
  return bind(socket, address, length);
}

OVERRIDE(int, connect)(SOCKET socket, const struct sockaddr *address, int length) {
  FAIL_ON_FAULT(connect, SOCKET_ERROR);
  return connect(socket, address, length);
}

OVERRIDE(int, listen)(SOCKET socket, int backlog) {
  FAIL_ON_FAULT(listen, SOCKET_ERROR);
  return listen(socket, backlog);
}

OVERRIDE(int, shutdown)(SOCKET socket, int how) {
  FAIL_ON_FAULT(shutdown, SOCKET_ERROR);
  return shutdown(socket, how);
}

OVERRIDE(int, getsockname)(SOCKET socket, struct sockaddr *address, int *length) {
  FAIL_ON_FAULT(getsockname, SOCKET_ERROR);
  return getsockname(socket, address, length);
}

OVERRIDE(int, getpeername)(SOCKET socket, struct sockaddr *address, int *length) {
  FAIL_ON_FAULT(getpeername, SOCKET_ERROR);
  return getpeername(socket, address, length);
}

/* AcceptEx and ConnectEx are reached through a pointer, so the pointer given out is ours. */
static LPFN_ACCEPTEX native_accept_ex;
static LPFN_CONNECTEX native_connect_ex;

static BOOL WINAPI accept_ex(SOCKET listener, SOCKET child, PVOID out, DWORD data, DWORD local,
                             DWORD remote, DWORD *received, OVERLAPPED *overlapped) {
  FAIL_ON_FAULT(AcceptEx, FALSE);
  BOOL listening = FALSE;
  int size = sizeof listening;
  /* Wine would wait for the socket to listen. */
  if (!getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listening, &size) && !listening) {
    WSASetLastError(WSAEINVAL);
    return FALSE;
  }
  return native_accept_ex(listener, child, out, data, local, remote, received, overlapped);
}

static BOOL WINAPI connect_ex(SOCKET socket, const struct sockaddr *address, int length, PVOID data,
                              DWORD size, DWORD *sent, OVERLAPPED *overlapped) {
  FAIL_ON_FAULT(ConnectEx, FALSE);
  return native_connect_ex(socket, address, length, data, size, sent, overlapped);
}

static const RIO_EXTENSION_FUNCTION_TABLE table = {.cbSize = sizeof table,
                                                   .RIOReceive = rio_receive,
                                                   .RIOReceiveEx = rio_receive_ex,
                                                   .RIOSend = rio_send,
                                                   .RIOSendEx = rio_send_ex,
                                                   .RIOCloseCompletionQueue = rio_close_cq,
                                                   .RIOCreateCompletionQueue = rio_create_cq,
                                                   .RIOCreateRequestQueue = rio_create_rq,
                                                   .RIODequeueCompletion = rio_dequeue,
                                                   .RIODeregisterBuffer = rio_deregister,
                                                   .RIONotify = rio_notify,
                                                   .RIORegisterBuffer = rio_register,
                                                   .RIOResizeCompletionQueue = rio_resize_cq,
                                                   .RIOResizeRequestQueue = rio_resize_rq};

static int is_guid(const void *in, DWORD size, const GUID *guid) {
  return in && size >= sizeof *guid && !memcmp(in, guid, sizeof *guid);
}

static int answer_table(SOCKET socket, void *out, DWORD out_size, DWORD *returned) {
  int type, size = sizeof type;
  if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &size)) return SOCKET_ERROR;
  if (!out || out_size < sizeof table || !returned) {
    WSASetLastError(WSAEFAULT);
    return SOCKET_ERROR;
  }
  memcpy(out, &table, sizeof table);
  instant_functions(out);
  *returned = sizeof table;
  return 0;
}

OVERRIDE(int, WSAIoctl)(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out,
                        DWORD out_size, DWORD *returned, WSAOVERLAPPED *overlapped,
                        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
  static const GUID rio = WSAID_MULTIPLE_RIO, accept_id = WSAID_ACCEPTEX,
                    connect_id = WSAID_CONNECTEX;
  FAIL_ON_FAULT(WSAIoctl, SOCKET_ERROR);
  if (code == SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER && is_guid(in, in_size, &rio)) {
    return answer_table(socket, out, out_size, returned);
  }
  if (code == FIONBIO && no_nonblocking(socket)) return SOCKET_ERROR;
  if (code == SIO_UDP_CONNRESET && in && in_size >= sizeof(BOOL)) {
    LOCK();
    struct tracked *tracked = tracked_of(socket);
    if (tracked) tracked->connreset = *(BOOL *)in != 0;
    if (tracked && tracked->rq) tracked->rq->connreset = tracked->connreset;
    UNLOCK();
    if (tracked) {
      if (returned) *returned = 0;
      return 0;
    }
  }
  int result = WSAIoctl(socket, code, in, in_size, out, out_size, returned, overlapped, routine);
  if (!result && code == SIO_GET_EXTENSION_FUNCTION_POINTER && out_size >= sizeof(void *)) {
    if (is_guid(in, in_size, &accept_id)) {
      native_accept_ex = *(LPFN_ACCEPTEX *)out;
      *(LPFN_ACCEPTEX *)out = accept_ex;
    } else if (is_guid(in, in_size, &connect_id)) {
      native_connect_ex = *(LPFN_CONNECTEX *)out;
      *(LPFN_CONNECTEX *)out = connect_ex;
    }
  }
  return result;
}
