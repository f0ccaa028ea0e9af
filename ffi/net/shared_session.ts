/**
 * The session behind the sockets that were opened without one.
 *
 * @module
 */
import { RioSession } from "../session/session.ts";
import { denoErrors } from "./errors.ts";

let shared: RioSession | null = null;
let users = 0;

/** A session that a socket uses. */
export interface SessionUse {
  /** The session. */
  readonly session: RioSession;
  /** Ends the use, once; the last use of the shared session closes it. */
  release(): void;
}

/**
 * Uses a session: the one given, or one that all sockets of this thread share
 * and that exists as long as any of them.
 *
 * @param session The caller's session; it stays the caller's to close.
 */
export function useSession(session?: RioSession): SessionUse {
  if (session) return { session, release() {} };
  const own = shared ??= denoErrors(() => RioSession.open());
  users++;
  return {
    session: own,
    release() {
      if (--users > 0) return;
      shared = null;
      own[Symbol.dispose]();
    },
  };
}
