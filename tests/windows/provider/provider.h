/* A stand-in for ws2_32.dll with Registered I/O over Wine's own sockets, which also judges how it
 * is used. exports.c answers the table, requests.c takes requests, worker.c carries them out on the
 * socket, completion.c queues and notifies, memory.c knows registrations and slices, sockets.c
 * watches the Winsock calls, verifier.c and faults.c are what tests talk to. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "rio.h"
#include <stdint.h>

/* A Winsock export that the provider takes over; the build lists these in its module definition. */
#define OVERRIDE(type, name) type WSAAPI override_##name
/* An export for tests. */
#define EXPORT(type, name) __declspec(dllexport) type WINAPI name

/* The 13 in the order of the extension table, then the socket functions, as faults count them. */
#define FUNCTIONS(each)                                                                          \
  each(RIOReceive) each(RIOReceiveEx) each(RIOSend) each(RIOSendEx) each(RIOCloseCompletionQueue) \
  each(RIOCreateCompletionQueue) each(RIOCreateRequestQueue) each(RIODequeueCompletion)           \
  each(RIODeregisterBuffer) each(RIONotify) each(RIORegisterBuffer)                               \
  each(RIOResizeCompletionQueue) each(RIOResizeRequestQueue) each(WSAStartup) each(WSACleanup)    \
  each(WSASocketW) each(closesocket) each(bind) each(connect) each(listen) each(accept)           \
  each(shutdown) each(getsockname) each(getpeername) each(getsockopt) each(setsockopt)            \
  each(ioctlsocket) each(WSAIoctl) each(AcceptEx) each(ConnectEx)
#define AS_ENUM(name) FN_##name,
enum function { FUNCTIONS(AS_ENUM) FUNCTION_COUNT };
extern const char *const function_names[FUNCTION_COUNT];

/* What RioVerifierCounters reports after the calls per function. */
enum counter {
  COUNT_BUFFERS, /* registered now */
  COUNT_CQS,     /* open now */
  COUNT_RQS,     /* on open sockets now */
  COUNT_SOCKETS, /* opened through the provider and open now */
  COUNT_STARTUPS,
  COUNT_OUTSTANDING, /* requests accepted and not yet dequeued */
  COUNT_COMPLETED,   /* completions queued so far */
  COUNT_NOTIFIED,    /* events set and packets queued so far */
  COUNTER_COUNT
};
extern uint64_t calls[FUNCTION_COUNT];
extern uint64_t counters[COUNTER_COUNT];

struct buffer {
  char *data;
  uint32_t length;
  uint32_t in_use; /* slices of requests that are accepted and not yet dequeued */
  uint32_t serial;
  int live;
};

/* A part of a registration, as one request names it. */
struct slice {
  struct buffer *buffer;
  char *at;
  uint32_t length;
  int output; /* the request writes it */
  int lost;   /* its memory is known to be unusable */
};

enum { DATA, LOCAL, REMOTE, CONTROL, FLAGS_OUT, SLICES };
enum way { RECEIVE, SEND, WAYS };

struct request {
  struct request *next;
  struct request *flight_before, *flight_after;
  struct request_queue *rq;
  enum way way;
  ULONG flags;
  struct slice slices[SLICES];
  uint64_t context;
  uint64_t untouched; /* sum of the data slice when it was posted */
  LONG status;
  ULONG transferred;
};

struct list {
  struct request *head, *tail;
};

struct completion_queue {
  int live, corrupt, armed;
  uint32_t size, reserved, queued, notifying, serial;
  volatile LONG busy;
  struct list completions;
  RIO_NOTIFICATION_COMPLETION notification;
  int notifies;
  /* A second handle to the same event or port: a signal can't reach a stranger that was given the
   * number of a closed handle, and the two can be compared to notice that. */
  HANDLE handle;
  int handle_reported;
};

struct direction {
  struct completion_queue *cq;
  uint32_t max, outstanding;
  struct list started, deferred;
};

