/**
 * The errors of Deno's own sockets, for the same mistakes and accidents.
 *
 * @module
 */
import * as winsock from "../error_numbers.ts";
import { RioClosedError, RioError } from "../errors.ts";
import { systemWords } from "../system_errors.ts";

type Class = new (message?: string, options?: ErrorOptions) => Error;

/**
 * Deno's class for an error, by its name; `Error` for all others.
 *
 * Source: `std::io::ErrorKind` of each number in the standard library of Rust,
 * and the class of each kind in the crate `deno_error`.
 */
const CLASSES: Readonly<Record<string, Class>> = {
  EACCES: Deno.errors.PermissionDenied,
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  EAGAIN: Deno.errors.WouldBlock,
  ECONNABORTED: Deno.errors.ConnectionAborted,
  ECONNREFUSED: Deno.errors.ConnectionRefused,
  ECONNRESET: Deno.errors.ConnectionReset,
  EEXIST: Deno.errors.AlreadyExists,
  EINTR: Deno.errors.Interrupted,
  EINVAL: TypeError,
  EISDIR: Deno.errors.IsADirectory,
  ELOOP: Deno.errors.FilesystemLoop,
  ENETUNREACH: Deno.errors.NetworkUnreachable,
  ENOENT: Deno.errors.NotFound,
  ENOTCONN: Deno.errors.NotConnected,
  ENOTDIR: Deno.errors.NotADirectory,
  EPERM: Deno.errors.PermissionDenied,
  ETIMEDOUT: Deno.errors.TimedOut,
  // On Windows this is `WSAESHUTDOWN`, for which Deno has no class.
  ...(Deno.build.os === "windows" ? {} : { EPIPE: Deno.errors.BrokenPipe }),
};

/**
 * Turns an error of a session into the one that Deno's sockets would give: its
 * class, its `code`, and in its message the system's words and number.
 *
 * The error of the session is its cause, with number and call.
 *
 * @param error What was thrown.
 * @returns A `Deno.errors` error; what is none of the session's, as it is.
 */
export function toDenoError(error: unknown): unknown {
  if (error instanceof RioClosedError) {
    return new Deno.errors.BadResource("Socket has been closed", {
      cause: error,
    });
  }
  if (!(error instanceof RioError)) return error;
  const { message, errno, osErrno, osCode } = error;
  if (errno === winsock.WSA_OPERATION_ABORTED) return interrupted(error);
  const Class = CLASSES[osCode ?? ""] ?? Error;
  const told = new Class(
    osErrno === 0 ? message : `${osText(osErrno)}: ${message}`,
    { cause: error },
  );
  return osCode === undefined ? told : withCode(told, osCode);
}

/** The words of Deno's errors for a number of the system. */
function osText(errno: number): string {
  return `${systemWords(errno)} (os error ${errno})`.trimStart();
}

function withCode(error: Error, code: string): Error {
  return Object.assign(error, { code });
}

/**
 * The same error with more to say, and properties of its own.
 *
 * @param error What was thrown; what is none of the package's stays as it is.
 * @param more What the message is to say as well.
 */
export function withMore(
  error: unknown,
  more: string,
  properties: Readonly<Record<string, unknown>> = {},
): unknown {
  if (!(error instanceof Error) || !isOurs(error)) return error;
  const { message, cause = error, code } = error as Error & { code?: string };
  const Class = error.constructor as Class;
  const told = new Class(`${message} (${more})`, { cause });
  const named = code === undefined ? told : withCode(told, code);
  return Object.assign(named, properties);
}

/** Whether an error is of a class that this package throws for a socket. */
function isOurs({ constructor }: Error): boolean {
  const known: Readonly<Record<string, unknown>> = Deno.errors;
  return [Error, TypeError, RangeError, URIError].includes(
    constructor as ErrorConstructor,
  ) || known[constructor.name] === constructor;
}

/** The error of a call that moved data directly. */
export function callError(
  errno: number,
  syscall: string,
  attempt: string,
): unknown {
  if (errno === winsock.WSAENOTSOCK) return badResource();
  return toDenoError(new RioError({ errno, syscall, attempt }));
}

/** Calls into the session, with Deno's errors for what it throws. */
export function denoErrors<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toDenoError(error);
  }
}

/** What Deno's sockets throw after they were closed. */
export function badResource(what: "Socket" | "Listener" = "Socket"): Error {
  return new Deno.errors.BadResource(`${what} has been closed`);
}

/** What a pending call of Deno's sockets is rejected with when they close. */
export function interrupted(cause?: unknown): Error {
  const { Interrupted } = Deno.errors;
  return withCode(new Interrupted("operation canceled", { cause }), "EINTR");
}

/** What a call is rejected with whose array went elsewhere while it waited. */
export function transferred(
  attempt: "read" | "receive" | "send" | "write",
): Error {
  return new TypeError(`Cannot ${attempt}: the array was transferred`);
}

/** What Deno's sockets throw when the other side takes no more. */
export function brokenPipe(): unknown {
  return callError(winsock.WSAESHUTDOWN, "send", "send after the end");
}
