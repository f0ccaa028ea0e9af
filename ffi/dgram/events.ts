/**
 * Telling listeners, as an `EventEmitter` of Node's tells them.
 *
 * @module
 */
import type { EventEmitter } from "node:events";
import type { SocketEvents } from "./types.ts";

// Taken when the package is loaded: a test may replace it.
const { reportError } = globalThis;

/**
 * Calls a listener. What it throws is nobody's here to catch: the program hears
 * of it as an uncaught exception, and may go on.
 */
export function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    reportError(error);
  }
}

/** Tells once that a socket is bound, unless that fails. */
export function onceBound(
  socket: EventEmitter<SocketEvents>,
  callback: () => void,
): void {
  const forget = () => {
    socket.removeListener("error", forget);
    socket.removeListener("listening", bound);
  };
  const bound = () => {
    forget();
    callback.call(socket);
  };
  socket.on("error", forget);
  socket.on("listening", bound);
}

/** Closes a socket when a signal is aborted, unless it is closed. */
export function closeWith(
  signal: AbortSignal,
  { socket, isClosed }: {
    socket: EventEmitter<SocketEvents> & { close(): void };
    isClosed: () => boolean;
  },
): void {
  const close = () => {
    if (!isClosed()) socket.close();
  };
  if (signal.aborted) return close();
  signal.addEventListener("abort", close, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", close));
}
