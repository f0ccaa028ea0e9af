/**
 * The errors of Deno's own sockets, for the same mistakes and accidents.
 *
 * @module
 */
import { RioClosedError, RioError } from "../errors.ts";

/** Deno's class for a Winsock error number, where it has one. */
const CLASSES: ReadonlyMap<
  number,
  new (m?: string, o?: ErrorOptions) => Error
> = new Map([
  [995, Deno.errors.Interrupted],
  [10004, Deno.errors.Interrupted],
  [10013, Deno.errors.PermissionDenied],
  [10022, TypeError],
  [10048, Deno.errors.AddrInUse],
  [10049, Deno.errors.AddrNotAvailable],
  [10051, Deno.errors.NetworkUnreachable],
  [10053, Deno.errors.ConnectionAborted],
  [10054, Deno.errors.ConnectionReset],
  [10057, Deno.errors.NotConnected],
  [10058, Deno.errors.BrokenPipe],
  [10060, Deno.errors.TimedOut],
  [10061, Deno.errors.ConnectionRefused],
  [10065, Deno.errors.NetworkUnreachable],
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

/** Calls into the session, with Deno's errors for what it throws. */
export function denoErrors<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toDenoError(error);
  }
}

/** What Deno's sockets throw after they were closed. */
export function badResource(): Error {
  return new Deno.errors.BadResource("Socket has been closed");
}

/** What a pending call of Deno's sockets is rejected with when they close. */
export function interrupted(): Error {
  return new Deno.errors.Interrupted("operation canceled");
}

/** What Deno's sockets throw when the other side takes no more. */
export function brokenPipe(cause?: unknown): Error {
  return new Deno.errors.BrokenPipe("Broken pipe", { cause });
}
