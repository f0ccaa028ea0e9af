/* Registered memory: registrations, the slices requests name, and who may overlap whom. */
#include "provider.h"

/* Every accepted and not yet dequeued request. */
static struct request *in_flight;

int memory_usable(const void *at, size_t length, int writable) {
  const char *next = at, *end = next + length;
  if (!at || end < next) return 0;
  while (next < end) {
    MEMORY_BASIC_INFORMATION info;
    DWORD wanted = PAGE_READWRITE | PAGE_WRITECOPY;
    wanted |= PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    if (!writable) wanted |= PAGE_READONLY | PAGE_EXECUTE_READ;
    if (!VirtualQuery(next, &info, sizeof info) || info.State != MEM_COMMIT) return 0;
    if (!(info.Protect & wanted) || (info.Protect & PAGE_GUARD)) return 0;
    next = (char *)info.BaseAddress + info.RegionSize;
  }
  return 1;
}

/* FNV-1a over eight bytes at a time: it has to notice a change, not to resist an attacker. */
uint64_t memory_sum(const char *at, size_t length) {
  uint64_t sum = 0xcbf29ce484222325ULL, word;
  for (; length >= 8; at += 8, length -= 8) {
    memcpy(&word, at, 8);
    sum = (sum ^ word) * 0x100000001b3ULL;
  }
  for (; length; length--) sum = (sum ^ (uint8_t)*at++) * 0x100000001b3ULL;
  return sum;
}

RIO_BUFFERID WINAPI rio_register(PCHAR data, DWORD length) {
  DWORD error = fault(FN_RIORegisterBuffer);
  if (!error && !length) {
    refused("RIORegisterBuffer: the length is 0");
    error = WSAEINVAL;
  }
  if (!error && !memory_usable(data, length, 1)) {
    refused("RIORegisterBuffer: %p of %lu bytes is not writable memory", data, length);
    error = WSAEFAULT;
  }
  struct buffer *buffer = NULL;
  if (!error) {
    LOCK();
    buffer = object_new(KIND_BUFFER);
    if (buffer) {
      static uint32_t serial;
      *buffer = (struct buffer){.data = data, .length = length, .serial = ++serial, .live = 1};
      counters[COUNT_BUFFERS]++;
    } else {
      error = WSAENOBUFS;
    }
    UNLOCK();
  }
  if (error) WSASetLastError(error);
  return error ? RIO_INVALID_BUFFERID : (RIO_BUFFERID)buffer;
}

void WINAPI rio_deregister(RIO_BUFFERID id) {
  fault(FN_RIODeregisterBuffer);
  /* The one id that is documented to be ignored. */
  if (id == RIO_INVALID_BUFFERID) return;
  LOCK();
  struct buffer *buffer = object_of(KIND_BUFFER, id);
  if (!buffer) {
    refused("RIODeregisterBuffer: %p is no registration", id);
  } else if (!buffer->live) {
    refused("RIODeregisterBuffer: buffer %u is deregistered already", buffer->serial);
  } else {
    if (buffer->in_use) {
      violation("RIODeregisterBuffer: buffer %u is in use by %u slices", buffer->serial,
                buffer->in_use);
    }
    if (!memory_usable(buffer->data, buffer->length, 1)) {
      violation("RIODeregisterBuffer: the memory of buffer %u was freed before", buffer->serial);
    }
    buffer->live = 0;
    counters[COUNT_BUFFERS]--;
  }
  UNLOCK();
}

/* Turns a RIO_BUF into a slice; 0 with the error when the call must be refused. */
int slice_take(struct slice *slice, const RIO_BUF *buf, int output, enum function fn,
               DWORD *error) {
  const char *name = function_names[fn];
  if (!memory_usable(buf, sizeof *buf, 0)) {
    refused("%s: the RIO_BUF at %p is not readable", name, buf);
    return *error = WSAEFAULT, 0;
  }
  struct buffer *buffer = object_of(KIND_BUFFER, buf->BufferId);
  if (!buffer) {
    refused("%s: %p is no registration", name, buf->BufferId);
    return *error = WSAEFAULT, 0;
  }
  if (!buffer->live) {
    refused("%s: buffer %u is deregistered", name, buffer->serial);
    return *error = WSAEFAULT, 0;
  }
  if ((uint64_t)buf->Offset + buf->Length > buffer->length) {
    refused("%s: bytes %lu to %llu are outside buffer %u of %u bytes", name, buf->Offset,
            (unsigned long long)buf->Offset + buf->Length, buffer->serial, buffer->length);
    return *error = WSAEINVAL, 0;
  }
  *slice = (struct slice){buffer, buffer->data + buf->Offset, buf->Length, output, 0};
  return 1;
}

static void check_overlap(const struct request *a, const struct request *b, enum function fn) {
  for (int i = 0; i < SLICES; i++) {
    const struct slice *mine = &a->slices[i];
    if (!mine->buffer) continue;
    for (int k = a == b ? i + 1 : 0; k < SLICES; k++) {
      const struct slice *other = &b->slices[k];
      if (!other->buffer || !(mine->output || other->output)) continue;
      if (mine->at < other->at + other->length && other->at < mine->at + mine->length) {
        violation("%s: %u bytes at %p overlap %u bytes at %p that are in flight",
                  function_names[fn], mine->length, mine->at, other->length, other->at);
      }
    }
  }
}

void slices_hold(struct request *request, enum function fn) {
  if (!fault_instant) {
    check_overlap(request, request, fn);
    for (struct request *other = in_flight; other; other = other->flight_after) {
      check_overlap(request, other, fn);
    }
  }
  for (int i = 0; i < SLICES; i++) {
    if (request->slices[i].buffer) request->slices[i].buffer->in_use++;
  }
  request->flight_before = NULL;
  request->flight_after = in_flight;
  if (in_flight) in_flight->flight_before = request;
  in_flight = request;
  counters[COUNT_OUTSTANDING]++;
}

void slices_release(struct request *request) {
  for (int i = 0; i < SLICES; i++) {
    if (request->slices[i].buffer) request->slices[i].buffer->in_use--;
  }
  if (request->flight_before) request->flight_before->flight_after = request->flight_after;
  else in_flight = request->flight_after;
  if (request->flight_after) request->flight_after->flight_before = request->flight_before;
  counters[COUNT_OUTSTANDING]--;
}

/* Whether a slice may still be read or written; what the kernel would find out the hard way. */
int slice_intact(struct slice *slice, const char *when) {
  /* A deregistration in use was recorded when it happened. */
  if (slice->lost || !slice->buffer->live) return 0;
  if (memory_usable(slice->at, slice->length, slice->output)) return 1;
  violation("the memory of buffer %u became unusable %s", slice->buffer->serial, when);
  slice->lost = 1;
  return 0;
}
