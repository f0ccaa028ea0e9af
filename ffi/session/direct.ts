/**
 * Sockets whose data needs no requests: nothing of theirs is ever in flight, so
 * there is nothing for the ledger to count.
 *
 * @module
 */
import type { RioDirectSocket, RioWatcher } from "../contract.ts";
import { checkHandle } from "../errors.ts";
import { partsOf, type RioEndpoint } from "./endpoint.ts";
import type { Permissions } from "./permissions.ts";
import type { Waiter } from "./waiter.ts";

/** A socket that moves data at once, and how to wait for it. */
export interface Direct {
  readonly io: RioDirectSocket;
  readonly waiter: Waiter;
  /** To be asked before a datagram is sent somewhere. */
  readonly permissions: Permissions;
}

/**
 * Attaches to a socket until it is closed.
 *
 * @returns What moves its data; `null` where the system needs requests.
 * @throws {RioError} If the system refuses.
 */
export function attachDirect(
  endpoint: RioEndpoint,
  watcher: RioWatcher,
): Direct | null {
  const { core, record } = partsOf(endpoint);
  const { backend, waiter, permissions } = core;
  if (backend.direct === null) return null;
  const io = backend.direct.attach(record.handle, watcher);
  if (typeof io !== "number") return { io, waiter, permissions };
  checkHandle(io, "epoll_ctl", "watch a socket");
  return null;
}
