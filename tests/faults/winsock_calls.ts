/**
 * The native calls of the Winsock backend and the ways in which they fail.
 *
 * Source: the Microsoft reference pages of the functions.
 *
 * @module
 */
import { RIO_CORRUPT_CQ, WAIT_TIMEOUT } from "../../ffi/constants.ts";
import * as wsa from "../../ffi/error_numbers.ts";
import { errorName } from "../../ffi/errors.ts";
import type { Call, Way } from "./faults.ts";

/** The failure is told with its number. */
function told(...errors: number[]): Way[] {
  return errors.map((errno) => ({
    name: errno === WAIT_TIMEOUT ? "WAIT_TIMEOUT" : errorName(errno),
    errno,
  }));
}

/** Tried again, or of no consequence. */
function absorbed(...errors: number[]): Way[] {
  return told(...errors).map((way) => ({ ...way, absorbed: true }));
}

/** Done all the same, though the answer says that it failed. */
function done(...errors: number[]): Way[] {
  return told(...errors).map((way) => ({
    ...way,
    name: `${way.name} when it was done`,
    accept: true,
  }));
}

const SHORT: Way = { name: "a short count", errno: 0, short: true };

/** A call fails and leaves no number: that is `WSASYSCALLFAILURE`. */
const NO_REASON: Way = {
  name: "no reason",
  errno: 0,
  code: [wsa.WSASYSCALLFAILURE],
};

/** A handle that does not fit a number is no handle. */
const TOO_GREAT: Way = {
  name: "a handle above 2^53",
  errno: 0,
  answer: 2 ** 60,
  code: [wsa.WSAEFAULT],
};

/** `ERROR_OLD_WIN_VERSION`: what the runtime left, not the call. */
const LOST = 1150;

const POSTS = [
  ...told(
    wsa.WSAEACCES,
    wsa.WSAEFAULT,
    wsa.WSAEINVAL,
    wsa.WSAEOPNOTSUPP,
    wsa.WSAENOBUFS,
  ),
  NO_REASON,
  // One of the ways to say that the request was accepted.
  ...done(wsa.WSA_IO_PENDING),
];

