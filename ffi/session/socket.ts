/**
 * Sockets with a request queue.
 *
 * @module
 */
import type { IpAddress } from "../address.ts";
import { RIO_MSG_COMMIT_ONLY } from "../constants.ts";
import { check, checkHandle } from "../errors.ts";
import type { INTERNAL } from "../internal.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertOneOf } from "../arguments.ts";
import type { RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import {
  assertEndpointOpen,
  encodeFor,
  type EndpointParts,
  keyOf,
  refreshAddresses,
  RioEndpoint,
} from "./endpoint.ts";
import { CALL, type SocketRecord } from "./ledger.ts";
import { post, type RioReceiveOptions, type RioSendOptions } from "./post.ts";
import type { RioCompletionQueue } from "./queue.ts";
import { assertLimits, type SocketQueues } from "./request_queue.ts";
import { drainNow } from "./teardown.ts";

/**
 * Takes an address for granted whose name is.
 */
export let grantAddress: (socket: RioSocket, address: IpAddress) => void;

/** How long disposing a socket waits for its requests, in milliseconds. */
const DRAIN_MS = 100;

/**
 * A UDP or TCP socket with a request queue.
 *
 * Posting only queues a request; its outcome arrives as a completion. At most
 * {@linkcode RioSocket.receives} and {@linkcode RioSocket.sends} requests can
 * be outstanding: posted, and not yet dequeued.
 *
 * Sources: Microsoft's pages on `RIOCreateRequestQueue`, `RIOReceiveEx` and
 * `RIOSendEx`.
 *
 * @example Receive one datagram
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(2048);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * socket.receive(buffer.slice());
 * ```
 */
export class RioSocket extends RioEndpoint {
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  readonly #ownsQueue: boolean;

  /** Where receives complete. */
  readonly completions: RioCompletionQueue;
  /** Where sends complete; often the same queue. */
  readonly sendCompletions: RioCompletionQueue;

  static {
    grantAddress = (socket, { hostname, port }) =>
      socket.#core.permissions.grant(hostname, port);
  }

  /** @ignore */
  constructor(
    key: typeof INTERNAL,
    parts: EndpointParts,
    queues: SocketQueues,
  ) {
    super(key, parts);
    this.#core = parts.core;
    this.#record = parts.record;
    this.#ownsQueue = queues.owned;
    this.completions = queues.receive;
    this.sendCompletions = queues.send;
  }

  /** Receives that can be outstanding at a time. */
  get receives(): number {
    return this.#record.receives;
  }

  /** Sends that can be outstanding at a time. */
  get sends(): number {
    return this.#record.sends;
  }

  /** Receives posted and not yet dequeued. */
  get outstandingReceives(): number {
    return this.#record.outstandingReceives;
  }

  /** Sends posted and not yet dequeued. */
  get outstandingSends(): number {
    return this.#record.outstandingSends;
  }

  /** Requests posted and not yet dequeued. */
  get outstanding(): number {
    return this.#record.outstandingReceives + this.#record.outstandingSends;
  }

  /**
   * Posts a receive.
   *
   * The slices belong to the kernel until the completion is dequeued. Each
   * datagram takes one receive; one that is longer than the slice completes
   * with `WSAEMSGSIZE`, and its end is lost. On TCP, 0 bytes mean that the
   * peer sends no more.
   *
   * @param slice Where to put the data; `null` to take a datagram and drop it.
   * @param options Further slices, flags and context.
   * @throws {TypeError} If a slice or an option does not fit.
   * @throws {RangeError} If a slice is too short.
   * @throws {RioError} `WSAENOBUFS` if {@linkcode RioSocket.receives} are
   * outstanding, `WSAENOTCONN` for TCP that is not connected.
   * @throws {RioClosedError} If the socket was closed or the buffer deregistered.
   */
  receive(
    slice: RioSlice<ArrayBufferLike> | null,
    options?: RioReceiveOptions,
  ): void {
    post(this.#core, this, this.#record, false, slice, options);
  }

  /**
   * Posts a send.
   *
   * The slices belong to the kernel until the completion is dequeued, which
   * says that the system has taken the data, not that it arrived.
   *
   * @param slice The data; `null` for an empty datagram.
   * @param options Destination, control messages, flags and context.
   * @throws {TypeError} If a slice or an option does not fit.
   * @throws {RangeError} If a slice is too short.
   * @throws {RioError} `WSAENOBUFS` if {@linkcode RioSocket.sends} are
   * outstanding, `WSAENOTCONN` where there is neither connection nor
   * destination.
   * @throws {RioClosedError} If the socket was closed or the buffer deregistered.
   * @throws {Deno.errors.NotCapable} If the destination is not permitted.
   */
  send(
    slice: RioSlice<ArrayBufferLike> | null,
    options?: RioSendOptions,
  ): void {
    post(this.#core, this, this.#record, true, slice, options);
  }

  /**
   * Starts everything that was deferred; posts nothing.
   *
   * @param direction Which requests; both by default.
   * @throws {RioClosedError} If the socket was closed.
   * @throws {RioError} If the system refuses.
   */
  commit(direction?: "receive" | "send"): void {
    assertEndpointOpen(this, "commit");
    if (direction !== undefined) {
      assertOneOf("direction", direction, ["receive", "send"]);
    }
    const { ledger, backend } = this.#core;
    const queue = this.#record.requestQueue;
    if (direction !== "receive" && this.#record.sends > 0) {
      ledger.calls[CALL.send]!++;
      const errno = backend.rings.send(queue, null, RIO_MSG_COMMIT_ONLY, 0);
      check(errno, "RIOSend", "commit deferred sends");
    }
    if (direction !== "send" && this.#record.receives > 0) {
      ledger.calls[CALL.receive]!++;
      const errno = backend.rings.receive(queue, null, RIO_MSG_COMMIT_ONLY, 0);
      check(errno, "RIOReceive", "commit deferred receives");
    }
  }

  /**
   * Changes how many requests can be outstanding; keeps those that are.
   *
   * To grow, first give the completion queue room with
   * {@linkcode RioCompletionQueue.resize}.
   *
   * @param limits The new limits, in entries; what is absent stays as it is.
   * @throws {RangeError} If a limit is out of range.
   * @throws {RioError} `WSAETOOMANYREFS` if more are outstanding, `WSAENOBUFS`
   * if the completion queue has no room.
   * @throws {RioClosedError} If the socket was closed.
   */
  resize(limits: {
    /** Receives that can be outstanding at a time. */
    receives?: number;
    /** Sends that can be outstanding at a time. */
    sends?: number;
  }): void {
    const record = this.#record;
    const { receives = record.receives, sends = record.sends } = limits;
    assertLimits(receives, sends);
    assertEndpointOpen(this, "resize");
    const { ledger, backend } = this.#core;
    ledger.calls[CALL.resizeRequestQueue]!++;
    check(
      backend.rings.resizeRequestQueue(record.requestQueue, receives, sends),
      "RIOResizeRequestQueue",
      `resize a request queue from ${record.receives} receives and ${record.sends} sends to ${receives} and ${sends}`,
    );
    ledger.resizeSocket(record, receives, sends);
  }

  /**
   * Connects the socket.
   *
   * A UDP socket can then send without a destination, and receives from that
   * peer only.
   *
   * @param address The peer, as an IP literal.
   * @throws {TypeError} If the hostname is no literal of the socket's family.
   * @throws {RangeError} If the port is out of range.
   * @throws {RioError} For example `WSAECONNREFUSED`.
   * @throws {RioClosedError} If the socket was closed meanwhile.
   * @throws {Deno.errors.NotCapable} If the address is not permitted.
   */
  async connect(address: IpAddress): Promise<void> {
    // Read once: what is permitted is what is connected to.
    const { hostname, port } = address;
    assertEndpointOpen(this, "connect");
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    encodeFor(this, bytes, { hostname, port });
    this.#core.permissions.require(hostname, port);
    const { backend, waiter } = this.#core;
    const { handle } = this.#record;
    const key = keyOf(this);
    let outcome = backend.sockets.connect(handle, bytes, key);
    while (outcome === 0) {
      await waiter.wait(key);
      assertEndpointOpen(this, "connect");
      outcome = backend.sockets.connected(handle);
    }
    checkHandle(outcome, "connect", `connect to ${hostname}:${port}`);
    refreshAddresses(this);
  }

  /**
   * Closes the socket quietly; its own completion queue is closed with it.
   *
   * Its requests are drained, for at most 100 milliseconds; completions on a
   * queue that others use are kept for whoever dequeues next.
   */
  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    if (this.outstanding > 0) {
      const drained = () => this.outstanding === 0;
      drainNow(() => this.#core.pull(), drained, DRAIN_MS);
    }
    if (this.#ownsQueue) this.completions.close();
  }
}
