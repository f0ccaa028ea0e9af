/**
 * Sockets with a request queue.
 *
 * @module
 */
import type { IpAddress } from "../address.ts";
import { RIO_MSG_COMMIT_ONLY } from "../constants.ts";
import { check, checkHandle } from "../errors.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertOneOf } from "./arguments.ts";
import type { RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import {
  assertEndpointOpen,
  encodeFor,
  type EndpointKind,
  familyOf,
  refreshAddresses,
  RioEndpoint,
} from "./endpoint.ts";
import { CALL, type SocketRecord } from "./ledger.ts";
import { post, type RioReceiveOptions, type RioSendOptions } from "./post.ts";
import type { RioCompletionQueue } from "./queue.ts";
import {
  assertLimits,
  assertQueueOptions,
  attachQueues,
  readOnce,
  type RioQueueOptions,
  type SocketQueues,
} from "./request_queue.ts";

/**
 * Takes an address for granted whose name is; for this package only.
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
export class RioSocket extends RioEndpoint implements Disposable {
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  readonly #queues: SocketQueues | null;
  readonly #key: number;
  #accepting: Promise<unknown> | null = null;
  #referenced = true;

  static {
    grantAddress = (socket, { hostname, port }) =>
      socket.#core.permissions.grant(hostname, port);
  }

  /**
   * For this package only: use {@linkcode RioSession.openSocket}.
   *
   * @param core The session's parts.
   * @param record The native socket.
   * @param kind Transport, address family and queues.
   */
  constructor(
    core: SessionCore,
    record: SocketRecord,
    kind: EndpointKind & {
      /** The completion queues; `null` for a listener. */
      queues: SocketQueues | null;
    },
  ) {
    super(core, record, kind);
    this.#core = core;
    this.#record = record;
    this.#queues = kind.queues;
    this.#key = core.waiter.createKey();
    core.watch(this, "RioSocket", (ledger) => {
      if (record.closed) return false;
      ledger.closeSocket(record);
      return true;
    });
  }

  /**
   * Where receives complete.
   *
   * @throws {TypeError} If the socket is a listener.
   */
  get completions(): RioCompletionQueue {
    return this.#requireQueues().receive;
  }

  /**
   * Where sends complete; often the same queue.
   *
   * @throws {TypeError} If the socket is a listener.
   */
  get sendCompletions(): RioCompletionQueue {
    return this.#requireQueues().send;
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
  receive(slice: RioSlice | null, options?: RioReceiveOptions): void {
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
  send(slice: RioSlice | null, options?: RioSendOptions): void {
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
    let outcome = backend.sockets.connect(handle, bytes, this.#key);
    while (outcome === 0) {
      await waiter.wait(this.#key);
      assertEndpointOpen(this, "connect");
      outcome = backend.sockets.connected(handle);
    }
    checkHandle(outcome, "connect", `connect to ${hostname}:${port}`);
    refreshAddresses(this);
  }

  /**
   * Waits for a connection on a listener.
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
    if (this.#queues !== null) {
      throw new TypeError(
        "Cannot accept: the socket was opened without backlog",
      );
    }
    // One native accept at a time; callers are served in their order.
    const turn = (this.#accepting ?? Promise.resolve())
      .then(() => this.#acceptNext(queueOptions));
    this.#accepting = turn.catch(() => {});
    return await turn;
  }

  /** Lets waiting for a connection keep the process alive; it does at first. */
  ref(): void {
    this.#referenced = true;
  }

  /** Lets the process end while {@linkcode RioSocket.accept} waits. */
  unref(): void {
    this.#referenced = false;
    // A wait on another thread keeps the process alive: end it.
    this.#core.waiter.pause(this.#key);
  }

  /**
   * Closes the socket; a second call does nothing.
   *
   * Every outstanding request completes, most with `WSA_OPERATION_ABORTED`, and
   * its memory belongs to the kernel until that completion is dequeued.
   *
   * @throws {RioError} If the system refuses.
   */
  close(): void {
    if (this.#record.closed) return;
    this.#core.forget(this);
    const errno = this.#core.ledger.closeSocket(this.#record);
    this.#core.waiter.cancel(this.#key);
    check(errno, "closesocket", "close a socket");
  }

  /**
   * Closes the socket quietly; its own completion queue is closed with it.
   *
   * Its requests are drained, for at most 100 milliseconds; completions on a
   * queue that others use are kept for whoever dequeues next.
   */
  [Symbol.dispose](): void {
    this.#core.forget(this);
    this.#core.ledger.closeSocket(this.#record);
    this.#core.waiter.cancel(this.#key);
    if (this.outstanding > 0) {
      this.#core.drain(() => this.outstanding === 0, DRAIN_MS);
    }
    if (this.#queues?.owned) this.#queues.receive.close();
  }

  async #acceptNext(options: RioQueueOptions): Promise<RioSocket> {
    const { backend, waiter, ledger } = this.#core;
    for (;;) {
      assertEndpointOpen(this, "accept");
      const handle = backend.sockets.accept(this.#record.handle, this.#key);
      if (handle === 0) {
        if (this.#referenced) await waiter.wait(this.#key);
        else await waiter.glance(this.#key);
        continue;
      }
      checkHandle(
        handle,
        "accept",
        `accept on ${this.address.hostname}:${this.address.port}`,
      );
      const record = ledger.addSocket(handle);
      try {
        const queues = attachQueues(this.#core, record, options);
        const socket = new RioSocket(this.#core, record, {
          transport: "tcp",
          family: familyOf(this),
          queues,
        });
        refreshAddresses(socket);
        return socket;
      } catch (error) {
        ledger.closeSocket(record);
        throw error;
      }
    }
  }

  #requireQueues(): SocketQueues {
    if (this.#queues === null) {
      throw new TypeError("A listener has no completions: accept() a socket");
    }
    return this.#queues;
  }
}
