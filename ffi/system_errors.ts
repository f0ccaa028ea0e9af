/**
 * Errors as the system itself numbers, names and words them: what programs for
 * Deno and Node look for in an error.
 *
 * @module
 */
import { RIO_CORRUPT_CQ } from "./constants.ts";
import { ERROR_NAMES } from "./error_names.ts";
import * as winsock from "./error_numbers.ts";
import { openLibc } from "./libc.ts";
import { errnoName, kernelError, OWN } from "./linux/errno.ts";

const WINDOWS = Deno.build.os === "windows";

/** Where Win32 has a number of its own for what sockets tell by another. */
const SOCKET_NUMBERS: ReadonlyMap<number, number> = new Map([
  [winsock.ERROR_ACCESS_DENIED, winsock.WSAEACCES],
  [winsock.WSA_INVALID_HANDLE, winsock.WSAENOTSOCK],
  [winsock.WSA_NOT_ENOUGH_MEMORY, winsock.WSAENOBUFS],
  [winsock.ERROR_NOT_SUPPORTED, winsock.WSAEOPNOTSUPP],
  [winsock.ERROR_NETNAME_DELETED, winsock.WSAECONNRESET],
  [winsock.WSA_INVALID_PARAMETER, winsock.WSAEINVAL],
  [winsock.ERROR_SEM_TIMEOUT, winsock.WSAETIMEDOUT],
  [winsock.ERROR_MORE_DATA, winsock.WSAEMSGSIZE],
  [winsock.ERROR_NOACCESS, winsock.WSAEFAULT],
  [winsock.ERROR_CONNECTION_REFUSED, winsock.WSAECONNREFUSED],
  [winsock.ERROR_NETWORK_UNREACHABLE, winsock.WSAENETUNREACH],
  [winsock.ERROR_HOST_UNREACHABLE, winsock.WSAEHOSTUNREACH],
  [winsock.ERROR_PROTOCOL_UNREACHABLE, winsock.WSAECONNRESET],
  [winsock.ERROR_PORT_UNREACHABLE, winsock.WSAECONNRESET],
  [winsock.ERROR_CONNECTION_ABORTED, winsock.WSAECONNABORTED],
  [winsock.ERROR_NO_SYSTEM_RESOURCES, winsock.WSAENOBUFS],
  [winsock.ERROR_WORKING_SET_QUOTA, winsock.WSAENOBUFS],
  [winsock.ERROR_NOT_ENOUGH_QUOTA, winsock.WSAENOBUFS],
]);

/** The names that libuv, and with it Node and Deno, give on Windows. */
const RENAMED: ReadonlyMap<number, string> = new Map([
  [winsock.WSAEWOULDBLOCK, "EAGAIN"],
  [winsock.WSAEINTR, "ECANCELED"],
  [winsock.WSA_OPERATION_ABORTED, "ECANCELED"],
  [winsock.WSAESHUTDOWN, "EPIPE"],
]);

/** Whether a number tells one of the system's own, beside or without Winsock's. */
function hasOwn(number: number): boolean {
  return number >= OWN && number !== RIO_CORRUPT_CQ;
}

/**
 * The number of Winsock in an error number of a backend.
 *
 * @returns It, or the number as it is where Winsock has none.
 */
export function winsockNumber(number: number): number {
  return hasOwn(number) ? number % OWN || number : number;
}

/** The number and name by which a `RioError` goes. */
export function nameError(number: number): { errno: number; code: string } {
  const errno = winsockNumber(number);
  return hasOwn(errno)
    ? { errno: kernelError(errno), code: errnoName(kernelError(errno)) }
    : { errno, code: ERROR_NAMES.get(errno) ?? `ERROR_${errno}` };
}

/**
 * The kernel's number and name in an error number of a backend, in brackets;
 * empty where they say no more than Winsock's.
 */
export function ownName(number: number): string {
  if (!hasOwn(number) || number % OWN === 0) return "";
  const errno = kernelError(number);
  return ` for ${errnoName(errno)} (${errno})`;
}

/** An error number as the system tells it. */
export interface SystemError {
  /** The number: `errno` on Linux, that of Winsock on Windows; 0 for none. */
  readonly errno: number;
  /** Its name without the prefix of Winsock; absent where it has none. */
  readonly code: string | undefined;
}

/** The system's own number and name for an error number of a backend. */
export function systemError(number: number): SystemError {
  const socket = SOCKET_NUMBERS.get(number) ?? number;
  if (!WINDOWS) {
    const errno = socket === RIO_CORRUPT_CQ ? 0 : kernelError(socket);
    return { errno, code: errno === 0 ? undefined : errnoName(errno) };
  }
  const name = ERROR_NAMES.get(socket) ?? "";
  const code = RENAMED.get(socket) ??
    (name.startsWith("WSAE") ? name.slice(3) : undefined);
  return { errno: socket, code };
}

/** Words that were asked for; the system has the same for a number each time. */
const words: Map<number, string> = new Map();

/**
 * The system's words for its error number, as Deno's errors have them.
 *
 * @returns The words; empty where they cannot be asked for any more.
 */
export function systemWords(errno: number): string {
  let text = words.get(errno);
  if (text === undefined) {
    text = ask(errno);
    words.set(errno, text);
  }
  return text;
}

function ask(errno: number): string {
  // Whoever has given the permission back is not to be asked for it.
  const { state } = Deno.permissions.querySync({ name: "ffi" });
  if (state !== "granted") return "";
  try {
    return WINDOWS ? formatMessage(errno) : errorText(errno);
  } catch {
    return "";
  }
}

/** Characters of the longest text. */
const LONGEST = 2048;

function errorText(errno: number): string {
  // int __xpg_strerror_r(int errnum, char *buf, size_t buflen)
  const strerror = {
    name: "__xpg_strerror_r",
    parameters: ["i32", "buffer", "usize"],
    result: "i32",
  } as const;
  const libc = openLibc({ strerror });
  const text = new Uint8Array(LONGEST);
  libc.symbols.strerror(errno, text, BigInt(text.length));
  libc.close();
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
}

/** `FORMAT_MESSAGE_FROM_SYSTEM` and `FORMAT_MESSAGE_IGNORE_INSERTS`. */
const FROM_SYSTEM = 0x1000 | 0x200;
/** `LANG_SYSTEM_DEFAULT`, as the standard library of Rust asks for it. */
const LANGUAGE = 0x0800;

function formatMessage(errno: number): string {
  // DWORD FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId,
  //   DWORD dwLanguageId, LPWSTR lpBuffer, DWORD nSize, va_list *Arguments)
  const FormatMessageW = {
    parameters: ["u32", "usize", "u32", "u32", "buffer", "u32", "usize"],
    result: "u32",
  } as const;
  // DWORD GetLastError(void)
  const GetLastError = { parameters: [], result: "u32" } as const;
  const functions = { FormatMessageW, GetLastError };
  const kernel32 = Deno.dlopen("kernel32.dll", functions);
  const text = new Uint16Array(LONGEST);
  const length = kernel32.symbols.FormatMessageW(
    FROM_SYSTEM,
    0n,
    errno,
    LANGUAGE,
    text,
    text.length,
    0n,
  );
  const failure = kernel32.symbols.GetLastError();
  kernel32.close();
  if (length === 0) {
    // The standard library of Rust says so, and with it Deno.
    return `OS Error ${errno} (FormatMessageW() returned error ${failure})`;
  }
  return String.fromCharCode(...text.subarray(0, length)).trimEnd();
}
