/* Functions with the parameters of three that matter, which do nothing: what a call of one costs is
 * what the call costs. Each returns its count, so that a call that goes wrong is seen. */
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
