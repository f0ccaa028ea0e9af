/**
 * What the TCP sockets of one session share, as long as there are any.
 *
 * @module
 */
import { DisposableStack } from "../../globals.ts";
import { RioClosedError } from "../../errors.ts";
import { movesDirectly, type RioSession } from "../../session/session.ts";
import { type SessionUse, useSession } from "../shared_session.ts";
import { DirectHub } from "./direct_hub.ts";
import { RequestHub } from "./request_hub.ts";
import type { StreamWay } from "./way.ts";

/** The hubs that are in use, by their sessions. */
const hubs: WeakMap<RioSession, Hub> = new WeakMap();

/**
 * Uses the hub of a session, which ends with its last user.
 *
 * @param session The caller's session; by default the one that all share.
 * @returns The hub; disposing it, once, ends the use.
 * @throws {RioClosedError} If the session was closed.
 */
export function useHub(session?: RioSession): Hub {
  using stack = new DisposableStack();
  const use = stack.use(useSession(session));
  if (use.session.closed) {
    throw new RioClosedError("Cannot open a socket: the session was closed");
  }
  const known = hubs.get(use.session);
  if (known) return known.share();
  const hub = new Hub(use);
  hubs.set(use.session, hub);
  stack.move();
  return hub;
}

/** The shared parts; made for the first TCP socket, closed with the last. */
export class Hub implements Disposable {
  readonly session: RioSession;
  /** How data is moved. */
  readonly way: StreamWay;
  readonly #use: SessionUse;
  #users = 1;

  /**
   * Makes the parts, with one user.
   *
   * @param use The session, used as long as the hub is.
   */
  constructor(use: SessionUse) {
    const { session } = use;
    this.#use = use;
    this.session = session;
    this.way = movesDirectly(session)
      ? new DirectHub()
      : new RequestHub(session);
  }

  /** Uses the hub once more, for a connection that is accepted. */
  share(): Hub {
    this.#users++;
    return this;
  }

  /** Ends one use; the last one closes queues and memory. */
  [Symbol.dispose](): void {
    if (--this.#users > 0) return;
    hubs.delete(this.session);
    this.way[Symbol.dispose]();
    this.#use[Symbol.dispose]();
  }
}
