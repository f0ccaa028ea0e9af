/**
 * The errors of Deno's own sockets, for the same mistakes and accidents.
 *
 * @module
 */
import * as winsock from "../error_numbers.ts";
import { RioClosedError, RioError } from "../errors.ts";

/** Deno's class for a Winsock error number, where it has one. */
const CLASSES: ReadonlyMap<
  number,
  new (m?: string, o?: ErrorOptions) => Error
> = new Map([
  [winsock.WSA_OPERATION_ABORTED, Deno.errors.Interrupted],
  [winsock.WSAEINTR, Deno.errors.Interrupted],
  [winsock.WSAEACCES, Deno.errors.PermissionDenied],
  [winsock.WSAEINVAL, TypeError],
  [winsock.WSAEADDRINUSE, Deno.errors.AddrInUse],
  [winsock.WSAEADDRNOTAVAIL, Deno.errors.AddrNotAvailable],
  [winsock.WSAENETUNREACH, Deno.errors.NetworkUnreachable],
  [winsock.WSAECONNABORTED, Deno.errors.ConnectionAborted],
  [winsock.WSAECONNRESET, Deno.errors.ConnectionReset],
  [winsock.WSAENOTCONN, Deno.errors.NotConnected],
  [winsock.WSAESHUTDOWN, Deno.errors.BrokenPipe],
  [winsock.WSAETIMEDOUT, Deno.errors.TimedOut],
  [winsock.WSAECONNREFUSED, Deno.errors.ConnectionRefused],
  [winsock.WSAEHOSTUNREACH, Deno.errors.NetworkUnreachable],
]);

/**
 * Turns an error of a session into the one that Deno's sockets would give.
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
  const Class = CLASSES.get(error.errno) ?? Error;
  return new Class(error.message, { cause: error });
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
export function interrupted(): Error {
  return new Deno.errors.Interrupted("operation canceled");
}

/** What a call is rejected with whose array went elsewhere while it waited. */
export function transferred(
  attempt: "read" | "receive" | "send" | "write",
): Error {
  return new TypeError(`Cannot ${attempt}: the array was transferred`);
}

/** What Deno's sockets throw when the other side takes no more. */
export function brokenPipe(cause?: unknown): Error {
  return new Deno.errors.BrokenPipe("Broken pipe", { cause });
}
