/**
 * The session behind the sockets that were opened without one.
 *
 * @module
 */
import {
  capabilitiesOf,
  RioSession,
  type RioStats,
} from "../session/session.ts";
import { inNextTurn } from "../clock.ts";
import { denoErrors } from "./errors.ts";

let shared: RioSession | null = null;
let users = 0;

/** One use of a session; disposing it, once, ends the use. */
export interface SessionUse extends Disposable {
  /** The session. */
  readonly session: RioSession;
}

/**
 * Uses a session: the one given, or one that all sockets of this thread share.
 * That is closed with the last of them; a turn of the event loop later where to
 * open one takes milliseconds, so that a program that opens a socket for each
 * message stays with one session.
 *
 * @param session The caller's session; it stays the caller's to close.
 */
export function useSession(session?: RioSession): SessionUse {
  if (session) return { session, [Symbol.dispose]() {} };
  const own = shared ??= denoErrors(() => RioSession.open());
  users++;
  return {
    session: own,
    [Symbol.dispose]() {
      if (--users > 0) return;
      if (capabilitiesOf(own).costlyOpen) inNextTurn(closeUnused);
      else closeUnused();
    },
  };
}

/**
 * What the session did and holds that sockets share which were opened without
 * one: for a server's counters.
 *
 * @example Watch a server
 * ```ts
 * import { listenDatagram, sharedStats } from "@winsock/rio";
 *
 * using conn = listenDatagram({ hostname: "127.0.0.1" });
 * console.log(conn.addr, sharedStats()?.sockets); // 1, if it is the only one
 * ```
 *
 * @returns Its counts; `null` while no socket shares it. They start at 0 with
 * the first socket after that.
 */
export function sharedStats(): RioStats | null {
  return shared?.stats() ?? null;
}

function closeUnused(): void {
  if (users > 0) return;
  shared?.[Symbol.dispose]();
  shared = null;
}
