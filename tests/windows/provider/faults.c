/* Faults on request: the nth call of a function fails, completions are late, a queue is damaged. */
#include "provider.h"
#include <string.h>

#define ALWAYS 0xFFFFFFFF
#define AS_NAME(name) #name,
const char *const function_names[FUNCTION_COUNT] = {FUNCTIONS(AS_NAME)};

static struct {
  volatile LONG calls_left;
  DWORD error;
} faults[FUNCTION_COUNT];

volatile LONG fault_instant;
static volatile LONG delay, dwell;

DWORD fault(enum function fn) {
  InterlockedIncrement64((volatile LONG64 *)&calls[fn]);
  LONG left = faults[fn].calls_left;
  if (left == 0) return 0;
  if ((DWORD)left == ALWAYS) return faults[fn].error;
  return InterlockedDecrement(&faults[fn].calls_left) == 0 ? faults[fn].error : 0;
}

/* In steps, so that a shorter delay set meanwhile releases what is held. */
void fault_hold_completion(void) {
  for (LONG waited = 0; (ULONG)waited < (ULONG)delay; waited++) Sleep(1);
}

void fault_dwell(void) {
  if (dwell) Sleep(dwell);
}

/* Where a function is in the counters and for RioFaultFail; 0xFFFFFFFF for an unknown name. */
EXPORT(uint32_t, RioFaultFunction)(const char *name) {
  for (uint32_t i = 0; i < FUNCTION_COUNT; i++) {
    if (!strcmp(name, function_names[i])) return i;
  }
  return ALWAYS;
}

/* Call number `nth` from now fails with `error`: 1 is the next one, 0xFFFFFFFF is every one, 0 ends
 * it. RIODequeueCompletion then reports RIO_CORRUPT_CQ and its queue stays damaged; the two
 * functions that return nothing can't fail. */
EXPORT(BOOL, RioFaultFail)(uint32_t index, uint32_t nth, uint32_t error) {
  if (index >= FUNCTION_COUNT) return FALSE;
  faults[index].error = error;
  faults[index].calls_left = (LONG)nth;
  return TRUE;
}

/* Dequeue number `nth` from now finds its queue damaged, and so does every later one of it. */
EXPORT(void, RioFaultCorruptCq)(uint32_t nth) {
  faults[FN_RIODequeueCompletion].error = WSAEFAULT;
  faults[FN_RIODequeueCompletion].calls_left = (LONG)nth;
}

/* Completions are queued this many milliseconds late; 0xFFFFFFFF holds them until it is lowered. */
EXPORT(void, RioFaultDelay)(uint32_t milliseconds) { delay = (LONG)milliseconds; }

/* Each call on a queue stays inside this long, so that two threads are sure to meet. */
EXPORT(void, RioFaultDwell)(uint32_t milliseconds) { dwell = (LONG)milliseconds; }

/* Nonzero: requests complete inside the call that posts them, with no socket involved. */
EXPORT(void, RioFaultInstant)(uint32_t on) { fault_instant = (LONG)on; }

/* Ends every fault. */
EXPORT(void, RioFaultReset)(void) {
  for (int i = 0; i < FUNCTION_COUNT; i++) faults[i].calls_left = 0;
  delay = dwell = fault_instant = 0;
}
