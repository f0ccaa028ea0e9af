/* Completion queues: what is queued, what is reserved, and when a notification is due. */
#include "provider.h"

struct completion_queue *queue_of(RIO_CQ handle) { return object_of(KIND_CQ, handle); }

/* Queues have no lock of their own: two threads in one at the same time are the caller's fault. */
int queue_enter(volatile LONG *busy, const char *what, uint32_t serial, enum function fn) {
  int entered = !InterlockedExchange(busy, 1);
  if (!entered) {
    violation("%s: %s %u is used by another thread at this moment", function_names[fn], what,
              serial);
  }
  fault_dwell();
  return entered;
}

void queue_leave(volatile LONG *busy, int entered) {
  if (entered) InterlockedExchange(busy, 0);
}

/* The handle that the queue was given must name the same object until the queue is closed, and must
 * be closed at the end. */
void notification_check(struct completion_queue *cq, const char *when) {
  static BOOL(WINAPI * same)(HANDLE, HANDLE);
  if (!same) {
    HMODULE kernel = GetModuleHandleA("kernelbase");
    same = (BOOL(WINAPI *)(HANDLE, HANDLE))(void *)GetProcAddress(kernel, "CompareObjectHandles");
  }
  if (!same || !cq->handle || cq->handle_reported) return;
  HANDLE given = cq->notification.Type == RIO_EVENT_COMPLETION ? cq->notification.Event.EventHandle
                                                               : cq->notification.Iocp.IocpHandle;
  const char *what = cq->notification.Type == RIO_EVENT_COMPLETION ? "event" : "port";
  int open = same(given, cq->handle);
  if (cq->live == 1 && !open) {
    violation("the %s of completion queue %u was closed before %s", what, cq->serial, when);
    cq->handle_reported = 1;
  } else if (!cq->live && open) {
    violation("the %s of completion queue %u is still open at %s", what, cq->serial, when);
    cq->handle_reported = 1;
  }
  if (cq->live == 1 && cq->notification.Type == RIO_IOCP_COMPLETION &&
      !memory_usable(cq->notification.Iocp.Overlapped, sizeof(OVERLAPPED), 1)) {
    violation("the OVERLAPPED of completion queue %u was freed before %s", cq->serial, when);
    cq->handle_reported = 1;
  }
}

static void notify_if_due(struct completion_queue *cq) {
  if (!cq->armed || !cq->notifying || cq->live != 1) return;
  cq->armed = 0;
  counters[COUNT_NOTIFIED]++;
  notification_check(cq, "its notification");
  if (cq->notification.Type == RIO_EVENT_COMPLETION) {
    SetEvent(cq->handle);
  } else {
    PostQueuedCompletionStatus(cq->handle, 0, (ULONG_PTR)cq->notification.Iocp.CompletionKey,
                               cq->notification.Iocp.Overlapped);
  }
}

/* Takes over a finished request: it is the completion until it is dequeued. */
void queue_completion(struct request *request) {
  struct completion_queue *cq = request->rq->ways[request->way].cq;
  counters[COUNT_COMPLETED]++;
  if (cq->live != 1) {
    request_release(request);
    return;
  }
  list_append(&cq->completions, request);
  cq->queued++;
  if (!(request->flags & RIO_MSG_DONT_NOTIFY)) cq->notifying++;
  notify_if_due(cq);
}

static DWORD notification_error(const RIO_NOTIFICATION_COMPLETION *given) {
  DWORD flags;
  if (!memory_usable(given, sizeof *given, 0)) return WSAEFAULT;
  if (given->Type == RIO_EVENT_COMPLETION) {
    return GetHandleInformation(given->Event.EventHandle, &flags) ? 0 : WSAEINVAL;
  }
  if (given->Type != RIO_IOCP_COMPLETION) return WSAEINVAL;
  if (!GetHandleInformation(given->Iocp.IocpHandle, &flags)) return WSAEINVAL;
  if (!given->Iocp.Overlapped) return WSAEINVAL;
  return memory_usable(given->Iocp.Overlapped, sizeof(OVERLAPPED), 1) ? 0 : WSAEFAULT;
}

RIO_CQ WINAPI rio_create_cq(DWORD size, RIO_NOTIFICATION_COMPLETION *notification) {
  DWORD error = fault(FN_RIOCreateCompletionQueue);
  if (!error && (size < 1 || size > RIO_MAX_CQ_SIZE)) {
    refused("RIOCreateCompletionQueue: the size is %lu", size);
    error = WSAEINVAL;
  }
  if (!error && notification && (error = notification_error(notification))) {
    refused("RIOCreateCompletionQueue: the notification is not valid");
  }
  struct completion_queue *cq = NULL;
  if (!error) {
    LOCK();
    static uint32_t serial;
    if ((cq = object_new(KIND_CQ))) {
      *cq = (struct completion_queue){.live = 1, .size = size, .serial = ++serial};
      if (notification) {
        cq->notifies = 1;
        cq->notification = *notification;
        /* EventHandle and IocpHandle lie at the same place. */
        DuplicateHandle(GetCurrentProcess(), notification->Event.EventHandle, GetCurrentProcess(),
                        &cq->handle, 0, FALSE, DUPLICATE_SAME_ACCESS);
      }
      counters[COUNT_CQS]++;
    } else {
      error = WSAENOBUFS;
    }
    UNLOCK();
  }
  if (error) WSASetLastError(error);
  return error ? RIO_INVALID_CQ : (RIO_CQ)cq;
}

