/* One thread per request queue carries its requests out on the socket, in posting order. The first
 * of each direction is an overlapped operation of Wine's, with memory of the worker's own, so that
 * a caller who frees a slice too early is recorded and not obeyed. */
#include "provider.h"
#include <stdlib.h>

#define DATAGRAM_SIZE 65536
#define CONTROL_SIZE 512
#define STATUS_OK 0
#define STATUS_STARTED 0x103

/* The operation in progress of one direction. The thread owns it. */
struct operation {
  struct request *request;
  OVERLAPPED overlapped;
  char *bytes;
  size_t capacity;
  uint32_t length; /* what this operation asks for, of bytes + done */
  uint32_t done;
  uint32_t segment; /* datagram size when one send request is several datagrams */
  DWORD failed;     /* it could not even be started */
  /* The type of service that the socket had before this send asked for one. */
  struct {
    int level, option, before;
  } service;
  WSAMSG message;
  WSABUF data;
  SOCKADDR_INET peer;
  char control[CONTROL_SIZE];
};

struct worker {
  struct request_queue *rq;
  struct operation ways[WAYS];
};

static LPFN_WSARECVMSG native_receive;

static void resolve_receive(SOCKET socket) {
  GUID id = WSAID_WSARECVMSG;
  DWORD returned;
  if (native_receive) return;
  WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &native_receive,
           sizeof native_receive, &returned, NULL, NULL);
}

static int address_length(const SOCKADDR_INET *address) {
  return address->si_family == AF_INET6 ? sizeof(SOCKADDR_IN6) : sizeof(SOCKADDR_IN);
}

/* What the control messages of a send ask for. Wine's sends take none, so a type of service becomes
 * an option of the socket while the send lasts; the others are for a real network stack. */
static void take_control(SOCKET socket, struct operation *op, const struct slice *control) {
  WSAMSG view = {.Control = {control->length - RIO_CMSG_BASE_SIZE,
                             control->at + RIO_CMSG_BASE_SIZE}};
  for (WSACMSGHDR *header = WSA_CMSG_FIRSTHDR(&view); header;
       header = WSA_CMSG_NXTHDR(&view, header)) {
    int level = header->cmsg_level, type = header->cmsg_type;
    const char *data = (const char *)WSA_CMSG_DATA(header);
    if (level == IPPROTO_UDP && type == UDP_SEND_MSG_SIZE) {
      op->segment = *(const DWORD *)data;
    } else if ((level == IPPROTO_IP && type == IP_TOS) ||
               (level == IPPROTO_IPV6 && type == IPV6_TCLASS)) {
      int size = sizeof op->service.before;
      if (getsockopt(socket, level, type, (char *)&op->service.before, &size)) continue;
      op->service.level = level;
      op->service.option = type;
      setsockopt(socket, level, type, data, sizeof(int));
    }
  }
}

static void restore_service(SOCKET socket, struct operation *op) {
  if (!op->service.option) return;
  setsockopt(socket, op->service.level, op->service.option, (char *)&op->service.before,
             sizeof op->service.before);
  op->service.option = 0;
}

static int issue_receive(struct request_queue *rq, struct operation *op, DWORD *flags) {
  if (rq->stream) {
    return WSARecv(rq->socket, &op->data, 1, NULL, flags, &op->overlapped, NULL);
  }
  op->message = (WSAMSG){.name = (SOCKADDR *)&op->peer,
                         .namelen = sizeof op->peer,
                         .lpBuffers = &op->data,
                         .dwBufferCount = 1,
                         /* Even if nobody asked for it: without room for it, a datagram of a socket
                          * with IP_PKTINFO is reported as cut. */
                         .Control = {sizeof op->control, op->control}};
  memset(&op->peer, 0, sizeof op->peer);
  return native_receive(rq->socket, &op->message, NULL, &op->overlapped, NULL);
}

static int issue_send(struct request_queue *rq, struct operation *op) {
  const struct slice *remote = &op->request->slices[REMOTE];
  if (rq->stream || !remote->buffer) {
    return WSASend(rq->socket, &op->data, 1, NULL, 0, &op->overlapped, NULL);
  }
  return WSASendTo(rq->socket, &op->data, 1, NULL, 0, (SOCKADDR *)&op->peer,
                   address_length(&op->peer), &op->overlapped, NULL);
}

/* Starts the next piece of a request. The lock is held, so closesocket can't come between. */
static void issue(struct request_queue *rq, struct operation *op) {
  HANDLE event = op->overlapped.hEvent;
  memset(&op->overlapped, 0, sizeof op->overlapped);
  op->overlapped.hEvent = event;
  uint32_t rest = op->length - op->done;
  op->data = (WSABUF){op->segment ? min(op->segment, rest) : rest, op->bytes + op->done};
  DWORD flags = 0;
  int result = op->request->way == RECEIVE ? issue_receive(rq, op, &flags) : issue_send(rq, op);
  op->failed = result ? WSAGetLastError() : 0;
  if (op->failed == WSA_IO_PENDING) op->failed = 0;
}

