/**
 * The errors of this package, and the functions that throw them.
 *
 * @module
 */
import type * as numbers from "./error_numbers.ts";
import { WSAEMFILE, WSAENOBUFS } from "./error_numbers.ts";
import { nameError, ownName, systemError } from "./system_errors.ts";

/** What an error most often means, by its name. */
const ADVICE: Readonly<Record<string, string>> = {
  WSA_OPERATION_ABORTED:
    "the socket was closed while the request was outstanding",
  WSAEACCES: "the system forbids this address or port",
  WSAEFAULT:
    "a slice lies outside its registration, or the buffer is no longer registered",
  WSAEINVAL: "an argument, a flag or the state of the queue does not allow it",
  WSAEMFILE: "the process has too many open sockets",
  WSAEALREADY: "the notification is armed already: wait for it first",
  WSAEMSGSIZE: "the datagram is longer than the slice or than the path allows",
  WSAEOPNOTSUPP: "the system or this kind of socket does not support it",
  WSAEADDRINUSE: "another socket uses this address and port",
  WSAEADDRNOTAVAIL: "the address does not belong to this host",
  WSAECONNRESET: "the peer reset the connection, or a port is unreachable",
  WSAENOBUFS:
    "a queue is full: dequeue completions, or give the queue more room",
  WSAENOTCONN: "the socket is not connected and no destination was given",
  WSAETOOMANYREFS: "more entries are in use than the new size has",
  WSAETIMEDOUT: "the peer did not answer in time",
  WSAECONNREFUSED: "nothing listens at that address",
  RIO_CORRUPT_CQ: "the queue is not valid any more: close the session",
} satisfies Partial<Record<keyof typeof numbers | "RIO_CORRUPT_CQ", string>>;

/** Which native call failed, with what, and for what. */
export interface RioErrorOptions extends ErrorOptions {
  /** The native function, for example `RIORegisterBuffer`. */
  syscall: string;
  /** The error number, as a backend gives it. */
  errno: number;
  /** What was attempted, with its values, for example `register 4096 bytes`. */
  attempt: string;
}

/**
 * A native call that failed, or a request that completed with an error.
 *
 * The names that begin with `WSA` are Winsock's. On Linux the kernel's error
 * arrives under the one that matches it, `EADDRINUSE` as `WSAEADDRINUSE`, so that
 * a program branches once; `osCode` and `osErrno` are the system's own. One that
 * no Winsock number matches arrives under its own name and number.
 *
 * @example Branch on the code, which is the same on both systems
 * ```ts
 * import { RioError, RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * const open = (port: number) =>
 *   session.openSocket({ transport: "udp", hostname: "127.0.0.1", port });
 * using first = open(0);
 * try {
 *   open(first.address.port);
 * } catch (error) {
 *   if (!(error instanceof RioError)) throw error;
 *   console.log(error.code, error.errno); // WSAEADDRINUSE 10048
 *   console.log(error.osCode, error.osErrno); // on Linux EADDRINUSE 98
 * }
 * ```
 */
export class RioError extends Error {
  /** The name of the number, for example `WSAENOBUFS`. */
  readonly code: string;
  /** The Winsock or Win32 error number, for example 10055. */
  readonly errno: number;
  /**
   * The number that the system itself gives the error, for example 105: on Linux
   * `errno`; 0 for an error that only Registered I/O has.
   */
  readonly osErrno: number;
  /**
   * The name of that number as Node and Deno give it, for example `ENOBUFS`;
   * absent where there is none.
   */
  readonly osCode: string | undefined;
  /** The native function that failed, for example `RIORegisterBuffer`. */
  readonly syscall: string;

  /**
   * Makes the error of one failed call.
   *
   * @param options Call, number and attempt.
   */
  constructor(options: RioErrorOptions) {
    const { syscall, attempt } = options;
    const { errno, code } = nameError(options.errno);
    const own = ownName(options.errno);
    const advice = own === "" ? ADVICE[code] : undefined;
    super(
      `Cannot ${attempt}: ${syscall} failed with ${code} (${errno})${own}` +
        (advice === undefined ? "" : `, ${advice}`),
      options,
    );
    this.name = "RioError";
    this.code = code;
    this.errno = errno;
    const system = systemError(options.errno);
    this.osErrno = system.errno;
    this.osCode = system.code;
    this.syscall = syscall;
  }
}

/**
 * A buffer cannot be deregistered while requests use it.
 *
 * @example Ask before memory is given back
 * ```ts
 * import { RioBufferInUseError, RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(2048);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * socket.receive(buffer.slice());
 * try {
 *   buffer.deregister();
 * } catch (error) {
 *   if (!(error instanceof RioBufferInUseError)) throw error;
 *   console.log(error.inFlight); // 1: the receive has not completed
 * }
 * socket.close(); // completes it; then `using` deregisters
 * ```
 */
export class RioBufferInUseError extends Error {
  /** How many requests use the buffer. */
  readonly inFlight: number;

  /**
   * Makes the error.
   *
   * @param message What was refused, and what to do.
   * @param inFlight How many requests use the buffer.
   */
  constructor(message: string, inFlight: number) {
    super(message);
    this.name = "RioBufferInUseError";
    this.inFlight = inFlight;
  }
}

/**
 * The session, socket, queue or buffer was closed before the call.
 *
 * @example Tell an end from a failure
 * ```ts
 * import { RioClosedError, RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * const buffer = session.registerBuffer(2048);
 * buffer.deregister();
 * try {
 *   buffer.slice();
 * } catch (error) {
 *   if (!(error instanceof RioClosedError)) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export class RioClosedError extends Error {
  /**
   * Makes the error.
   *
   * @param message What was closed.
   * @param options The cause, where there is one.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RioClosedError";
  }
}

/**
 * Refuses to use what was closed.
 *
 * @param attempt What was attempted, for example `notify`.
 * @param what What was closed, for example `completion queue`.
 * @throws {RioClosedError} Always.
 */
export function refuseClosed(attempt: string, what: string): never {
  throw new RioClosedError(`Cannot ${attempt}: the ${what} was closed`);
}

/**
 * The name of an error number.
 *
 * @param errno A Winsock or Win32 error number.
 * @returns Its name in the Windows headers, or `ERROR_` and the number.
 */
export function errorName(errno: number): string {
  return nameError(errno).code;
}

/**
 * Throws a `RioError` for every error number but 0.
 *
 * @param errno The error number, 0 for success.
 * @param syscall The native function.
 * @param attempt What was attempted, with its values.
 * @throws {RioError} If `errno` is not 0.
 */
export function check(errno: number, syscall: string, attempt: string): void {
  if (errno !== 0) throw new RioError({ errno, syscall, attempt });
}

/** Whether an error says that the system has nothing left to give for now. */
export function isExhausted(error: unknown): boolean {
  return error instanceof RioError &&
    (error.errno === WSAEMFILE || error.errno === WSAENOBUFS);
}

/**
 * Throws a `RioError` for a negative return value, which is minus an error
 * number; returns any other.
 *
 * @param value A handle or a count, or minus an error number.
 * @param syscall The native function.
 * @param attempt What was attempted, with its values.
 * @returns The handle or the count.
 * @throws {RioError} If `value` is negative.
 */
export function checkHandle(
  value: number,
  syscall: string,
  attempt: string,
): number {
  if (value < 0) throw new RioError({ errno: -value, syscall, attempt });
  return value;
}
