/* Winsock Registered I/O as the Windows SDK declares it, for a cross compiler whose headers end
 * before Windows 8. Types, numbers and names are the SDK's (mswsock.h, mswsockdef.h). */
#ifndef RIO_H
#define RIO_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

typedef struct RIO_BUFFERID_t *RIO_BUFFERID;
typedef struct RIO_CQ_t *RIO_CQ;
typedef struct RIO_RQ_t *RIO_RQ;

#define RIO_MSG_DONT_NOTIFY 0x1
#define RIO_MSG_DEFER 0x2
#define RIO_MSG_WAITALL 0x4
#define RIO_MSG_COMMIT_ONLY 0x8
#define RIO_INVALID_BUFFERID ((RIO_BUFFERID)(ULONG_PTR)0xFFFFFFFF)
#define RIO_INVALID_CQ ((RIO_CQ)0)
#define RIO_INVALID_RQ ((RIO_RQ)0)
#define RIO_MAX_CQ_SIZE 0x8000000
#define RIO_CORRUPT_CQ 0xFFFFFFFF

typedef struct {
  LONG Status;
  ULONG BytesTransferred;
  ULONGLONG SocketContext;
  ULONGLONG RequestContext;
} RIORESULT;

typedef struct {
  RIO_BUFFERID BufferId;
  ULONG Offset;
  ULONG Length;
} RIO_BUF;

typedef struct {
  ULONG TotalLength;
} RIO_CMSG_BUFFER;

#define RIO_CMSG_BASE_SIZE 8

typedef enum { RIO_EVENT_COMPLETION = 1, RIO_IOCP_COMPLETION = 2 } RIO_NOTIFICATION_COMPLETION_TYPE;

typedef struct {
  RIO_NOTIFICATION_COMPLETION_TYPE Type;
  union {
    struct {
      HANDLE EventHandle;
      BOOL NotifyReset;
    } Event;
    struct {
      HANDLE IocpHandle;
      PVOID CompletionKey;
      PVOID Overlapped;
    } Iocp;
  };
} RIO_NOTIFICATION_COMPLETION;

typedef struct {
  DWORD cbSize;
  void *RIOReceive;
  void *RIOReceiveEx;
  void *RIOSend;
  void *RIOSendEx;
  void *RIOCloseCompletionQueue;
  void *RIOCreateCompletionQueue;
  void *RIOCreateRequestQueue;
  void *RIODequeueCompletion;
  void *RIODeregisterBuffer;
  void *RIONotify;
  void *RIORegisterBuffer;
  void *RIOResizeCompletionQueue;
  void *RIOResizeRequestQueue;
} RIO_EXTENSION_FUNCTION_TABLE;

#ifndef SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER
#define SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER _WSAIORW(IOC_WS2, 36)
#endif
#define WSAID_MULTIPLE_RIO \
  {0x8509e081, 0x96dd, 0x4005, {0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f}}

#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif
#ifndef SO_TIMESTAMP
#define SO_TIMESTAMP 0x300A
#endif
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#endif
#ifndef UDP_RECV_MAX_COALESCED_SIZE
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif
#ifndef UDP_COALESCED_INFO
#define UDP_COALESCED_INFO 3
#endif
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif
#ifndef TCP_KEEPCNT
#define TCP_KEEPCNT 16
#endif
#ifndef TCP_KEEPINTVL
#define TCP_KEEPINTVL 17
#endif
#ifndef IPV6_ECN
#define IPV6_ECN 50
#endif

#endif
