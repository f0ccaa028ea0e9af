/* Request queues: what a call may ask for, what it is charged, and the way of a request until it is
 * dequeued. */
#include "provider.h"
#include <stdlib.h>

#define ADDRESS_SIZE 28

void list_append(struct list *list, struct request *request) {
  request->next = NULL;
  if (list->tail) list->tail->next = request;
  else list->head = request;
  list->tail = request;
}

struct request *list_take(struct list *list) {
  struct request *request = list->head;
  if (request && !(list->head = request->next)) list->tail = NULL;
  return request;
}

/* Slots of completion queues come back when the socket is closed and its last completion was
 * dequeued, which is the latest moment that the contract allows. */
static void give_back(struct request_queue *rq) {
  if (!rq->closed || !rq->charged) return;
  if (rq->ways[RECEIVE].outstanding || rq->ways[SEND].outstanding) return;
  for (int way = 0; way < WAYS; way++) rq->ways[way].cq->reserved -= rq->ways[way].max;
  rq->charged = 0;
}

/* The end of a request: only now are its slices, its registration and its slot free again. */
void request_release(struct request *request) {
  struct request_queue *rq = request->rq;
  slices_release(request);
  rq->ways[request->way].outstanding--;
  give_back(rq);
  free(request);
}

/* closesocket: nothing may use the queue any more, and the worker aborts what is left. */
void queue_closed(struct request_queue *rq) {
  rq->closed = 1;
  counters[COUNT_RQS]--;
  give_back(rq);
  SetEvent(rq->wake);
}

static int room(struct completion_queue *receive_cq, uint32_t receives,
                struct completion_queue *send_cq, uint32_t sends) {
  if (receive_cq == send_cq) {
    return (uint64_t)receive_cq->reserved + receives + sends <= receive_cq->size;
  }
  return (uint64_t)receive_cq->reserved + receives <= receive_cq->size &&
         (uint64_t)send_cq->reserved + sends <= send_cq->size;
}

static DWORD rq_error(SOCKET socket, ULONG receives, ULONG receive_buffers, ULONG sends,
                      ULONG send_buffers, struct completion_queue *receive_cq,
                      struct completion_queue *send_cq, int *type) {
  const char *name = function_names[FN_RIOCreateRequestQueue];
  int size = sizeof *type;
  if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)type, &size)) return WSAGetLastError();
  struct tracked *tracked = tracked_of(socket);
  if (!tracked || !tracked->registered_io) {
    refused("%s: the socket has no WSA_FLAG_REGISTERED_IO", name);
    return WSAEOPNOTSUPP;
  }
  if (*type != SOCK_STREAM && *type != SOCK_DGRAM) return WSAEOPNOTSUPP;
  if (tracked->rq) {
    refused("%s: the socket has a request queue already", name);
    return WSAEINVAL;
  }
  if (receive_buffers != 1 || send_buffers != 1) {
    refused("%s: %lu and %lu data buffers per request, where both must be 1", name,
            receive_buffers, send_buffers);
    return WSAEINVAL;
  }
  if (!receives && !sends) {
    refused("%s: no request could ever be outstanding", name);
    return WSAEINVAL;
  }
  if (!receive_cq || receive_cq->live != 1 || !send_cq || send_cq->live != 1) {
    refused("%s: a completion queue is not open", name);
    return WSAEINVAL;
  }
  return room(receive_cq, receives, send_cq, sends) ? 0 : WSAENOBUFS;
}

RIO_RQ WINAPI rio_create_rq(SOCKET socket, ULONG receives, ULONG receive_buffers, ULONG sends,
                            ULONG send_buffers, RIO_CQ receive_cq, RIO_CQ send_cq, PVOID context) {
  struct completion_queue *cqs[WAYS] = {queue_of(receive_cq), queue_of(send_cq)};
  struct request_queue *rq = NULL;
  int type = 0;
  DWORD error = fault(FN_RIOCreateRequestQueue);
  LOCK();
  if (!error) {
    error = rq_error(socket, receives, receive_buffers, sends, send_buffers, cqs[RECEIVE],
                     cqs[SEND], &type);
  }
  if (!error && !(rq = object_new(KIND_RQ))) error = WSAENOBUFS;
  if (!error) {
    static uint32_t serial;
    *rq = (struct request_queue){.socket = socket,
                                 .live = 1,
                                 .stream = type == SOCK_STREAM,
                                 .charged = 1,
                                 .serial = ++serial,
                                 .context = (uint64_t)(uintptr_t)context,
                                 .connreset = tracked_of(socket)->connreset,
                                 .ways = {{.cq = cqs[RECEIVE], .max = receives},
                                          {.cq = cqs[SEND], .max = sends}}};
    if (worker_start(rq)) {
      cqs[RECEIVE]->reserved += receives;
      cqs[SEND]->reserved += sends;
      tracked_of(socket)->rq = rq;
      counters[COUNT_RQS]++;
    } else {
      error = WSAENOBUFS;
    }
  }
  UNLOCK();
  if (error) WSASetLastError(error);
  return error ? RIO_INVALID_RQ : (RIO_RQ)rq;
}

