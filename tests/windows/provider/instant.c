/* Functions that return at once, so that what is measured is the cost of calling them.
 *
 * The first three have the parameters of three that matter and do nothing. Each returns its count,
 * so that a call that goes wrong is seen. */
#include "provider.h"

EXPORT(BOOL, RioInstantSend)(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context) {
  (void)rq, (void)data, (void)flags, (void)context;
  return (BOOL)count;
}

EXPORT(int, RioInstantReceiveEx)(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local,
                                 RIO_BUF *remote, RIO_BUF *control, RIO_BUF *out_flags, DWORD flags,
                                 PVOID context) {
  (void)rq, (void)data, (void)local, (void)remote, (void)control, (void)out_flags, (void)flags;
  (void)context;
  return (int)count;
}

EXPORT(ULONG, RioInstantDequeue)(RIO_CQ cq, RIORESULT *results, ULONG size) {
  (void)cq, (void)results;
  return size;
}

/* Where they are, in this order. */
EXPORT(uint64_t, RioInstantAddress)(uint32_t index) {
  const void *const functions[] = {RioInstantSend, RioInstantReceiveEx, RioInstantDequeue};
  return index < 3 ? (uint64_t)(uintptr_t)functions[index] : 0;
}

/* Then what posts and dequeues in a table: a request is complete when it is posted, and a dequeue
 * returns it. One thread, and one queue at a time. */
#define KEPT 8192
static RIORESULT kept[KEPT];
static uint32_t posted, dequeued;

static BOOL keep(RIO_RQ rq, const RIO_BUF *data, DWORD flags, PVOID context) {
  if (flags & RIO_MSG_COMMIT_ONLY) return TRUE;
  kept[posted++ % KEPT] = (RIORESULT){.BytesTransferred = data ? data->Length : 0,
                                      .SocketContext = ((struct request_queue *)rq)->context,
                                      .RequestContext = (uintptr_t)context};
  return TRUE;
}

static BOOL WINAPI post(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context) {
  (void)count;
  return keep(rq, data, flags, context);
}

static int WINAPI post_ex(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local, RIO_BUF *remote,
                          RIO_BUF *control, RIO_BUF *out_flags, DWORD flags, PVOID context) {
  (void)count, (void)local, (void)remote, (void)control, (void)out_flags;
  return keep(rq, data, flags, context);
}

static ULONG WINAPI dequeue(RIO_CQ cq, RIORESULT *results, ULONG size) {
  (void)cq;
  ULONG count = 0;
  while (count < size && dequeued != posted) results[count++] = kept[dequeued++ % KEPT];
  return count;
}

static volatile LONG in_tables;

/* Nonzero: tables that are asked for from now on have these. */
EXPORT(void, RioInstantTable)(uint32_t on) { in_tables = (LONG)on; }

void instant_functions(RIO_EXTENSION_FUNCTION_TABLE *table) {
  if (!in_tables) return;
  table->RIOReceive = table->RIOSend = post;
  table->RIOReceiveEx = table->RIOSendEx = post_ex;
  table->RIODequeueCompletion = dequeue;
}
