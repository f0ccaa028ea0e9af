/**
 * The native calls of the Winsock backend and the ways in which they fail.
 *
 * Source: the Microsoft reference pages of the functions.
 *
 * @module
 */
import type { Call, Way } from "./faults.ts";

const NAMES: Readonly<Record<number, string>> = {
  6: "ERROR_INVALID_HANDLE",
  8: "ERROR_NOT_ENOUGH_MEMORY",
  258: "WAIT_TIMEOUT",
  735: "ERROR_ABANDONED_WAIT_0",
  997: "WSA_IO_PENDING",
  1450: "ERROR_NO_SYSTEM_RESOURCES",
  0xFFFFFFFF: "RIO_CORRUPT_CQ",
};

/** The failure is told with its number. */
function told(...errors: number[]): Way[] {
  return errors.map((errno) => ({
    name: NAMES[errno] ?? String(errno),
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
const NO_REASON: Way = { name: "no reason", errno: 0, code: [10107] };

/** A handle that does not fit a number is no handle. */
const TOO_GREAT: Way = {
  name: "a handle above 2^53",
  errno: 0,
  answer: 2 ** 60,
  code: [10014],
};

const POSTS = [
  ...told(10013, 10014, 10022, 10045, 10055),
  NO_REASON,
  // One of the ways to say that the request was accepted.
  ...done(997),
];

/** What can fail on Windows, and how. */
export const winsockCalls: Readonly<Record<string, Call>> = {
  WSAStartup: { named: ["WSAStartup"], ways: told(10091, 10092, 10067) },
  WSASocketW: {
    named: ["WSASocketW", "accept"],
    ways: [
      ...told(10013, 10022, 10024, 10050, 10055, 10106),
      NO_REASON,
      // Without IPv4 the functions are asked for with IPv6.
      ...absorbed(10047),
    ],
  },
  WSAIoctl: {
    // Two wishes of a UDP socket that a system may refuse.
    named: ["WSAIoctl", "WSASocketW", "connect", "accept"],
    ways: [
      ...absorbed(10045).map((way) => ({ ...way, code: [10045] })),
      // A socket whose functions cannot be verified is refused as unsupported.
      ...absorbed(10055).map((way) => ({ ...way, code: [10055, 10045] })),
    ],
  },
  bind: {
    named: ["bind", "connect"],
    ways: [...told(10013, 10022, 10048, 10049, 10050, 10055), NO_REASON],
  },
  listen: {
    named: ["listen"],
    ways: [...told(10024, 10048, 10050, 10055), NO_REASON],
  },
  connect: {
    named: ["connect"],
    ways: [...told(10049, 10050, 10051, 10055, 10065), NO_REASON],
  },
  ConnectEx: {
    named: ["connect"],
    ways: [...told(10048, 10049, 10050, 10051, 10055, 10060), NO_REASON],
  },
  AcceptEx: {
    named: ["accept"],
    ways: [...told(10022, 10054, 10055), NO_REASON],
  },
  WSAGetOverlappedResult: {
    named: ["connect", "accept"],
    ways: [...told(10050, 10051, 10060, 10065), NO_REASON],
  },
  getsockname: { named: ["getsockname"], ways: told(10050, 10055) },
  getpeername: { named: ["getpeername"], ways: told(10050, 10055) },
  setsockopt: {
    named: ["setsockopt", "connect", "accept"],
    ways: told(10042, 10055),
  },
  getsockopt: { named: ["getsockopt"], ways: told(10042, 10055) },
  shutdown: { named: ["shutdown"], ways: told(10050, 10057) },
  RIORegisterBuffer: {
    named: ["RIORegisterBuffer"],
    ways: [
      ...told(10014, 10022, 10055),
      ...told(10055).map((way) => ({ ...way, name: "NULL", answer: 0 })),
      NO_REASON,
      TOO_GREAT,
    ],
  },
  RIOCreateCompletionQueue: {
    named: ["RIOCreateCompletionQueue"],
    ways: [...told(10014, 10022, 10055), NO_REASON, TOO_GREAT],
  },
  RIOCreateRequestQueue: {
    named: ["RIOCreateRequestQueue"],
    ways: [...told(10022, 10038, 10045, 10055), NO_REASON, TOO_GREAT],
  },
  RIOResizeCompletionQueue: {
    named: ["RIOResizeCompletionQueue"],
    ways: told(10014, 10022, 10055, 10059),
  },
  RIOResizeRequestQueue: {
    named: ["RIOResizeRequestQueue"],
    ways: told(10014, 10022, 10055, 10059),
  },
  RIOReceive: { named: ["RIOReceive"], ways: POSTS },
  RIOReceiveEx: { named: ["RIOReceiveEx"], ways: POSTS },
  RIOSend: { named: ["RIOSend"], ways: POSTS },
  RIOSendEx: { named: ["RIOSendEx"], ways: POSTS },
  RIONotify: { named: ["RIONotify"], ways: told(10022, 10037) },
  RIODequeueCompletion: {
    named: ["RIODequeueCompletion"],
    ways: [
      // While closing there is nobody to tell; what is queued comes the next
      // time, which can be when the session is closed.
      ...absorbed(0xFFFFFFFF).map((way) => ({
        ...way,
        excuses: /to the session$/,
      })),
      SHORT,
    ],
  },
  CreateEventW: {
    named: ["CreateEventW"],
    ways: [...told(8, 1450), NO_REASON],
  },
  CreateIoCompletionPort: {
    named: ["CreateIoCompletionPort", "connect", "accept"],
    ways: [...told(8, 1450), NO_REASON],
  },
  // The reason stays on the thread that waited.
  GetQueuedCompletionStatusEx: {
    named: ["wait"],
    ways: [
      ...absorbed(6, 735).map((way) => ({ ...way, code: [10107] })),
      SHORT,
    ],
  },
  WaitForMultipleObjects: {
    named: ["wait"],
    ways: absorbed(6).map((way) => ({ ...way, code: [10107] })),
  },
  DrainQueuedCompletionStatusEx: {
    named: [],
    ways: [...absorbed(258, 735), SHORT],
  },
  PostQueuedCompletionStatus: { named: [], ways: absorbed(1450) },
  SetEvent: { named: [], ways: absorbed(6) },
  ResetEvent: { named: [], ways: absorbed(6) },
  WaitForSingleObject: { named: [], ways: absorbed(6) },
  DispCallFunc: {
    named: [],
    ways: [{ name: "E_INVALIDARG", errno: 87, absorbed: true }],
  },
  closesocket: {
    named: ["closesocket"],
    ways: [...absorbed(10004, 10035, 10036), ...done(10050)],
  },
  CloseHandle: { named: [], ways: done(6) },
  WSACleanup: { named: [], ways: done(10050) },
};
