/* The verifier: what was done wrong, what is left, and the objects behind the handles.
 *
 * Objects live in one arena per kind and are never given back, so that a stale or foreign handle is
 * recognised by its address alone and never followed. */
#include "provider.h"
#include <stdarg.h>
#include <stdio.h>

#define MESSAGES 256
#define MESSAGE_SIZE 256

CRITICAL_SECTION lock;
uint64_t calls[FUNCTION_COUNT];
uint64_t counters[COUNTER_COUNT];

static char messages[MESSAGES][MESSAGE_SIZE];
static volatile LONG message_count;
static volatile LONG tolerate_refused;
static volatile LONG ignore_exit;

static struct {
  char *base;
  size_t size, count, capacity;
} arenas[KINDS];

static void record(const char *kind, const char *format, va_list arguments) {
  LONG index = InterlockedIncrement(&message_count) - 1;
  if (index >= MESSAGES) return;
  int used = snprintf(messages[index], MESSAGE_SIZE, "%s: ", kind);
  vsnprintf(messages[index] + used, MESSAGE_SIZE - used, format, arguments);
}

void violation(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  record("violation", format, arguments);
  va_end(arguments);
}

void refused(const char *format, ...) {
  if (tolerate_refused) return;
  va_list arguments;
  va_start(arguments, format);
  record("refused", format, arguments);
  va_end(arguments);
}

/* Above 4 GiB, where a handle cut to 32 bits shows, and apart from each other. */
void verifier_start(void) {
  static const size_t sizes[KINDS] = {sizeof(struct buffer), sizeof(struct completion_queue),
                                      sizeof(struct request_queue)};
  static const size_t capacities[KINDS] = {1 << 20, 1 << 16, 1 << 16};
  InitializeCriticalSection(&lock);
  for (int kind = 0; kind < KINDS; kind++) {
    arenas[kind].size = (sizes[kind] + 15) & ~(size_t)15;
    arenas[kind].capacity = capacities[kind];
    size_t bytes = arenas[kind].size * capacities[kind];
    void *wanted = (void *)(0x123456000000ULL + ((uint64_t)kind << 32));
    arenas[kind].base = VirtualAlloc(wanted, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!arenas[kind].base) {
      arenas[kind].base = VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    }
    if (!arenas[kind].base) arenas[kind].capacity = 0;
  }
}

void *object_at(enum kind kind, uint32_t index) {
  return index < arenas[kind].count ? arenas[kind].base + index * arenas[kind].size : NULL;
}

void *object_new(enum kind kind) {
  if (arenas[kind].count == arenas[kind].capacity) return NULL;
  return object_at(kind, arenas[kind].count++);
}

void *object_of(enum kind kind, const void *handle) {
  size_t offset = (size_t)((const char *)handle - arenas[kind].base);
  if ((const char *)handle < arenas[kind].base || offset % arenas[kind].size) return NULL;
  return object_at(kind, (uint32_t)min(offset / arenas[kind].size, UINT32_MAX));
}

/* Each object is reported once, at the first end that finds it. */
void report_left(const char *when) {
  struct buffer *buffer;
  for (uint32_t i = 0; (buffer = object_at(KIND_BUFFER, i)); i++) {
    if (buffer->live == 1) {
      violation("buffer %u of %u bytes is still registered at %s, with %u slices in use",
                buffer->serial, buffer->length, when, buffer->in_use);
      buffer->live = 2;
      counters[COUNT_BUFFERS]--;
    }
  }
  struct completion_queue *cq;
  for (uint32_t i = 0; (cq = object_at(KIND_CQ, i)); i++) {
    if (cq->live == 1) {
      violation("completion queue %u is still open at %s", cq->serial, when);
      cq->live = 2;
      counters[COUNT_CQS]--;
    } else if (!cq->live && cq->handle) {
      /* The queue is closed, so its event or port had to be closed as well by now. */
      notification_check(cq, when);
      CloseHandle(cq->handle);
      cq->handle = NULL;
    }
  }
  if (tracked_count()) violation("%u sockets are still open at %s", tracked_count(), when);
}

void verifier_end(void) {
  if (GetEnvironmentVariableA("RIO_VERIFIER_IGNORE_EXIT", NULL, 0)) ignore_exit = 1;
  /* The other threads are gone by now, and one of them may have held the lock. */
  if (!ignore_exit && TryEnterCriticalSection(&lock)) {
    if (counters[COUNT_STARTUPS]) {
      violation("%u WSAStartup references are left at process exit",
                (unsigned)counters[COUNT_STARTUPS]);
    }
    report_left("process exit");
    UNLOCK();
  }
  if (!message_count) return;
  char path[512];
  HANDLE file = INVALID_HANDLE_VALUE;
  DWORD length = GetEnvironmentVariableA("RIO_VERIFIER_LOG", path, sizeof path), written;
  if (length && length < sizeof path) {
    file = CreateFileA(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                       OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  }
  /* run.ts prints the log, so the error output is for a process that has none. */
  if (file == INVALID_HANDLE_VALUE) file = GetStdHandle(STD_ERROR_HANDLE);
  for (LONG i = 0; i < min(message_count, MESSAGES); i++) {
    WriteFile(file, messages[i], (DWORD)strlen(messages[i]), &written, NULL);
    WriteFile(file, "\n", 1, &written, NULL);
  }
}

EXPORT(uint32_t, RioVerifierViolations)(void) { return (uint32_t)message_count; }

/* Copies message `index` as a terminated string and returns its length, 0 when there is none. */
EXPORT(uint32_t, RioVerifierMessage)(uint32_t index, char *out, uint32_t size) {
  if (index >= (uint32_t)min(message_count, MESSAGES) || !size) return 0;
  return (uint32_t)min((uint32_t)snprintf(out, size, "%s", messages[index]), size - 1);
}

/* Forgets all but the first `keep`, so that a test can take back what it did on purpose and nothing
 * else. */
EXPORT(void, RioVerifierForget)(uint32_t keep) {
  message_count = (LONG)min((uint32_t)message_count, keep);
}

/* A test of documented refusals makes wrong calls on purpose: nonzero lets them pass unrecorded. */
EXPORT(void, RioVerifierTolerateRefused)(uint32_t on) { tolerate_refused = (LONG)on; }

/* Nonzero: this process means to end with things left. A parent says it of a child with the
 * environment variable RIO_VERIFIER_IGNORE_EXIT. */
EXPORT(void, RioVerifierIgnoreExit)(uint32_t on) { ignore_exit = (LONG)on; }

/* The calls per function, then the counters; returns how many. */
EXPORT(uint32_t, RioVerifierCounters)(uint64_t *out, uint32_t size) {
  LOCK();
  counters[COUNT_SOCKETS] = tracked_count();
  for (uint32_t i = 0; i < size && i < FUNCTION_COUNT + COUNTER_COUNT; i++) {
    out[i] = i < FUNCTION_COUNT ? calls[i] : counters[i - FUNCTION_COUNT];
  }
  UNLOCK();
  return FUNCTION_COUNT + COUNTER_COUNT;
}