/** What can fail on Windows, and how. */
export const winsockCalls: Readonly<Record<string, Call>> = {
  WSAStartup: {
    named: ["WSAStartup"],
    ways: told(wsa.WSASYSNOTREADY, wsa.WSAVERNOTSUPPORTED, wsa.WSAEPROCLIM),
  },
  WSASocketW: {
    named: ["WSASocketW", "accept"],
    ways: [
      ...told(
        wsa.WSAEACCES,
        wsa.WSAEINVAL,
        wsa.WSAEMFILE,
        wsa.WSAENETDOWN,
        wsa.WSAENOBUFS,
        wsa.WSAEPROVIDERFAILEDINIT,
      ),
      NO_REASON,
      // Without IPv4 the functions are asked for with IPv6.
      ...absorbed(wsa.WSAEAFNOSUPPORT),
    ],
  },
  WSAIoctl: {
    // Two wishes of a UDP socket that a system may refuse.
    named: ["WSAIoctl", "WSASocketW", "connect", "accept"],
    ways: [
      ...absorbed(wsa.WSAEOPNOTSUPP).map((way) => ({
        ...way,
        code: [wsa.WSAEOPNOTSUPP],
      })),
      // A socket whose functions cannot be verified is refused as unsupported.
      ...absorbed(wsa.WSAENOBUFS).map((way) => ({
        ...way,
        code: [wsa.WSAENOBUFS, wsa.WSAEOPNOTSUPP],
      })),
    ],
  },
  bind: {
    named: ["bind", "connect"],
    ways: [
      ...told(
        wsa.WSAEACCES,
        wsa.WSAEINVAL,
        wsa.WSAEADDRINUSE,
        wsa.WSAEADDRNOTAVAIL,
        wsa.WSAENETDOWN,
        wsa.WSAENOBUFS,
      ),
      NO_REASON,
    ],
  },
  listen: {
    named: ["listen"],
    ways: [
      ...told(
        wsa.WSAEMFILE,
        wsa.WSAEADDRINUSE,
        wsa.WSAENETDOWN,
        wsa.WSAENOBUFS,
      ),
      NO_REASON,
    ],
  },
  connect: {
    named: ["connect"],
    ways: [
      ...told(
        wsa.WSAEADDRNOTAVAIL,
        wsa.WSAENETDOWN,
        wsa.WSAENETUNREACH,
        wsa.WSAENOBUFS,
        wsa.WSAEHOSTUNREACH,
      ),
      NO_REASON,
    ],
  },
  ConnectEx: {
    named: ["connect"],
    ways: [
      ...told(
        wsa.WSAEADDRINUSE,
        wsa.WSAEADDRNOTAVAIL,
        wsa.WSAENETDOWN,
        wsa.WSAENETUNREACH,
        wsa.WSAENOBUFS,
        wsa.WSAETIMEDOUT,
      ),
      NO_REASON,
      // Its number was lost: it is cancelled, and ends as what was.
      ...done(LOST)
        .map((way) => ({ ...way, code: [wsa.WSA_OPERATION_ABORTED] })),
    ],
  },
  AcceptEx: {
    named: ["accept"],
    ways: [
      ...told(wsa.WSAEINVAL, wsa.WSAECONNRESET, wsa.WSAENOBUFS),
      NO_REASON,
      // Its number was lost: it is cancelled, and begun anew.
      ...done(LOST),
    ],
  },
  CancelIoEx: { named: [], ways: absorbed(wsa.ERROR_NOT_FOUND) },
  WSAGetOverlappedResult: {
    named: ["connect", "accept"],
    ways: [
      ...told(
        wsa.WSAENETDOWN,
        wsa.WSAENETUNREACH,
        wsa.WSAETIMEDOUT,
        wsa.WSAEHOSTUNREACH,
      ),
      // Asked again.
      { ...NO_REASON, absorbed: true },
    ],
  },
  getsockname: {
    named: ["getsockname"],
    ways: told(wsa.WSAENETDOWN, wsa.WSAENOBUFS),
  },
  getpeername: {
    named: ["getpeername"],
    ways: told(wsa.WSAENETDOWN, wsa.WSAENOBUFS),
  },
  setsockopt: {
    named: ["setsockopt", "connect", "accept"],
    ways: told(wsa.WSAENOPROTOOPT, wsa.WSAENOBUFS),
  },
  getsockopt: {
    named: ["getsockopt"],
    ways: told(wsa.WSAENOPROTOOPT, wsa.WSAENOBUFS),
  },
  shutdown: {
    named: ["shutdown"],
    ways: told(wsa.WSAENETDOWN, wsa.WSAENOTCONN),
  },
  RIORegisterBuffer: {
    named: ["RIORegisterBuffer"],
    ways: [
      ...told(wsa.WSAEFAULT, wsa.WSAEINVAL, wsa.WSAENOBUFS),
      ...told(wsa.WSAENOBUFS).map((way) => ({
        ...way,
        name: "NULL",
        answer: 0,
      })),
      NO_REASON,
      TOO_GREAT,
    ],
  },
  RIOCreateCompletionQueue: {
    named: ["RIOCreateCompletionQueue"],
    ways: [
      ...told(wsa.WSAEFAULT, wsa.WSAEINVAL, wsa.WSAENOBUFS),
      NO_REASON,
      TOO_GREAT,
    ],
  },
  RIOCreateRequestQueue: {
    named: ["RIOCreateRequestQueue"],
    ways: [
      ...told(
        wsa.WSAEINVAL,
        wsa.WSAENOTSOCK,
        wsa.WSAEOPNOTSUPP,
      ),
      // Tried again where a socket was closed just before.
      ...absorbed(wsa.WSAENOBUFS),
      NO_REASON,
      TOO_GREAT,
    ],
  },
  RIOResizeCompletionQueue: {
    named: ["RIOResizeCompletionQueue"],
    ways: [
      ...told(wsa.WSAEFAULT, wsa.WSAEINVAL, wsa.WSAENOBUFS),
      ...absorbed(wsa.WSAETOOMANYREFS),
    ],
  },
  RIOResizeRequestQueue: {
    named: ["RIOResizeRequestQueue"],
    ways: [
      ...told(wsa.WSAEFAULT, wsa.WSAEINVAL, wsa.WSAETOOMANYREFS),
      ...absorbed(wsa.WSAENOBUFS),
    ],
  },
  RIOReceive: { named: ["RIOReceive"], ways: POSTS },
  RIOReceiveEx: { named: ["RIOReceiveEx"], ways: POSTS },
  RIOSend: { named: ["RIOSend"], ways: POSTS },
  RIOSendEx: { named: ["RIOSendEx"], ways: POSTS },
  RIONotify: {
    named: ["RIONotify"],
    ways: told(wsa.WSAEINVAL, wsa.WSAEALREADY),
  },
  RIODequeueCompletion: {
    named: ["RIODequeueCompletion"],
    ways: [
      // While closing there is nobody to tell; what is queued comes the next
      // time, which can be when the session is closed.
      ...absorbed(RIO_CORRUPT_CQ).map((way) => ({
        ...way,
        excuses: /to the session$/,
      })),
      SHORT,
    ],
  },
  CreateEventW: {
    named: ["CreateEventW"],
    ways: [
      ...told(wsa.WSA_NOT_ENOUGH_MEMORY, wsa.ERROR_NO_SYSTEM_RESOURCES),
      NO_REASON,
    ],
  },
  CreateIoCompletionPort: {
    named: ["CreateIoCompletionPort", "connect", "accept"],
    ways: [
      ...told(wsa.WSA_NOT_ENOUGH_MEMORY, wsa.ERROR_NO_SYSTEM_RESOURCES),
      NO_REASON,
    ],
  },
  // The reason stays on the thread that waited.
  GetQueuedCompletionStatusEx: {
    named: ["wait"],
    ways: [
      ...absorbed(wsa.WSA_INVALID_HANDLE, wsa.ERROR_ABANDONED_WAIT_0).map((
        way,
      ) => ({ ...way, code: [wsa.WSASYSCALLFAILURE] })),
      SHORT,
    ],
  },
  WaitForMultipleObjects: {
    named: ["wait"],
    ways: absorbed(wsa.WSA_INVALID_HANDLE).map((way) => ({
      ...way,
      code: [wsa.WSASYSCALLFAILURE],
    })),
  },
  DrainQueuedCompletionStatusEx: {
    named: [],
    ways: [...absorbed(WAIT_TIMEOUT, wsa.ERROR_ABANDONED_WAIT_0), SHORT],
  },
  PostQueuedCompletionStatus: {
    named: [],
    ways: absorbed(wsa.ERROR_NO_SYSTEM_RESOURCES),
  },
  SetEvent: { named: [], ways: absorbed(wsa.WSA_INVALID_HANDLE) },
  ResetEvent: { named: [], ways: absorbed(wsa.WSA_INVALID_HANDLE) },
  WaitForSingleObject: { named: [], ways: absorbed(wsa.WSA_INVALID_HANDLE) },
  // What cannot be proven to work is not used.
  GetModuleHandleW: {
    named: [],
    ways: absorbed(wsa.ERROR_NO_SYSTEM_RESOURCES),
  },
  GetProcAddress: { named: [], ways: absorbed(wsa.ERROR_NO_SYSTEM_RESOURCES) },
  VerSetConditionMask: { named: [], ways: absorbed(0) },
  DispCallFunc: {
    named: ["DispCallFunc"],
    // The first calls prove that it works; from then on nobody knows whether it
    // has called, so what cannot be released is left.
    ways: [{
      name: "E_INVALIDARG",
      errno: 87,
      absorbed: true,
      excuses: /left|is open|close\(\) threw|registered|outstanding|in use/,
    }],
  },
  closesocket: {
    named: ["closesocket"],
    ways: [
      ...absorbed(wsa.WSAEINTR, wsa.WSAEWOULDBLOCK, wsa.WSAEINPROGRESS),
      ...done(wsa.WSAENETDOWN),
    ],
  },
  CloseHandle: { named: [], ways: done(wsa.WSA_INVALID_HANDLE) },
  WSACleanup: { named: [], ways: done(wsa.WSAENETDOWN) },
};
