/**
 * Sockets that a program has dropped without closing them.
 *
 * @module
 */
import { partsOf, type RioEndpoint } from "../session/endpoint.ts";

/** What the program knows a socket as, and what is closed in its place. */
export interface Dropped {
  /** Its class and address. */
  what(): string;
  /** What it is made of; leads nowhere to the object itself. */
  readonly parts: Disposable;
}

/**
 * Has a socket closed, with a warning, when the object that a program holds of
 * it is collected.
 *
 * @param object What the program holds.
 * @param socket The socket underneath.
 */
export function watchDropped(
  object: object,
  socket: RioEndpoint,
  { what, parts }: Dropped,
): void {
  partsOf(socket).core.watch(object, what, () => {
    parts[Symbol.dispose]();
    return true;
  });
}

/** Ends {@linkcode watchDropped}: the program has closed it. */
export function forgetDropped(object: object, socket: RioEndpoint): void {
  partsOf(socket).core.forget(object);
}
