/**
 * The system calls of the Linux backend, and the ways in which they fail.
 *
 * Source: the manual pages of the calls.
 *
 * @module
 */
import { winsockError } from "../../ffi/linux/errno.ts";
import * as ERRNO from "../../ffi/linux/errno_numbers.ts";
import { nameError } from "../../ffi/system_errors.ts";
import type { Call, Way } from "./faults.ts";

type Name = keyof typeof ERRNO;

/** The request fails with the Winsock number, and tells it. */
function told(...names: Name[]): Way[] {
  return names.map((name) => ({
    name,
    errno: ERRNO[name],
    code: [nameError(winsockError(ERRNO[name])).errno],
  }));
}

/** Tried again, or of no consequence. */
function absorbed(...names: Name[]): Way[] {
  return told(...names).map((way) => ({ ...way, absorbed: true }));
}

/** What may be an earlier datagram's error, if it comes once. */
const REPORTS = [
  "EMSGSIZE",
  "ECONNREFUSED",
  "ENOPROTOOPT",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENONET",
  "EACCES",
  "EOPNOTSUPP",
  "EPROTO",
] as const;
const SHORT: Way = { name: "a short count", errno: 0, short: true };
const SENDS = ["RIOSend", "RIOSendEx"];
const RECEIVES = ["RIOReceive", "RIOReceiveEx"];

