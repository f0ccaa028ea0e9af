/**
 * Sockets that accept connections.
 *
 * @module
 */
import { showAddress } from "../address.ts";
import { NativePromise } from "../globals.ts";
import { checkHandle, isExhausted } from "../errors.ts";
import { INTERNAL } from "../internal.ts";
import {
  assertEndpointOpen,
  partsOf,
  refreshAddresses,
  RioEndpoint,
} from "./endpoint.ts";
import type { SocketRecord } from "./ledger.ts";
import {
  planQueues,
  type QueuePlan,
  type RioQueueOptions,
} from "./request_queue.ts";
import { RioSocket } from "./socket.ts";

/**
 * Resolves when clients in this thread know what has happened until now; for this
 * package only.
 */
export function clientsAreTold(listener: RioListener): Promise<void> {
  return partsOf(listener).core.waiter.turn();
}

/**
 * A TCP socket that accepts connections; it carries no data itself.
 *
 * Source: Microsoft's page on `AcceptEx`, and accept(2).
 *
 * @example Accept one connection
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using listener = session.openSocket({
 *   transport: "tcp",
 *   hostname: "127.0.0.1",
 *   backlog: 128,
 * });
 * using client = session.openSocket({ transport: "tcp" });
 * const [server] = await Promise.all([
 *   listener.accept(),
 *   client.connect(listener.address),
 * ]);
 * console.log(`accepted ${server.remoteAddress?.port}`);
 * ```
 */
export class RioListener extends RioEndpoint {
  /** The last call of `accept()`: the next one waits for it. */
  #accepting: Promise<unknown> = NativePromise.resolve();
  #referenced = true;

  /**
   * Waits for a connection; several calls are served in their order.
   *
   * @param options Queues of the socket that is returned.
   * @returns The connected socket.
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {RangeError} If a limit is out of range.
   * @throws {RioError} `WSAEMFILE` or `WSAENOBUFS` where descriptors or memory
   * have run out; a connection then waits for the next call.
   * @throws {RioClosedError} If the listener was closed.
   */
  async accept(options: RioQueueOptions = {}): Promise<RioSocket> {
    const plan = planQueues(partsOf(this).core, options);
    assertEndpointOpen(this, "accept");
    const turn = this.#accepting.then(() => this.#acceptNext(plan));
    this.#accepting = turn.catch(() => {});
    return await turn;
  }

  /**
   * Keeps the process alive while {@linkcode RioListener.accept} waits, as it
   * does unless {@linkcode RioListener.unref} was called.
   */
  ref(): void {
    this.#reference(true);
  }

  /** Lets the process end while {@linkcode RioListener.accept} waits. */
  unref(): void {
    this.#reference(false);
  }

  #reference(referenced: boolean): void {
    this.#referenced = referenced;
    const { core, record } = partsOf(this);
    core.waiter.setReferenced(record.key, referenced);
  }

  async #acceptNext(plan: QueuePlan): Promise<RioSocket> {
    const { core, record } = partsOf(this);
    const { backend, waiter } = core;
    for (;;) {
      assertEndpointOpen(this, "accept");
      const { kept } = record;
      if (kept !== null) return this.#toSocket(kept, plan);
      const handle = backend.sockets.accept(record.handle, record.key);
      if (handle !== 0) {
        checkHandle(handle, "accept", `accept on ${showAddress(this.address)}`);
        return this.#toSocket(core.ledger.enter(handle), plan);
      }
      await waiter.fires(record.key, this.#referenced);
    }
  }

  /** Makes the object of a connection, or keeps that for the next call. */
  #toSocket(accepted: SocketRecord, plan: QueuePlan): RioSocket {
    const { core, record, transport, family } = partsOf(this);
    const parts = { core, record: accepted, transport, family };
    // Closed with the listener, and with the session, until it is handed out.
    record.kept = accepted;
    try {
      const socket = new RioSocket(INTERNAL, parts, plan);
      record.kept = null;
      refreshAddresses(socket);
      return socket;
    } catch (error) {
      if (record.kept === null || !isExhausted(error)) {
        record.kept = null;
        core.ledger.closeSocket(accepted);
      }
      throw error;
    }
  }
}
