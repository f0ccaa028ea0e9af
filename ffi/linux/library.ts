/**
 * The C library's socket calls, opened at first use and shared by all backends
 * of a thread.
 *
 * @module
 */
import { perFunction, type RioFunctionName } from "../constants.ts";
import { openLibc } from "../libc.ts";
import { EACCES, ENOSYS, EPERM } from "./errno_numbers.ts";
import { MSG_DONTWAIT } from "./numbers.ts";

/** A function that returns an `int`, or a length that fits in one. */
function int<const Parameters extends Deno.NativeType[]>(
  ...parameters: Parameters
): { parameters: Parameters; result: "i32" } {
  return { parameters, result: "i32" };
}

const SYMBOLS = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // int socket(int domain, int type, int protocol)
  socket: int("i32", "i32", "i32"),
  // int close(int fd)
  close: int("i32"),
  // int bind(int fd, const struct sockaddr *addr, socklen_t addrlen)
  bind: int("i32", "buffer", "u32"),
  // int listen(int fd, int backlog)
  listen: int("i32", "i32"),
  // int connect(int fd, const struct sockaddr *addr, socklen_t addrlen)
  connect: int("i32", "buffer", "u32"),
  // int accept4(int fd, struct sockaddr *addr, socklen_t *addrlen, int flags)
  accept4: int("i32", "usize", "usize", "i32"),
  // int getsockname(int fd, struct sockaddr *addr, socklen_t *addrlen)
  getsockname: int("i32", "buffer", "buffer"),
  // int getpeername(int fd, struct sockaddr *addr, socklen_t *addrlen)
  getpeername: int("i32", "buffer", "buffer"),
  // int shutdown(int fd, int how)
  shutdown: int("i32", "i32"),
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
  setsockopt: int("i32", "i32", "i32", "buffer", "u32"),
  // int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
  getsockopt: int("i32", "i32", "i32", "buffer", "buffer"),
  // int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout)
  recvmmsg: int("i32", "usize", "u32", "i32", "usize"),
  // int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
  sendmmsg: int("i32", "usize", "u32", "i32"),
  // ssize_t recvmsg(int fd, struct msghdr *message, int flags)
  // Lengths here stay below 2^31.
  recvmsg: int("i32", "usize", "i32"),
  // ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
  // Lengths here stay below 2^31.
  sendmsg: int("i32", "usize", "i32"),
  // ssize_t recv(int fd, void *data, size_t length, int flags)
  // Lengths here stay below 2^31.
  recv: int("i32", "buffer", "usize", "i32"),
  // ssize_t recvfrom(int fd, void *data, size_t length, int flags,
  //   struct sockaddr *address, socklen_t *addressLength)
  recvfrom: int("i32", "buffer", "usize", "i32", "buffer", "buffer"),
  // ssize_t send(int fd, const void *data, size_t length, int flags)
  send: int("i32", "buffer", "usize", "i32"),
  // ssize_t sendto(int fd, const void *data, size_t length, int flags,
  //   const struct sockaddr *address, socklen_t addressLength)
  sendto: int("i32", "buffer", "usize", "i32", "buffer", "u32"),
  // int epoll_create1(int flags)
  epoll_create1: int("i32"),
  // int epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
  epoll_ctl: int("i32", "i32", "i32", "usize"),
  // int epoll_wait(int epfd, struct epoll_event *events, int count, int timeout)
  epoll_wait: int("i32", "usize", "i32", "i32"),
  // int eventfd(unsigned int initial, int flags)
  eventfd: int("u32", "i32"),
  // int fcntl(int fd, F_DUPFD_CLOEXEC, int lowest)
  fcntl: int("i32", "i32", "i32"),
  // int syscall(SYS_io_setup, unsigned int events, aio_context_t *context)
  io_setup: { name: "syscall", ...int("i64", "u32", "usize") },
  // int syscall(SYS_io_submit, aio_context_t context, long count, struct iocb **list)
  io_submit: { name: "syscall", ...int("i64", "usize", "i64", "usize") },
  // int syscall(SYS_io_cancel, aio_context_t context, struct iocb *iocb, struct io_event *result)
  io_cancel: { name: "syscall", ...int("i64", "usize", "usize", "usize") },
  // ssize_t read(int fd, void *data, size_t count)
  // For the 8 bytes of an eventfd.
  read: int("i32", "buffer", "usize"),
  // ssize_t write(int fd, const void *data, size_t count)
  // For the 8 bytes of an eventfd.
  write: int("i32", "buffer", "usize"),
  // int poll(struct pollfd *fds, nfds_t count, int timeout)
  // Waits on a thread of the pool.
  poll: { ...int("usize", "usize", "i32"), nonblocking: true },
} as const;

