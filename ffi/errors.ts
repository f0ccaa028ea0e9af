/**
 * The one gate from a native return value to an error, and the errors of this
 * package.
 *
 * @module
 */
import { ERROR_NAMES } from "./error_numbers.ts";

/** What is worth saying about a number beyond its name. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [995, "the socket was closed while the request was outstanding"],
  [10013, "the system forbids this address or port"],
  [
    10014,
    "a slice lies outside its registration, or the buffer is no longer registered",
  ],
  [10022, "an argument, a flag or the state of the queue does not allow it"],
  [10024, "the process has too many open sockets"],
  [10037, "the notification is armed already: wait for it first"],
  [10040, "the datagram is longer than the slice or than the path allows"],
  [10045, "the system or this kind of socket does not support it"],
  [10048, "another socket uses this address and port"],
  [10049, "the address does not belong to this host"],
  [10054, "the peer reset the connection, or a port is unreachable"],
  [10055, "a queue is full: dequeue completions, or give the queue more room"],
  [10057, "the socket is not connected and no destination was given"],
  [10059, "more entries are in use than the new size has"],
  [10060, "the peer did not answer in time"],
  [10061, "nothing listens at that address"],
  [0xFFFFFFFF, "the queue is not valid any more: close the session"],
]);

/** What a failed native call was about. */
export interface RioErrorOptions extends ErrorOptions {
  /** The native function, for example `RIORegisterBuffer`. */
  syscall: string;
  /** The Winsock or Win32 error number. */
  errno: number;
  /** What was attempted, with its values, for example `register 4096 bytes`. */
  attempt: string;
}

/**
 * A native call that failed, or a request that completed with an error.
 *
 * On Linux the kernel's error arrives as the Winsock number that matches it.
 */
export class RioError extends Error {
  /** The name of the number, for example `WSAENOBUFS`. */
  readonly code: string;
  /** The Winsock or Win32 error number, for example 10055. */
  readonly errno: number;
  /** The native function that failed, for example `RIORegisterBuffer`. */
  readonly syscall: string;

  /**
   * Makes the error of one failed call.
   *
   * @param options Call, number and attempt.
   */
  constructor(options: RioErrorOptions) {
    const { syscall, errno, attempt } = options;
    const code = errorName(errno);
    const advice = ADVICE.get(errno);
    super(
      `Cannot ${attempt}: ${syscall} failed with ${code} (${errno})` +
        (advice === undefined ? "" : `, ${advice}`),
      options,
    );
    this.name = "RioError";
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** A buffer cannot be deregistered while requests use it. */
export class RioBufferInUseError extends Error {
  /** How many requests use the buffer. */
  readonly inFlight: number;

  /**
   * Makes the error of one refused release.
   *
   * @param message What was refused.
   * @param inFlight How many requests use the buffer.
   */
  constructor(message: string, inFlight: number) {
    super(message);
    this.name = "RioBufferInUseError";
    this.inFlight = inFlight;
  }
}

/** The session, socket, queue or buffer was closed before the call. */
export class RioClosedError extends Error {
  /**
   * Makes the error of one refused use.
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
 * The name of an error number.
 *
 * @param errno A Winsock or Win32 error number.
 * @returns Its name in the Windows headers, or `ERROR_` and the number.
 */
export function errorName(errno: number): string {
  return ERROR_NAMES.get(errno) ?? `ERROR_${errno}`;
}

/**
 * The gate: passes 0 and turns every other error number into a `RioError`.
 *
 * @param errno The error number, 0 for success.
 * @param syscall The native function.
 * @param attempt What was attempted, with its values.
 * @throws {RioError} If `errno` is not 0.
 */
export function check(errno: number, syscall: string, attempt: string): void {
  if (errno !== 0) throw new RioError({ errno, syscall, attempt });
}

/**
 * The gate for calls that return a handle: passes it, and turns a negative
 * number, which is minus an error number, into a `RioError`.
 *
 * @param value A handle, or minus an error number.
 * @param syscall The native function.
 * @param attempt What was attempted, with its values.
 * @returns The handle.
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
