/**
 * Sockets that carry data: they have a request queue.
 *
 * @module
 */
import { type IpAddress, showAddress } from "../address.ts";
import { RIO_MSG_COMMIT_ONLY } from "../constants.ts";
import { WSAENOTCONN } from "../error_numbers.ts";
import { check, checkHandle, RioError } from "../errors.ts";
import type { INTERNAL } from "../internal.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertOneOf } from "../arguments.ts";
import type { RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import {
  assertEndpointOpen,
  encodeFor,
  type EndpointParts,
  refreshAddresses,
  RioEndpoint,
} from "./endpoint.ts";
import type { SocketRecord } from "./ledger.ts";
import {
  assertLimits,
  attachQueues,
  type QueuePlan,
  type SocketQueues,
} from "./request_queue.ts";
import { isPermitted } from "./permissions.ts";
import { post, type RioReceiveOptions, type RioSendOptions } from "./post.ts";
import { queueRecordOf, type RioCompletionQueue } from "./queue.ts";
import { drainNow } from "./teardown.ts";

/** How long disposing a socket waits for its requests, in milliseconds. */
const DRAIN_MS = 100;

/**
 * A UDP or TCP socket with a request queue.
 *
 * Posting only queues a request; its outcome arrives as a completion. At most
 * {@linkcode RioSocket.receives} and {@linkcode RioSocket.sends} requests can
 * be outstanding: posted, and not yet dequeued.
 *
 * Codes that begin with `WSA` are Winsock's names for what Linux calls the same
 * without it, `ENOBUFS` for `WSAENOBUFS`: see {@linkcode RioError}.
 *
 * Sources: Microsoft's pages on `RIOCreateRequestQueue`, `RIOReceiveEx` and
 * `RIOSendEx`.
 *
 * @example Echo one datagram: a receive with its sender, and the answer
 * ```ts
 * import { ADDRESS_SIZE, readAddress, RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(2048 + ADDRESS_SIZE);
 * const data = buffer.slice(0, 2048);
 * const remote = buffer.slice(2048);
 * using server = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * server.receive(data, { remote });
 *
 * using own = session.registerBuffer(5);
 * own.bytes.set(new TextEncoder().encode("hello"));
 * using client = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await client.connect(server.address);
 * client.send(own.slice());
 *
 * for await (const batch of server.completions) {
 *   const received = batch.find(({ kind }) => kind === "receive");
 *   if (!received) break; // the answer has left
 *   console.log("from port", readAddress(remote.bytes, "udp").port);
 *   server.send(buffer.slice(0, received.bytesTransferred), { remote });
 * }
 * ```
 */
export class RioSocket extends RioEndpoint {
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  readonly #plan: QueuePlan;
  /** `null` until somebody needs them, where that is planned. */
  #queues: SocketQueues | null = null;

  /** @ignore */
  constructor(
    key: typeof INTERNAL,
    parts: EndpointParts,
    plan: QueuePlan,
  ) {
    super(key, parts);
    const { core, record } = parts;
    this.#core = core;
    this.#record = record;
    this.#plan = plan;
    if (plan.late) core.ledger.setLimits(record, plan.receives, plan.sends);
    else {
      try {
        this.#attached();
      } catch (error) {
        // There may be another object of the same socket.
        core.forget(this);
        throw error;
      }
    }
  }

  /** Where receives complete. */
  get completions(): RioCompletionQueue {
    return this.#attached().receive;
  }

  /** Where sends complete; often the same queue. */
  get sendCompletions(): RioCompletionQueue {
    return this.#attached().send;
  }

  /** Receives that can be outstanding at a time. */
  get receives(): number {
    return this.#record.receives.limit;
  }

  /** Sends that can be outstanding at a time. */
  get sends(): number {
    return this.#record.sends.limit;
  }

  /** Receives posted and not yet dequeued. */
  get outstandingReceives(): number {
    return this.#record.receives.outstanding;
  }

  /** Sends posted and not yet dequeued. */
  get outstandingSends(): number {
    return this.#record.sends.outstanding;
  }

  /** Requests posted and not yet dequeued. */
  get outstanding(): number {
    return this.#record.outstanding;
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
   * @throws {RioClosedError} If the socket was closed or the buffer
   * deregistered.
   */
  receive(
    slice: RioSlice<ArrayBufferLike> | null,
    options?: RioReceiveOptions,
  ): void {
    if (this.#queues === null) this.#attached();
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
   * @throws {RioClosedError} If the socket was closed or the buffer
   * deregistered.
   * @throws {Deno.errors.NotCapable} If the destination is not permitted.
   */
  send(
    slice: RioSlice<ArrayBufferLike> | null,
    options?: RioSendOptions,
  ): void {
    if (this.#queues === null) this.#attached();
    post(this.#core, this, this.#record, true, slice, options);
  }

  /**
   * Starts everything that was deferred; posts nothing.
   *
   * With `io_uring` other requests of a connection leave at the end of the turn,
   * together with those of others, or at once with this call.
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
    if (this.#queues === null) return;
    const { ledger: { calls }, backend: { rings } } = this.#core;
    const queue = this.#record.requestQueue;
    if (direction !== "receive" && this.sends > 0) {
      calls.RIOSend++;
      const errno = rings.send(queue, null, RIO_MSG_COMMIT_ONLY, 0);
      check(errno, "RIOSend", "commit deferred sends");
    }
    if (direction !== "send" && this.receives > 0) {
      calls.RIOReceive++;
      const errno = rings.receive(queue, null, RIO_MSG_COMMIT_ONLY, 0);
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
    const { receives = this.receives, sends = this.sends } = limits;
    assertLimits(receives, sends);
    assertEndpointOpen(this, "resize");
    this.#attached();
    const record = this.#record;
    const { ledger, backend } = this.#core;
    ledger.calls.RIOResizeRequestQueue++;
    check(
      backend.rings.resizeRequestQueue(record.requestQueue, receives, sends),
      "RIOResizeRequestQueue",
      `resize a request queue from ${this.receives} receives and ${this.sends} sends to ${receives} and ${sends}`,
    );
    ledger.setLimits(record, receives, sends);
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
    if (!isPermitted(address)) this.#core.permissions.require(hostname, port);
    const { backend, waiter } = this.#core;
    const { handle, key } = this.#record;
    let outcome = backend.sockets.connect(handle, bytes, key);
    while (outcome === 0) {
      await waiter.fires(key);
      assertEndpointOpen(this, "connect");
      outcome = backend.sockets.connected(handle);
    }
    checkHandle(
      outcome,
      "connect",
      `connect to ${showAddress({ hostname, port })}`,
    );
    refreshAddresses(this);
  }

  /**
   * Ends the association of a UDP socket with its peer: it receives from
   * everybody again, and its sends need a destination. It keeps its local
   * address and port.
   *
   * Source: connect(2), and Microsoft's page on `connect`.
   *
   * @throws {RioError} `WSAENOTCONN` if the socket has no peer.
   * @throws {TypeError} If it is a TCP socket, whose connection ends with it.
   * @throws {RioClosedError} If the socket was closed.
   */
  disconnect(): void {
    if (this.transport !== "udp") {
      throw new TypeError(
        "Cannot disconnect a TCP socket: shut it down, or close it",
      );
    }
    assertEndpointOpen(this, "disconnect");
    const attempt = "disconnect";
    if (this.remoteAddress === null) {
      throw new RioError({ errno: WSAENOTCONN, syscall: "connect", attempt });
    }
    const nobody = new Uint8Array(SOCKADDR_INET.size);
    const { sockets } = this.#core.backend;
    const { handle, key } = this.#record;
    checkHandle(sockets.connect(handle, nobody, key), "connect", attempt);
    refreshAddresses(this);
  }

  /** What a socket shows when it is logged or serialised. */
  override toJSON(): Record<string, unknown> {
    const { receives, sends, outstanding } = this;
    return { ...super.toJSON(), receives, sends, outstanding };
  }

  /**
   * Closes the socket, and its own completion queue with it; throws nothing.
   *
   * Its requests are drained, for at most 100 milliseconds, or longer where the
   * system is too busy to look 50 times in them. Completions that arrive on a
   * queue that was given are kept there for the next `dequeue()`.
   */
  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    if (this.#queues === null) return;
    const { receive, send } = this.#queues;
    // No other queue: what it costs does not depend on what else is open.
    const queues = [receive, send].map(queueRecordOf);
    const source = { pull: () => this.#core.pull(queues) };
    if (this.outstanding > 0) drainNow(source, this, DRAIN_MS);
    if (queues[0]!.owned) receive.close();
    for (const queue of queues) this.#core.late.add(queue);
  }

  /** The completion queues; makes the request queue where there is none yet. */
  #attached(): SocketQueues {
    if (this.#queues !== null) return this.#queues;
    assertEndpointOpen(this, "make a request queue");
    return this.#queues = attachQueues(this.#core, this.#record, this.#plan);
  }
}