static int reserve(struct operation *op, size_t wanted) {
  if (wanted <= op->capacity) return 1;
  char *bytes = realloc(op->bytes, wanted);
  if (!bytes) return 0;
  op->bytes = bytes;
  op->capacity = wanted;
  return 1;
}

static void begin(struct request_queue *rq, struct operation *op, struct request *request) {
  struct slice *data = &request->slices[DATA];
  op->request = request;
  op->done = op->segment = 0;
  op->length = data->length;
  DWORD failed = 0;
  if (request->way == RECEIVE) {
    /* The whole datagram, so that what does not fit the slice is known. */
    if (!rq->stream) op->length = DATAGRAM_SIZE;
    if (!reserve(op, op->length)) failed = WSAENOBUFS;
  } else {
    struct slice *remote = &request->slices[REMOTE], *control = &request->slices[CONTROL];
    if (!reserve(op, (size_t)data->length + 1)) failed = WSAENOBUFS;
    if (!failed && data->buffer) {
      failed = slice_intact(data, "before its send started") ? 0 : WSAEFAULT;
      if (!failed) memcpy(op->bytes, data->at, data->length);
    }
    if (!failed && remote->buffer) {
      failed = slice_intact(remote, "before its send started") ? 0 : WSAEFAULT;
      if (!failed) memcpy(&op->peer, remote->at, sizeof op->peer);
    }
    if (!failed && control->buffer && slice_intact(control, "before its send started")) {
      take_control(rq->socket, op, control);
    }
  }
  op->failed = failed;
  if (!failed) issue(rq, op);
}

/* Writes what a receive reports beside its data. The socket of a closed queue is not asked: its
 * number may be another socket's by now. */
static void deliver_details(struct request_queue *rq, struct operation *op) {
  struct request *request = op->request;
  struct slice *slice = &request->slices[REMOTE];
  if (slice->buffer && slice_intact(slice, "before its request completed")) {
    int size = sizeof op->peer;
    if (rq->stream && !rq->closed) getpeername(rq->socket, (SOCKADDR *)&op->peer, &size);
    memcpy(slice->at, &op->peer, sizeof op->peer);
  }
  slice = &request->slices[LOCAL];
  if (slice->buffer && slice_intact(slice, "before its request completed")) {
    SOCKADDR_INET local = {0};
    int size = sizeof local;
    if (!rq->closed) getsockname(rq->socket, (SOCKADDR *)&local, &size);
    memcpy(slice->at, &local, sizeof local);
  }
  slice = &request->slices[CONTROL];
  if (slice->buffer && slice_intact(slice, "before its request completed")) {
    uint32_t length = min(op->message.Control.len, slice->length - RIO_CMSG_BASE_SIZE);
    if (rq->stream) length = 0;
    memcpy(slice->at + RIO_CMSG_BASE_SIZE, op->control, length);
    ((RIO_CMSG_BUFFER *)slice->at)->TotalLength = RIO_CMSG_BASE_SIZE + length;
  }
  slice = &request->slices[FLAGS_OUT];
  if (slice->buffer && slice_intact(slice, "before its request completed")) {
    *(ULONG *)slice->at = rq->stream ? 0 : op->message.dwFlags;
  }
}

static void finish_receive(struct request_queue *rq, struct operation *op, DWORD status) {
  struct request *request = op->request;
  struct slice *data = &request->slices[DATA];
  if (!status && data->buffer && op->done > data->length) status = WSAEMSGSIZE;
  if (data->buffer && slice_intact(data, "before its request completed")) {
    memcpy(data->at, op->bytes, min(op->done, data->length));
  }
  if (!status || status == WSAEMSGSIZE) deliver_details(rq, op);
  request->transferred = status && status != WSAEMSGSIZE ? 0 : min(op->done, data->length);
  request->status = (LONG)status;
}

static void finish_send(struct operation *op, DWORD status) {
  struct request *request = op->request;
  struct slice *out = &request->slices[FLAGS_OUT];
  if (out->buffer && slice_intact(out, "before its request completed")) *(ULONG *)out->at = 0;
  request->transferred = status ? 0 : op->done;
  request->status = (LONG)status;
}

/* What the overlapped operation came to. The lock is held. */
static DWORD outcome(struct request_queue *rq, struct operation *op, DWORD *moved) {
  DWORD flags;
  *moved = 0;
  if (op->failed) return op->failed;
  if (rq->closed) {
    /* The socket's number may be another socket's by now, so only the OVERLAPPED is asked. */
    if (op->overlapped.Internal == STATUS_OK) *moved = (DWORD)op->overlapped.InternalHigh;
    return op->overlapped.Internal == STATUS_OK ? 0 : WSA_OPERATION_ABORTED;
  }
  if (WSAGetOverlappedResult(rq->socket, &op->overlapped, moved, FALSE, &flags)) return 0;
  DWORD error = WSAGetLastError();
  /* Linux reports an unreachable port of a connected socket as a refused connection. */
  return error == WSAECONNREFUSED && !rq->stream ? WSAECONNRESET : error;
}

