/* The DLL itself: how it starts and ends, and the WSAStartup references it has given out. */
#include "provider.h"

OVERRIDE(int, WSAStartup)(WORD version, WSADATA *data) {
  DWORD error = fault(FN_WSAStartup);
  if (error) return (int)error;
  int result = WSAStartup(version, data);
  if (!result) InterlockedIncrement64((volatile LONG64 *)&counters[COUNT_STARTUPS]);
  return result;
}

OVERRIDE(int, WSACleanup)(void) {
  DWORD error = fault(FN_WSACleanup);
  if (error) {
    WSASetLastError(error);
    return SOCKET_ERROR;
  }
  LOCK();
  if (!counters[COUNT_STARTUPS]) {
    violation("WSACleanup: there is no WSAStartup reference left");
  } else if (--counters[COUNT_STARTUPS] == 0) {
    report_left("the last WSACleanup");
    close_left();
  }
  UNLOCK();
  return WSACleanup();
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved) {
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) {
    HMODULE self;
    /* Threads of the provider outlive a FreeLibrary, so the module stays loaded. */
    GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                       (LPCSTR)(void *)DllMain, &self);
    DisableThreadLibraryCalls(module);
    verifier_start();
  } else if (reason == DLL_PROCESS_DETACH) {
    verifier_end();
  }
  return TRUE;
}
