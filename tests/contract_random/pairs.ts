/** Each verb, and the states of what it can be used on. @module */

const SOCKET = ["idle", "busy", "deferred", "full"] as const;
const QUEUE = ["unused", "used", "full", "armed"] as const;
const REGISTRATION = ["idle", "in use", "ended"] as const;

/** All pairs on which the pages say what happens. */
export const PAIRS = {
  "register": ["0 registrations", "1 registrations", "2 registrations"],
  "deregister": ["idle", "ended"],
  "create queue": ["of no size", "of a size"],
  "resize queue": QUEUE,
  "close queue": ["unused", "armed", "closed"],
  "notify": [...QUEUE, "closed"],
  "dequeue": QUEUE,
  "open": ["a socket"],
  "create request queue": QUEUE,
  "resize request queue": SOCKET,
  "close": ["without queue", ...SOCKET],
  "receive": SOCKET,
  "receive with a buffer": REGISTRATION,
  "send": SOCKET,
  "send with a buffer": REGISTRATION,
  "commit receives": SOCKET,
  "commit sends": SOCKET,
} as const;