/* Takes in what has happened; nonzero with the status when nothing of the request is left to do. */
static int advance(struct request_queue *rq, struct operation *op, DWORD *status) {
  struct request *request = op->request;
  DWORD moved;
  *status = outcome(rq, op, &moved);
  op->done += moved;
  if (!*status && !moved && op->length && rq->stream && request->way == RECEIVE && !rq->closed) {
    rq->reset = rq->reset || reset_by_peer(rq->socket);
    if (rq->reset) *status = WSAECONNRESET;
  }
  /* A send is not to blame for an answer to an earlier one; a receive, only when asked to be. */
  int again = *status == WSAECONNRESET && !rq->closed && !rq->stream && !op->failed &&
              (request->way == SEND || !rq->connreset);
  int more = !*status && !rq->closed && op->done < op->length && moved &&
             (request->way == SEND || (rq->stream && (request->flags & RIO_MSG_WAITALL)));
  if (again || more) {
    issue(rq, op);
    return 0;
  }
  if (!rq->closed) restore_service(rq->socket, op);
  return 1;
}

/* The application must have left the data alone from the post until now. */
static void check_untouched(struct request *request) {
  struct slice *data = &request->slices[DATA];
  const char *what = request->way == SEND ? "send" : "receive";
  if (!data->buffer || !slice_intact(data, "before its request completed")) return;
  if (memory_sum(data->at, data->length) != request->untouched) {
    violation("%u bytes of buffer %u were changed while a %s was in flight", data->length,
              data->buffer->serial, what);
  }
}

/* The lock is given up for the time that completions are asked to be late. */
static void finish(struct request_queue *rq, struct operation *op, struct request *request,
                   DWORD status) {
  UNLOCK();
  fault_hold_completion();
  LOCK();
  check_untouched(request);
  request->status = (LONG)status;
  if (op && request->way == RECEIVE) finish_receive(rq, op, status);
  else if (op) finish_send(op, status);
  if (op) op->request = NULL;
  queue_completion(request);
}

static void abort_waiting(struct request_queue *rq) {
  for (int way = 0; way < WAYS; way++) {
    struct request *request;
    while ((request = list_take(&rq->ways[way].started)) ||
           (request = list_take(&rq->ways[way].deferred))) {
      finish(rq, NULL, request, WSA_OPERATION_ABORTED);
    }
  }
}

/* Begins what can begin and finishes what is finished; nonzero when it found something to do. */
static int advance_all(struct worker *worker) {
  struct request_queue *rq = worker->rq;
  int progress = 0;
  for (int way = 0; way < WAYS; way++) {
    struct operation *op = &worker->ways[way];
    struct request *next = op->request || rq->closed ? NULL : list_take(&rq->ways[way].started);
    if (next) begin(rq, op, next);
    if (!op->request) continue;
    /* Most operations are done when they return; the events are for the others. */
    if (!op->failed && op->overlapped.Internal == STATUS_STARTED) continue;
    DWORD status;
    if (advance(rq, op, &status)) finish(rq, op, op->request, status);
    progress = 1;
  }
  return progress;
}

static DWORD WINAPI work(void *argument) {
  struct worker *worker = argument;
  struct request_queue *rq = worker->rq;
  HANDLE handles[1 + WAYS] = {rq->wake};
  for (int way = 0; way < WAYS; way++) {
    handles[1 + way] = CreateEventW(NULL, FALSE, FALSE, NULL);
    /* The low bit keeps the operation's completion out of a port that the caller has associated
     * with the socket. */
    worker->ways[way].overlapped.hEvent = (HANDLE)((ULONG_PTR)handles[1 + way] | 1);
  }
  LOCK();
  for (;;) {
    if (advance_all(worker)) continue;
    if (rq->closed && !worker->ways[RECEIVE].request && !worker->ways[SEND].request) {
      /* After what was started, so that a direction completes in its order. */
      abort_waiting(rq);
      break;
    }
    UNLOCK();
    WaitForMultipleObjects(1 + WAYS, handles, FALSE, INFINITE);
    LOCK();
  }
  CloseHandle(rq->wake);
  rq->wake = NULL;
  UNLOCK();
  for (int way = 0; way < WAYS; way++) {
    CloseHandle(handles[1 + way]);
    free(worker->ways[way].bytes);
  }
  free(worker);
  return 0;
}

int worker_start(struct request_queue *rq) {
  struct worker *worker = calloc(1, sizeof *worker);
  if (!worker) return 0;
  resolve_receive(rq->socket);
  worker->rq = rq;
  rq->wake = CreateEventW(NULL, FALSE, FALSE, NULL);
  HANDLE thread = CreateThread(NULL, 256 * 1024, work, worker, 0, NULL);
  if (!thread) {
    CloseHandle(rq->wake);
    free(worker);
    return 0;
  }
  CloseHandle(thread);
  return 1;
}
