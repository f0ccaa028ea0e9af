/**
 * The native functions of Windows that the Winsock backend calls, each with
 * its C prototype.
 *
 * Handles, sockets and addresses are `usize` and given as BigInt: that keeps a
 * call on Deno's FFI fast path. Nothing is opened at import.
 *
 * Source: the Microsoft reference pages of the functions named here.
 *
 * @module
 */
import { shorten } from "../arguments.ts";
import { awaitThreadEnd } from "./thread_end.ts";

/** What the backend needs of `ws2_32.dll`, or of the DLL in its place. */
export const WS2_32 = {
  // int WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData)
  WSAStartup: { parameters: ["u16", "buffer"], result: "i32" },
  // int WSACleanup(void)
  WSACleanup: { parameters: [], result: "i32" },
  // int WSAGetLastError(void)
  WSAGetLastError: { parameters: [], result: "i32" },
  // SOCKET WSASocketW(int af, int type, int protocol,
  //   LPWSAPROTOCOL_INFOW lpProtocolInfo, GROUP g, DWORD dwFlags)
  WSASocketW: {
    parameters: ["i32", "i32", "i32", "usize", "u32", "u32"],
    result: "usize",
  },
  // int closesocket(SOCKET s)
  closesocket: { parameters: ["usize"], result: "i32" },
  // int bind(SOCKET s, const sockaddr *name, int namelen)
  bind: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  // int connect(SOCKET s, const sockaddr *name, int namelen)
  connect: { parameters: ["usize", "buffer", "i32"], result: "i32" },
  // int listen(SOCKET s, int backlog)
  listen: { parameters: ["usize", "i32"], result: "i32" },
  // int shutdown(SOCKET s, int how)
  shutdown: { parameters: ["usize", "i32"], result: "i32" },
  // int getsockname(SOCKET s, sockaddr *name, int *namelen)
  getsockname: { parameters: ["usize", "buffer", "buffer"], result: "i32" },
  // int getpeername(SOCKET s, sockaddr *name, int *namelen)
  getpeername: { parameters: ["usize", "buffer", "buffer"], result: "i32" },
  // int setsockopt(SOCKET s, int level, int optname, const char *optval,
  //   int optlen)
  setsockopt: {
    parameters: ["usize", "i32", "i32", "buffer", "i32"],
    result: "i32",
  },
  // int getsockopt(SOCKET s, int level, int optname, char *optval, int *optlen)
  getsockopt: {
    parameters: ["usize", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  // int WSAIoctl(SOCKET s, DWORD dwIoControlCode, LPVOID lpvInBuffer,
  //   DWORD cbInBuffer, LPVOID lpvOutBuffer, DWORD cbOutBuffer,
  //   LPDWORD lpcbBytesReturned, LPWSAOVERLAPPED lpOverlapped,
  //   LPWSAOVERLAPPED_COMPLETION_ROUTINE lpCompletionRoutine)
  WSAIoctl: {
    parameters: [
      "usize",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "usize",
      "usize",
    ],
    result: "i32",
  },
  // BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED lpOverlapped,
  //   LPDWORD lpcbTransfer, BOOL fWait, LPDWORD lpdwFlags)
  WSAGetOverlappedResult: {
    parameters: ["usize", "usize", "buffer", "i32", "buffer"],
    result: "i32",
  },
} as const;

/** What the backend needs of `kernel32.dll`. */
export const KERNEL32 = {
  // UINT GetSystemDirectoryW(LPWSTR lpBuffer, UINT uSize)
  GetSystemDirectoryW: { parameters: ["buffer", "u32"], result: "u32" },
  // HMODULE GetModuleHandleW(LPCWSTR lpModuleName)
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" },
  // FARPROC GetProcAddress(HMODULE hModule, LPCSTR lpProcName)
  GetProcAddress: { parameters: ["usize", "buffer"], result: "usize" },
  // ULONGLONG VerSetConditionMask(ULONGLONG ConditionMask, DWORD TypeMask,
  //   BYTE Condition)
  VerSetConditionMask: { parameters: ["u64", "u32", "u8"], result: "u64" },
  // BOOL CloseHandle(HANDLE hObject)
  CloseHandle: { parameters: ["usize"], result: "i32" },
  // HANDLE CreateEventW(LPSECURITY_ATTRIBUTES lpEventAttributes,
  //   BOOL bManualReset, BOOL bInitialState, LPCWSTR lpName)
  CreateEventW: {
    parameters: ["usize", "i32", "i32", "usize"],
    result: "usize",
  },
  // BOOL SetEvent(HANDLE hEvent)
  SetEvent: { parameters: ["usize"], result: "i32" },
  // BOOL ResetEvent(HANDLE hEvent)
  ResetEvent: { parameters: ["usize"], result: "i32" },
  // DWORD WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds)
  WaitForSingleObject: { parameters: ["usize", "u32"], result: "u32" },
  // DWORD WaitForMultipleObjects(DWORD nCount, const HANDLE *lpHandles,
  //   BOOL bWaitAll, DWORD dwMilliseconds)
  WaitForMultipleObjects: {
    parameters: ["u32", "usize", "i32", "u32"],
    result: "u32",
    nonblocking: true,
  },
  // HANDLE CreateIoCompletionPort(HANDLE FileHandle,
  //   HANDLE ExistingCompletionPort, ULONG_PTR CompletionKey,
  //   DWORD NumberOfConcurrentThreads)
  CreateIoCompletionPort: {
    parameters: ["usize", "usize", "usize", "u32"],
    result: "usize",
  },
  // BOOL CancelIoEx(HANDLE hFile, LPOVERLAPPED lpOverlapped)
  CancelIoEx: { parameters: ["usize", "usize"], result: "i32" },
  // BOOL PostQueuedCompletionStatus(HANDLE CompletionPort,
  //   DWORD dwNumberOfBytesTransferred, ULONG_PTR dwCompletionKey,
  //   LPOVERLAPPED lpOverlapped)
  PostQueuedCompletionStatus: {
    parameters: ["usize", "u32", "usize", "usize"],
    result: "i32",
  },
  // BOOL GetQueuedCompletionStatusEx(HANDLE CompletionPort,
  //   LPOVERLAPPED_ENTRY lpCompletionPortEntries, ULONG ulCount,
  //   PULONG ulNumEntriesRemoved, DWORD dwMilliseconds, BOOL fAlertable)
  GetQueuedCompletionStatusEx: {
    parameters: ["usize", "usize", "u32", "usize", "u32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // The same on the calling thread, for what is left when the last backend
  // closes.
  DrainQueuedCompletionStatusEx: {
    name: "GetQueuedCompletionStatusEx",
    parameters: ["usize", "usize", "u32", "usize", "u32", "i32"],
    result: "i32",
  },
} as const;

/** What the backend needs of `oleaut32.dll`. */
export const OLEAUT32 = {
  // HRESULT DispCallFunc(void *pvInstance, ULONG_PTR oVft, CALLCONV cc,
  //   VARTYPE vtReturn, UINT cActuals, VARTYPE *prgvt, VARIANTARG **prgpvarg,
  //   VARIANT *pvargResult)
  DispCallFunc: {
    parameters: [
      "usize",
      "usize",
      "u32",
      "u16",
      "u32",
      "usize",
      "usize",
      "usize",
    ],
    result: "i32",
  },
} as const;

/** `DispCallFunc`, which calls any native function pointer. */
export type DispCallFunc = Deno.StaticForeignLibraryInterface<
  typeof OLEAUT32
>["DispCallFunc"];

/** The native functions, callable. */
export interface WinsockSymbols
  extends
    Deno.StaticForeignLibraryInterface<typeof WS2_32>,
    Deno.StaticForeignLibraryInterface<typeof KERNEL32> {
  /** `null` where Windows comes without OLE Automation. */
  readonly DispCallFunc: DispCallFunc | null;
}

/** `MAX_PATH`, in characters: what is longer is not shown whole. */
const LONGEST_PATH = 260;

/** Which DLL to open. */
export interface LibraryOptions {
  /**
   * Path of a DLL that exports what `ws2_32.dll` exports.
   *
   * @default {"ws2_32.dll in the system directory"}
   */
  library?: string;
}

/**
 * Libraries stay open for the life of the process: native pointers lead into
 * them, and V8 keeps a call fast only while its target stays the same function.
 */
const opened = new Map<string, WinsockSymbols>();
let kernel32: Deno.StaticForeignLibraryInterface<typeof KERNEL32> | undefined;

/**
 * Opens the native functions, once per thread and DLL.
 *
 * @param options Which DLL to open in place of `ws2_32.dll`.
 * @returns The functions, the same object each time: by it backends share.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {Deno.errors.NotSupported} If a DLL or a function is missing.
 */
export function openLibrary(options: LibraryOptions = {}): WinsockSymbols {
  const { library = "" } = options;
  const known = opened.get(library);
  if (known) return known;
  // Always loaded already, so the bare name cannot mean another file.
  kernel32 ??= load("kernel32.dll", KERNEL32);
  const system = systemDirectory(kernel32);
  const path = library || `${system}\\ws2_32.dll`;
  const ws2_32 = load(path, WS2_32);
  let dispCallFunc: DispCallFunc | null = null;
  try {
    dispCallFunc = load(`${system}\\oleaut32.dll`, OLEAUT32).DispCallFunc;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotSupported)) throw cause;
  }
  const symbols = { ...ws2_32, ...kernel32, DispCallFunc: dispCallFunc };
  awaitThreadEnd(symbols, path);
  opened.set(library, symbols);
  return symbols;
}

function load<const S extends Deno.ForeignLibraryInterface>(
  path: string,
  symbols: S,
): Deno.StaticForeignLibraryInterface<S> {
  try {
    return Deno.dlopen(path, symbols).symbols;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new Deno.errors.NotSupported(
      `Cannot open ${shorten(path, LONGEST_PATH)} through FFI`,
      { cause },
    );
  }
}

function systemDirectory(
  kernel32: Deno.StaticForeignLibraryInterface<typeof KERNEL32>,
): string {
  const text = new Uint16Array(261);
  const length = kernel32.GetSystemDirectoryW(text, text.length);
  if (length === 0 || length > text.length) {
    // Without it, a DLL of the same name elsewhere could be found.
    throw new Deno.errors.NotSupported(
      `Cannot find the system directory: GetSystemDirectoryW returned ${length}`,
    );
  }
  return String.fromCharCode(...text.subarray(0, length));
}