/** The functions of {@linkcode SYMBOLS}. */
export type LinuxSymbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** The opened C library. */
export interface LinuxLibrary {
  /** Its functions. */
  readonly symbols: LinuxSymbols;
  /**
   * This thread's `errno`, to be read as the very next thing after a call that
   * failed.
   */
  readonly errno: Int32Array;
}

// All backends share one opening. Each opening makes its functions anew, and V8
// compiles a direct call, some 350 ns faster, only into code that has always
// called the same function.
let library: Loaded | undefined;
let users = 0;

/**
 * Opens the C library, or shares the opening that is there.
 *
 * @returns The library; {@linkcode releaseLibrary} gives it back.
 * @throws {Deno.errors.NotCapable} If `--allow-ffi` was not given.
 * @throws {Deno.errors.NotSupported} If there is none, or the kernel or a
 * sandbox lacks a call that the backend needs.
 */
export function acquireLibrary(): LinuxLibrary {
  library ??= open();
  users++;
  return library;
}

/** Gives the library back; closes it when nobody shares it any more. */
export function releaseLibrary(): void {
  if (users === 0 || --users > 0) return;
  library?.[Symbol.dispose]();
  library = undefined;
}

/**
 * The 13 functions, and whether the kernel allows the calls that each is made
 * of; all `false` where the C library cannot be opened.
 */
export function findLinuxFunctions(): Record<RioFunctionName, boolean> {
  try {
    using loaded = load();
    return perFunction((name) =>
      (MADE_OF[name] ?? []).every((call) => refusal(call, loaded) === 0)
    );
  } catch {
    return perFunction(() => false);
  }
}

/** The C library, closed when it is disposed. */
interface Loaded extends LinuxLibrary, Disposable {}

function open(): Loaded {
  const loaded = load();
  for (const name of Object.keys(CALLS) as CallName[]) {
    const code = refusal(name, loaded);
    if (code === 0) continue;
    loaded[Symbol.dispose]();
    throw new Deno.errors.NotSupported(
      `Cannot use Linux sockets: the kernel or a sandbox refuses ${name} (errno ${code})`,
    );
  }
  return loaded;
}

function load(): Loaded {
  const opened = openLibc(SYMBOLS);
  const { symbols } = opened;
  const errno = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(symbols.__errno_location()!, 4),
  );
  return { symbols, errno, [Symbol.dispose]: () => opened.close() };
}

/**
 * The calls that may be missing. On no file they fail with EBADF where they
 * exist and are allowed.
 */
const CALLS = {
  recvmmsg: ({ recvmmsg }) => recvmmsg(-1, 0n, 0, MSG_DONTWAIT, 0n),
  sendmmsg: ({ sendmmsg }) => sendmmsg(-1, 0n, 0, MSG_DONTWAIT),
  recvmsg: ({ recvmsg }) => recvmsg(-1, 0n, MSG_DONTWAIT),
  sendmsg: ({ sendmsg }) => sendmsg(-1, 0n, MSG_DONTWAIT),
  accept4: ({ accept4 }) => accept4(-1, 0n, 0n, 0),
  epoll_wait: ({ epoll_wait }) => epoll_wait(-1, 0n, 1, 0),
  epoll_ctl: ({ epoll_ctl }) => epoll_ctl(-1, 1, -1, 0n),
} as const satisfies Record<string, (symbols: LinuxSymbols) => number>;

type CallName = keyof typeof CALLS;

/** The calls that a function is made of; those that are absent need none. */
const MADE_OF: { readonly [F in RioFunctionName]?: readonly CallName[] } = {
  RIOReceive: ["recvmmsg", "recvmsg"],
  RIOReceiveEx: ["recvmmsg", "recvmsg"],
  RIOSend: ["sendmmsg", "sendmsg"],
  RIOSendEx: ["sendmmsg", "sendmsg"],
  RIONotify: ["epoll_ctl", "epoll_wait"],
};

/** Why the kernel or a sandbox refuses a call; 0 where it does not. */
function refusal(name: CallName, { symbols, errno }: LinuxLibrary): number {
  const code = CALLS[name](symbols) < 0 ? errno[0]! : 0;
  return code === ENOSYS || code === EPERM || code === EACCES ? code : 0;
}