/* The queue behind a handle, or the error of a handle that must not be used. */
static struct request_queue *rq_of(RIO_RQ handle, enum function fn, DWORD *error) {
  struct request_queue *rq = object_of(KIND_RQ, handle);
  if (!rq) {
    refused("%s: %p is no request queue", function_names[fn], handle);
  } else if (rq->closed) {
    violation("%s: request queue %u is used after closesocket", function_names[fn], rq->serial);
  } else {
    return rq;
  }
  *error = WSAEINVAL;
  return NULL;
}

BOOL WINAPI rio_resize_rq(RIO_RQ handle, DWORD receives, DWORD sends) {
  DWORD error = fault(FN_RIOResizeRequestQueue);
  struct request_queue *rq = error ? NULL : rq_of(handle, FN_RIOResizeRequestQueue, &error);
  if (rq) {
    int entered = queue_enter(&rq->busy, "request queue", rq->serial, FN_RIOResizeRequestQueue);
    LOCK();
    struct direction *receive = &rq->ways[RECEIVE], *send = &rq->ways[SEND];
    receive->cq->reserved -= receive->max;
    send->cq->reserved -= send->max;
    if (!receives && !sends) {
      refused("RIOResizeRequestQueue: no request could ever be outstanding");
      error = WSAEINVAL;
    } else if (receives < receive->outstanding || sends < send->outstanding) {
      error = WSAETOOMANYREFS;
    } else if (!room(receive->cq, receives, send->cq, sends)) {
      error = WSAENOBUFS;
    } else {
      receive->max = receives;
      send->max = sends;
    }
    receive->cq->reserved += receive->max;
    send->cq->reserved += send->max;
    UNLOCK();
    queue_leave(&rq->busy, entered);
  }
  if (error) WSASetLastError(error);
  return !error;
}

static void commit(struct request_queue *rq, enum way way) {
  struct request *request;
  while ((request = list_take(&rq->ways[way].deferred))) {
    list_append(&rq->ways[way].started, request);
  }
  SetEvent(rq->wake);
}

/* Everything one posting call was given. */
struct call {
  enum function fn;
  enum way way;
  RIO_BUF *bufs[SLICES];
  ULONG count;
  DWORD flags;
  uint64_t context;
};

static DWORD commit_error(const struct call *call) {
  int extra = call->count || call->context || call->flags != RIO_MSG_COMMIT_ONLY;
  for (int i = 0; i < SLICES; i++) extra |= call->bufs[i] != NULL;
  if (!extra) return 0;
  refused("%s: RIO_MSG_COMMIT_ONLY goes with nothing else", function_names[call->fn]);
  return WSAEINVAL;
}

static DWORD shape_error(const struct call *call, int stream) {
  const char *name = function_names[call->fn];
  DWORD allowed = RIO_MSG_DONT_NOTIFY | RIO_MSG_DEFER;
  if (call->way == RECEIVE && stream) allowed |= RIO_MSG_WAITALL;
  if (call->flags & ~allowed) {
    refused("%s: the flags 0x%lx are not for this request", name, call->flags);
    return WSAEINVAL;
  }
  if (call->count > 1 || (call->count == 1) != (call->bufs[DATA] != NULL)) {
    refused("%s: %lu data buffers at %p", name, call->count, call->bufs[DATA]);
    return WSAEINVAL;
  }
  if (stream && !call->count) {
    refused("%s: a stream request needs data", name);
    return WSAEINVAL;
  }
  if (call->way == SEND && call->bufs[LOCAL]) {
    refused("%s: the local address is reserved", name);
    return WSAEINVAL;
  }
  return 0;
}