/** What can fail on Linux, and how. */
export const linuxCalls: Readonly<Record<string, Call>> = {
  epoll_create1: { named: [], ways: told("EMFILE", "ENFILE", "ENOMEM") },
  eventfd: { named: [], ways: told("EMFILE", "ENFILE", "ENOMEM", "ENODEV") },
  socket: {
    named: ["WSASocketW"],
    ways: told(
      "EMFILE",
      "ENFILE",
      "ENOBUFS",
      "ENOMEM",
      "EACCES",
      "EAFNOSUPPORT",
      "EPROTONOSUPPORT",
    ),
  },
  bind: {
    named: ["bind"],
    ways: told("EADDRINUSE", "EADDRNOTAVAIL", "EACCES", "ENOMEM", "EINVAL"),
  },
  listen: { named: ["listen"], ways: told("EADDRINUSE", "EOPNOTSUPP") },
  connect: {
    named: ["connect"],
    ways: [
      ...told("ENETUNREACH", "EADDRNOTAVAIL", "ETIMEDOUT", "EACCES", "EAGAIN"),
      ...told("EPERM", "EADDRINUSE", "EHOSTUNREACH"),
      ...told("ECONNREFUSED").map((way) => ({ ...way, absorbed: true })),
      // The connection goes on and is told as readiness.
      { ...absorbed("EINTR")[0]!, accept: true },
    ],
  },
  accept4: {
    named: ["accept"],
    ways: [
      ...told("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EPERM"),
      ...absorbed("EINTR", "ECONNABORTED", "EPROTO", "EAGAIN"),
      // Errors of a connection that was there already, says accept(2).
      ...absorbed("ENETDOWN", "ENOPROTOOPT", "EHOSTDOWN", "ENONET"),
      ...absorbed("EHOSTUNREACH", "EOPNOTSUPP", "ENETUNREACH"),
    ],
  },
  shutdown: { named: ["shutdown"], ways: told("ENOTCONN", "ENOBUFS") },
  // A receive that asked for its local address goes without.
  getsockname: { named: ["getsockname"], ways: absorbed("ENOBUFS") },
  getpeername: { named: ["getpeername", "connect"], ways: told("ENOBUFS") },
  // Opening sets two defaults that a later option can overrule.
  setsockopt: {
    named: ["setsockopt"],
    ways: absorbed("ENOPROTOOPT", "ENOMEM", "EINVAL"),
  },
  getsockopt: {
    named: ["getsockopt", "connect"],
    ways: absorbed("ENOPROTOOPT", "ENOMEM"),
  },
  recvmmsg: {
    named: RECEIVES,
    ways: [
      ...told("ENOMEM"),
      // No EAGAIN: the kernel has not taken back that there is something, and
      // with EPOLLET it tells that once.
      ...absorbed("EINTR", ...REPORTS),
      SHORT,
    ],
  },
  sendmmsg: {
    named: SENDS,
    ways: [
      ...told("ENOBUFS", "ENOMEM", "EPERM", "EINVAL"),
      ...absorbed("EINTR", "EAGAIN", ...REPORTS),
      SHORT,
    ],
  },
  recvmsg: {
    named: [...RECEIVES, "recvmsg"],
    ways: [
      ...told("ECONNRESET", "ETIMEDOUT", "ENOMEM", "EHOSTUNREACH"),
      ...absorbed("EINTR"),
      SHORT,
    ],
  },
  sendmsg: {
    named: [...SENDS, "sendmsg"],
    ways: [
      ...told("ECONNRESET", "EPIPE", "ENOBUFS", "ENOMEM", "ETIMEDOUT"),
      ...absorbed("EINTR", "EAGAIN"),
      SHORT,
    ],
  },
  // No short count: the kernel gives less where it has no more.
  recv: {
    named: ["recv"],
    ways: [
      ...told("ECONNRESET", "ETIMEDOUT", "ENOMEM", "EHOSTUNREACH"),
      ...absorbed("EINTR"),
    ],
  },
  send: {
    named: ["send", "sendto"],
    ways: [
      ...told("ECONNRESET", "EPIPE", "ENOBUFS", "ENOMEM", "ETIMEDOUT"),
      ...absorbed("EINTR", "EAGAIN"),
      SHORT,
    ],
  },
  recvfrom: {
    named: ["recvfrom"],
    ways: [
      ...told("ENOMEM"),
      ...absorbed("EINTR", ...REPORTS),
    ],
  },
  sendto: {
    named: ["sendto"],
    ways: [
      ...told("ENOBUFS", "ENOMEM", "EPERM", "EINVAL"),
      ...absorbed("EINTR", "EAGAIN", ...REPORTS),
    ],
  },
  epoll_ctl: {
    named: [
      "RIONotify",
      "connect",
      "accept",
      "epoll_ctl",
      ...SENDS,
      "send",
      "sendto",
    ],
    ways: told("ENOMEM", "ENOSPC").map((way) => ({ ...way, absorbed: true })),
  },
  epoll_wait: { named: [], ways: [...absorbed("EINTR"), SHORT] },
  io_uring_setup: {
    named: [],
    ways: told("ENOSYS", "EPERM", "ENOMEM", "EMFILE", "EINVAL"),
  },
  io_uring_register: {
    named: [],
    // Taking away an eventfd that is not there fails.
    ways: absorbed("EINVAL", "ENOMEM", "EEXIST"),
  },
  io_uring_enter: {
    named: [],
    // It is called again in the next turn of the event loop.
    ways: absorbed("EAGAIN", "EBUSY", "EINTR", "ENOMEM"),
  },
  mmap: { named: [], ways: told("ENOMEM", "EAGAIN") },
  munmap: {
    named: [],
    ways: absorbed("EINVAL").map((way) => ({ ...way, accept: true })),
  },
  read: { named: [], ways: absorbed("EAGAIN", "EINTR") },
  write: { named: [], ways: absorbed("EINTR", "EAGAIN") },
  poll: { named: [], ways: absorbed("EINTR", "ENOMEM") },
  // Where the event loop cannot be made to watch, a thread of the pool sleeps.
  fcntl: { named: [], ways: absorbed("EMFILE", "EINVAL", "EBADF") },
  io_setup: {
    named: [],
    ways: absorbed("EAGAIN", "EINVAL", "ENOMEM", "ENOSYS", "EPERM"),
  },
  io_submit: {
    named: [],
    ways: [
      ...absorbed("EAGAIN", "EBADF", "EINVAL", "ENOSYS", "EPERM"),
      SHORT,
    ],
  },
  io_cancel: {
    named: [],
    ways: [
      ...absorbed("EAGAIN", "ENOSYS"),
      // What the kernel says of a poll that has ended by itself.
      { ...absorbed("EINVAL")[0]!, accept: true },
    ],
  },
  // Linux closes the descriptor whatever close() answers.
  close: {
    named: [],
    ways: absorbed("EINTR", "EIO").map((way) => ({ ...way, accept: true })),
  },
};
