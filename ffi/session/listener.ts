/**
 * Sockets that accept connections.
 *
 * @module
 */
import { checkHandle } from "../errors.ts";
import { INTERNAL } from "../internal.ts";
import type { SessionCore } from "./core.ts";
import {
  assertEndpointOpen,
  type EndpointParts,
  familyOf,
  keyOf,
  refreshAddresses,
  RioEndpoint,
} from "./endpoint.ts";
import type { SocketRecord } from "./ledger.ts";
import {
  assertQueueOptions,
  attachQueues,
  readOnce,
  type RioQueueOptions,
} from "./request_queue.ts";
import { RioSocket } from "./socket.ts";

/**
 * A TCP socket that accepts connections; it carries no data itself.
 *
 * Source: Microsoft's page on `AcceptEx`, and accept(2).
 *
 * @example Accept one connection
 * ```ts no-assert
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
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  #accepting: Promise<unknown> | null = null;
  #referenced = true;

  /** @ignore */
  constructor(key: typeof INTERNAL, parts: EndpointParts) {
    super(key, parts);
    this.#core = parts.core;
    this.#record = parts.record;
  }

  /**
   * Waits for a connection; several calls are served in their order.
   *
   * @param options Queues of the socket that is returned.
   * @returns The connected socket.
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {RangeError} If a limit is out of range.
   * @throws {RioError} For example `WSAEMFILE`.
   * @throws {RioClosedError} If the listener was closed.
   */
  async accept(options: RioQueueOptions = {}): Promise<RioSocket> {
    const queueOptions = readOnce(options);
    assertEndpointOpen(this, "accept");
    assertQueueOptions(this.#core, queueOptions);
    // One native accept at a time.
    const turn = (this.#accepting ?? Promise.resolve())
      .then(() => this.#acceptNext(queueOptions));
    this.#accepting = turn.catch(() => {});
    return await turn;
  }

  /** Lets waiting for a connection keep the process alive; it does at first. */
  ref(): void {
    this.#referenced = true;
  }

  /** Lets the process end while {@linkcode RioListener.accept} waits. */
  unref(): void {
    this.#referenced = false;
    // A wait on another thread keeps the process alive: end it.
    this.#core.waiter.pause(keyOf(this));
  }

  async #acceptNext(options: RioQueueOptions): Promise<RioSocket> {
    const { backend, waiter } = this.#core;
    const key = keyOf(this);
    for (;;) {
      assertEndpointOpen(this, "accept");
      const handle = backend.sockets.accept(this.#record.handle, key);
      if (handle === 0) {
        await (this.#referenced ? waiter.wait(key) : waiter.glance(key));
        continue;
      }
      const { hostname, port } = this.address;
      checkHandle(handle, "accept", `accept on ${hostname}:${port}`);
      return this.#take(handle, options);
    }
  }

  /** Makes a socket of an accepted handle, or closes it. */
  #take(handle: number, options: RioQueueOptions): RioSocket {
    const core = this.#core;
    const record = core.ledger.addSocket(handle);
    try {
      const queues = attachQueues(core, record, options);
      const family = familyOf(this);
      const parts = { core, record, transport: "tcp", family } as const;
      const socket = new RioSocket(INTERNAL, parts, queues);
      refreshAddresses(socket);
      return socket;
    } catch (error) {
      core.ledger.closeSocket(record);
      throw error;
    }
  }
}