static DWORD slices_error(const struct call *call, struct request *request) {
  static const uint32_t least[SLICES] = {0, ADDRESS_SIZE, ADDRESS_SIZE, RIO_CMSG_BASE_SIZE,
                                         sizeof(ULONG)};
  static const char *const what[SLICES] = {"data", "local address", "remote address", "control",
                                           "flags"};
  DWORD error = 0;
  for (int i = 0; i < SLICES; i++) {
    int output = call->way == RECEIVE || i == FLAGS_OUT;
    struct slice *slice = &request->slices[i];
    if (!call->bufs[i]) continue;
    if (!slice_take(slice, call->bufs[i], output, call->fn, &error)) return error;
    if (slice->length < least[i]) {
      refused("%s: a %s slice of %u bytes is below %u", function_names[call->fn], what[i],
              slice->length, least[i]);
      return WSAEINVAL;
    }
    if (!fault_instant && !slice_intact(slice, "before a request")) return WSAEFAULT;
  }
  const struct slice *control = &request->slices[CONTROL];
  if (control->buffer && call->way == SEND &&
      ((RIO_CMSG_BUFFER *)control->at)->TotalLength != control->length) {
    refused("%s: a control slice of %u bytes states %lu", function_names[call->fn],
            control->length, ((RIO_CMSG_BUFFER *)control->at)->TotalLength);
    return WSAEINVAL;
  }
  return 0;
}

static DWORD accept_request(struct request_queue *rq, const struct call *call) {
  struct direction *direction = &rq->ways[call->way];
  DWORD error = shape_error(call, rq->stream);
  if (error) return error;
  if (direction->cq->live != 1) {
    violation("%s: the completion queue of request queue %u is closed", function_names[call->fn],
              rq->serial);
    return WSAEINVAL;
  }
  if (direction->cq->corrupt) return WSAEINVAL;
  if (direction->outstanding >= direction->max) return WSAENOBUFS;
  struct request *request = calloc(1, sizeof *request);
  if (!request) return WSAENOBUFS;
  if ((error = slices_error(call, request))) {
    free(request);
    return error;
  }
  request->rq = rq;
  request->way = call->way;
  request->flags = call->flags;
  request->context = call->context;
  direction->outstanding++;
  slices_hold(request, call->fn);
  if (fault_instant) {
    request->transferred = request->slices[DATA].length;
    queue_completion(request);
    return 0;
  }
  request->untouched = memory_sum(request->slices[DATA].at, request->slices[DATA].length);
  list_append(&direction->deferred, request);
  /* A deferred request may start at once or wait; waiting is what shows a forgotten commit. */
  if (!(call->flags & RIO_MSG_DEFER)) commit(rq, call->way);
  return 0;
}

static BOOL post(RIO_RQ handle, const struct call *call) {
  DWORD error = fault(call->fn);
  struct request_queue *rq = error ? NULL : rq_of(handle, call->fn, &error);
  if (rq && (call->flags & RIO_MSG_COMMIT_ONLY)) {
    /* The one call that needs no serialising. */
    LOCK();
    if (!(error = commit_error(call))) commit(rq, call->way);
    UNLOCK();
  } else if (rq) {
    int entered = queue_enter(&rq->busy, "request queue", rq->serial, call->fn);
    LOCK();
    error = accept_request(rq, call);
    UNLOCK();
    queue_leave(&rq->busy, entered);
  }
  if (error) WSASetLastError(error);
  return !error;
}

BOOL WINAPI rio_receive(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context) {
  return post(rq, &(struct call){FN_RIOReceive, RECEIVE, {data}, count, flags, (uintptr_t)context});
}

BOOL WINAPI rio_send(RIO_RQ rq, RIO_BUF *data, ULONG count, DWORD flags, PVOID context) {
  return post(rq, &(struct call){FN_RIOSend, SEND, {data}, count, flags, (uintptr_t)context});
}

int WINAPI rio_receive_ex(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local, RIO_BUF *remote,
                          RIO_BUF *control, RIO_BUF *out_flags, DWORD flags, PVOID context) {
  RIO_BUF *bufs[SLICES] = {data, local, remote, control, out_flags};
  struct call call = {FN_RIOReceiveEx, RECEIVE, {0}, count, flags, (uintptr_t)context};
  memcpy(call.bufs, bufs, sizeof bufs);
  return post(rq, &call);
}

BOOL WINAPI rio_send_ex(RIO_RQ rq, RIO_BUF *data, ULONG count, RIO_BUF *local, RIO_BUF *remote,
                        RIO_BUF *control, RIO_BUF *out_flags, DWORD flags, PVOID context) {
  RIO_BUF *bufs[SLICES] = {data, local, remote, control, out_flags};
  struct call call = {FN_RIOSendEx, SEND, {0}, count, flags, (uintptr_t)context};
  memcpy(call.bufs, bufs, sizeof bufs);
  return post(rq, &call);
}