/* Never freed: a use after closesocket is recorded, not a crash. */
struct request_queue {
  SOCKET socket;
  int live, closed, stream, charged, connreset, reset;
  uint32_t serial;
  volatile LONG busy;
  uint64_t context;
  struct direction ways[WAYS];
  HANDLE wake;
};

/* A socket opened through the provider. */
struct tracked {
  SOCKET socket;
  int registered_io;
  int connreset;
  struct request_queue *rq;
};

/* One lock for all state. It is never held across a call that can block. */
extern CRITICAL_SECTION lock;
#define LOCK() EnterCriticalSection(&lock)
#define UNLOCK() LeaveCriticalSection(&lock)

/* verifier.c */
enum kind { KIND_BUFFER, KIND_CQ, KIND_RQ, KINDS };
void violation(const char *format, ...);
/* The same for a call whose arguments were wrong and which was refused with a documented error. */
void refused(const char *format, ...);
void *object_new(enum kind kind);
void *object_of(enum kind kind, const void *handle);
void *object_at(enum kind kind, uint32_t index);
void verifier_start(void);
void verifier_end(void);
void report_left(const char *when);

/* faults.c: counts the call; nonzero is the error it must fail with. */
DWORD fault(enum function fn);
extern volatile LONG fault_instant;
void fault_hold_completion(void);
void fault_dwell(void);

/* instant.c: puts its functions into a table, where that is asked for. */
void instant_functions(RIO_EXTENSION_FUNCTION_TABLE *table);

/* memory.c */
int memory_usable(const void *at, size_t length, int writable);
uint64_t memory_sum(const char *at, size_t length);
int slice_take(struct slice *slice, const RIO_BUF *buf, int output, enum function fn, DWORD *error);
void slices_hold(struct request *request, enum function fn);
void slices_release(struct request *request);
int slice_intact(struct slice *slice, const char *when);
RIO_BUFFERID WINAPI rio_register(PCHAR data, DWORD length);
void WINAPI rio_deregister(RIO_BUFFERID id);

/* completion.c */
struct completion_queue *queue_of(RIO_CQ handle);
void queue_completion(struct request *request);
int queue_enter(volatile LONG *busy, const char *what, uint32_t serial, enum function fn);
void queue_leave(volatile LONG *busy, int entered);
void notification_check(struct completion_queue *cq, const char *when);
RIO_CQ WINAPI rio_create_cq(DWORD size, RIO_NOTIFICATION_COMPLETION *notification);
void WINAPI rio_close_cq(RIO_CQ handle);
ULONG WINAPI rio_dequeue(RIO_CQ handle, RIORESULT *results, ULONG size);
INT WINAPI rio_notify(RIO_CQ handle);
BOOL WINAPI rio_resize_cq(RIO_CQ handle, DWORD size);

/* requests.c */
void list_append(struct list *list, struct request *request);
struct request *list_take(struct list *list);
void request_release(struct request *request);
void queue_closed(struct request_queue *rq);
RIO_RQ WINAPI rio_create_rq(SOCKET socket, ULONG receives, ULONG receive_buffers, ULONG sends,
                            ULONG send_buffers, RIO_CQ receive_cq, RIO_CQ send_cq, PVOID context);
BOOL WINAPI rio_resize_rq(RIO_RQ handle, DWORD receives, DWORD sends);
BOOL WINAPI rio_receive(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context);
BOOL WINAPI rio_send(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context);
int WINAPI rio_receive_ex(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local, RIO_BUF *remote,
                          RIO_BUF *control, RIO_BUF *out_flags, DWORD flags, PVOID context);
BOOL WINAPI rio_send_ex(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local, RIO_BUF *remote,
                        RIO_BUF *control, RIO_BUF *out_flags, DWORD flags, PVOID context);

/* worker.c */
int worker_start(struct request_queue *rq);

/* sockets.c */
struct tracked *tracked_of(SOCKET socket);
uint32_t tracked_count(void);
void close_left(void);
int reset_by_peer(SOCKET socket);

#endif
