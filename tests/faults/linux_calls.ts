/**
 * The system calls of the Linux backend, the ways in which they fail, and
 * functions that fail on request.
 *
 * Source: the manual pages of the calls.
 *
 * @module
 */
import { openLinux } from "../../ffi/linux/backend.ts";
import { winsockError } from "../../ffi/linux/errno.ts";
import * as errnoNumbers from "../../ffi/linux/errno_numbers.ts";
import {
  acquireLibrary,
  type LinuxLibrary,
  type LinuxSymbols,
  releaseLibrary,
} from "../../ffi/linux/library.ts";
import { bytesAt } from "../fake/memory.ts";
import type { Call, System, Way } from "./faults.ts";

const ERRNO = { ...errnoNumbers, EIO: 5, ENOSPC: 28 } as const;

type Name = keyof typeof ERRNO;

/** The request fails with the Winsock number, and tells it. */
function told(...names: Name[]): Way[] {
  return names.map((name) => ({
    name,
    errno: ERRNO[name],
    code: [winsockError(ERRNO[name])],
  }));
}

/** Tried again, or of no consequence. */
function absorbed(...names: Name[]): Way[] {
  return told(...names).map((way) => ({ ...way, absorbed: true }));
}

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
      ...absorbed("EINTR", "ECONNREFUSED", "ENETUNREACH"),
      SHORT,
    ],
  },
  sendmmsg: {
    named: SENDS,
    ways: [
      ...told("ENOBUFS", "ENOMEM", "EMSGSIZE", "ENETUNREACH", "EPERM"),
      ...told("EACCES", "EINVAL", "EHOSTUNREACH"),
      ...absorbed("EINTR", "EAGAIN", "ECONNREFUSED"),
      SHORT,
    ],
  },
  recvmsg: {
    named: RECEIVES,
    ways: [
      ...told("ECONNRESET", "ETIMEDOUT", "ENOMEM", "EHOSTUNREACH"),
      ...absorbed("EINTR"),
      SHORT,
    ],
  },
  sendmsg: {
    named: SENDS,
    ways: [
      ...told("ECONNRESET", "EPIPE", "ENOBUFS", "ENOMEM", "ETIMEDOUT"),
      ...absorbed("EINTR", "EAGAIN"),
      SHORT,
    ],
  },
  epoll_ctl: {
    named: ["RIONotify", "connect", "accept", ...SENDS],
    ways: told("ENOMEM", "ENOSPC").map((way) => ({ ...way, absorbed: true })),
  },
  epoll_wait: { named: [], ways: [...absorbed("EINTR"), SHORT] },
  read: { named: [], ways: absorbed("EAGAIN", "EINTR") },
  write: { named: [], ways: absorbed("EINTR", "EAGAIN") },
  poll: { named: [], ways: absorbed("EINTR", "ENOMEM") },
  // Linux closes the descriptor whatever close() answers.
  close: {
    named: [],
    ways: absorbed("EINTR", "EIO").map((way) => ({ ...way, accept: true })),
  },
};

interface Armed {
  readonly call: string;
  readonly way: Way;
  left: number;
}

/** The real kernel, with failures. */
export class FaultyLinux implements System {
  readonly counts: Record<string, number> = {};
  met = false;
  readonly #library: LinuxLibrary;
  readonly #before: ReadonlySet<string>;
  #armed: Armed[] = [];

  constructor() {
    const { symbols, errno } = acquireLibrary();
    this.#before = descriptors();
    const wrapped: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(symbols)) {
      wrapped[name] = (...values: unknown[]) =>
        this.#run(name, call as (...values: unknown[]) => unknown, values);
    }
    this.#library = { symbols: wrapped as unknown as LinuxSymbols, errno };
  }

  open() {
    return openLinux({ library: this.#library });
  }

  fail(call: string, way: Way, nth: number): void {
    this.#armed.push({ call, way, left: nth });
  }

  async faults(): Promise<string[]> {
    const open = () =>
      [...descriptors()].filter((one) => !this.#before.has(one));
    // A wait that goes on holds its descriptors until it returned.
    for (let i = 0; i < 100 && open().length > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return open().map((one) => `descriptor ${one} is open`);
  }

  [Symbol.dispose](): void {
    releaseLibrary();
  }

  #run(
    name: string,
    call: (...values: unknown[]) => unknown,
    values: unknown[],
  ): unknown {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    let armed: Armed | undefined;
    for (const one of this.#armed) {
      if (one.call === name && --one.left === 0) armed = one;
    }
    if (armed === undefined) return call(...values);
    this.met = true;
    const { way } = armed;
    if (way.short) return callShort(name, call, values);
    const done = way.accept ? call(...values) : undefined;
    // What the call would have left, it leaves now.
    this.#library.errno[0] = way.errno;
    return done instanceof Promise || name === "poll"
      ? Promise.resolve(done).then(() => -1)
      : -1;
  }
}

/** Where a `struct msghdr` has its `iovec` array and its length, in bytes. */
const IOV = 16;
const IOV_COUNT = 24;

/** Does the least that a call may do of what it was asked for. */
function callShort(
  name: string,
  call: (...values: unknown[]) => unknown,
  values: unknown[],
): unknown {
  switch (name) {
    case "recvmmsg":
    case "sendmmsg":
    case "epoll_wait":
      return call(...values.with(2, Math.min(1, values[2] as number)));
  }
  const message = new DataView(bytesAt(values[1] as bigint, 56).buffer);
  const vector = new DataView(
    bytesAt(message.getBigUint64(IOV, true), 16).buffer,
  );
  const [count, length] = [
    message.getBigUint64(IOV_COUNT, true),
    vector.getBigUint64(8, true),
  ];
  message.setBigUint64(IOV_COUNT, 1n, true);
  if (length > 1n) vector.setBigUint64(8, 1n, true);
  const result = call(...values);
  message.setBigUint64(IOV_COUNT, count, true);
  vector.setBigUint64(8, length, true);
  return result;
}

/** The descriptors of this process, each with what it is. */
function descriptors(): Set<string> {
  const found = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      found.add(`${name} ${Deno.readLinkSync(`/proc/self/fd/${name}`)}`);
    } catch (error) {
      // The one that listed the others is closed by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}