void WINAPI rio_close_cq(RIO_CQ handle) {
  fault(FN_RIOCloseCompletionQueue);
  if (handle == RIO_INVALID_CQ) return;
  LOCK();
  struct completion_queue *cq = queue_of(handle);
  if (!cq) {
    refused("RIOCloseCompletionQueue: %p is no completion queue", handle);
  } else if (cq->live != 1) {
    violation("RIOCloseCompletionQueue: completion queue %u is closed already", cq->serial);
  } else {
    uint32_t outstanding = 0;
    struct request_queue *rq;
    for (uint32_t i = 0; (rq = object_at(KIND_RQ, i)); i++) {
      for (int way = 0; way < WAYS; way++) {
        if (rq->ways[way].cq == cq) outstanding += rq->ways[way].outstanding;
      }
    }
    if (outstanding) {
      violation("RIOCloseCompletionQueue: completion queue %u has %u requests outstanding",
                cq->serial, outstanding);
    }
    notification_check(cq, "RIOCloseCompletionQueue");
    struct request *request;
    while ((request = list_take(&cq->completions))) request_release(request);
    cq->live = cq->armed = cq->queued = cq->notifying = 0;
    counters[COUNT_CQS]--;
  }
  UNLOCK();
}

ULONG WINAPI rio_dequeue(RIO_CQ handle, RIORESULT *results, ULONG size) {
  DWORD error = fault(FN_RIODequeueCompletion);
  struct completion_queue *cq = queue_of(handle);
  if (!cq || cq->live != 1) {
    refused("RIODequeueCompletion: %p is no open completion queue", handle);
    return RIO_CORRUPT_CQ;
  }
  if (!fault_instant && size && !memory_usable(results, (size_t)size * sizeof *results, 1)) {
    violation("RIODequeueCompletion: %lu results do not fit at %p", size, results);
    return RIO_CORRUPT_CQ;
  }
  int entered = queue_enter(&cq->busy, "completion queue", cq->serial, FN_RIODequeueCompletion);
  LOCK();
  if (error) cq->corrupt = 1;
  ULONG count = cq->corrupt ? RIO_CORRUPT_CQ : 0;
  while (!cq->corrupt && count < size && cq->completions.head) {
    struct request *request = list_take(&cq->completions);
    cq->queued--;
    if (!(request->flags & RIO_MSG_DONT_NOTIFY)) cq->notifying--;
    results[count++] = (RIORESULT){request->status, request->transferred, request->rq->context,
                                   request->context};
    request_release(request);
  }
  UNLOCK();
  queue_leave(&cq->busy, entered);
  return count;
}

INT WINAPI rio_notify(RIO_CQ handle) {
  DWORD error = fault(FN_RIONotify);
  if (error) return (INT)error;
  struct completion_queue *cq = queue_of(handle);
  if (!cq || cq->live != 1) {
    refused("RIONotify: %p is no open completion queue", handle);
    return WSAEINVAL;
  }
  int entered = queue_enter(&cq->busy, "completion queue", cq->serial, FN_RIONotify);
  LOCK();
  if (!cq->notifies) {
    refused("RIONotify: completion queue %u has no notification", cq->serial);
    error = WSAEINVAL;
  } else if (cq->armed) {
    refused("RIONotify: completion queue %u is armed already", cq->serial);
    error = WSAEALREADY;
  } else {
    notification_check(cq, "RIONotify");
    /* Before the look at the queue, or the signal for what is there already would be lost. */
    if (cq->notification.Type == RIO_EVENT_COMPLETION && cq->notification.Event.NotifyReset) {
      ResetEvent(cq->handle);
    }
    cq->armed = 1;
    notify_if_due(cq);
  }
  UNLOCK();
  queue_leave(&cq->busy, entered);
  return (INT)error;
}

BOOL WINAPI rio_resize_cq(RIO_CQ handle, DWORD size) {
  DWORD error = fault(FN_RIOResizeCompletionQueue);
  struct completion_queue *cq = queue_of(handle);
  if (!error && (!cq || cq->live != 1)) {
    refused("RIOResizeCompletionQueue: %p is no open completion queue", handle);
    error = WSAEINVAL;
  }
  if (!error && (size < 1 || size > RIO_MAX_CQ_SIZE)) {
    refused("RIOResizeCompletionQueue: the size is %lu", size);
    error = WSAEINVAL;
  }
  if (!error) {
    int entered =
        queue_enter(&cq->busy, "completion queue", cq->serial, FN_RIOResizeCompletionQueue);
    LOCK();
    if (size < cq->reserved || size < cq->queued) error = WSAETOOMANYREFS;
    else cq->size = size;
    UNLOCK();
    queue_leave(&cq->busy, entered);
  }
  if (error) WSASetLastError(error);
  return !error;
}
