/**
 * Sockets with a request queue.
 *
 * @module
 */
import { type IpAddress, readAddress, writeAddress } from "../address.ts";
import {
  AF_INET6,
  RIO_MSG_COMMIT_ONLY,
  SD_BOTH,
  SD_RECEIVE,
  SD_SEND,
} from "../constants.ts";
import { WSA_IO_PENDING } from "../error_numbers.ts";
import { check, checkHandle, RioClosedError } from "../errors.ts";
import { SOCKADDR_INET } from "../layout.ts";
import { assertOneOf } from "./arguments.ts";
import type { RioSlice } from "./buffer.ts";
import type { SessionCore } from "./core.ts";
import { CALL, type SocketRecord } from "./ledger.ts";
import { post, type RioReceiveOptions, type RioSendOptions } from "./post.ts";
import type { RioCompletionQueue } from "./queue.ts";
import {
  assertLimits,
  attachQueues,
  type RioQueueOptions,
  type SocketQueues,
} from "./request_queue.ts";
import { optionNumbers, type RioSocketOption } from "./socket_options.ts";

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
export class RioSocket implements Disposable {
  readonly #core: SessionCore;
  readonly #record: SocketRecord;
  readonly #family: number;
  readonly #queues: SocketQueues | null;
  readonly #key: number;
  #address: Deno.NetAddr;
  #remoteAddress: Deno.NetAddr | null = null;
  #accepting: Promise<unknown> | null = null;

  /** The transport of the socket. */
  readonly transport: "udp" | "tcp";

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
    kind: {
      /** The transport. */
      transport: "udp" | "tcp";
      /** The Winsock number of the address family. */
      family: number;
      /** The completion queues; `null` for a listener. */
      queues: SocketQueues | null;
    },
  ) {
    this.#core = core;
    this.#record = record;
    this.transport = kind.transport;
    this.#family = kind.family;
    this.#queues = kind.queues;
    this.#key = core.waiter.createKey();
    this.#address = this.#localAddress();
    core.watch(this, "RioSocket", (ledger) => {
      if (record.closed) return false;
      ledger.closeSocket(record);
      return true;
    });
  }

  /** The local address; port 0 was replaced by the one that was given. */
  get address(): Deno.NetAddr {
    return this.#address;
  }

  /** The peer's address; `null` while the socket is not connected. */
  get remoteAddress(): Deno.NetAddr | null {
    return this.#remoteAddress;
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

  /** Whether the socket was closed; requests can still be outstanding. */
  get closed(): boolean {
    return this.#record.closed;
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
    this.#assertOpen("commit");
    if (direction !== undefined) {
      assertOneOf("direction", direction, ["receive", "send"]);
    }
    const { ledger, backend } = this.#core;
    const queue = this.#record.requestQueue;
    if (direction !== "receive" && this.#record.sends > 0) {
      ledger.calls[CALL.send]!++;
      const errno = backend.send(queue, null, RIO_MSG_COMMIT_ONLY, 0);
      check(errno, "RIOSend", "commit deferred sends");
    }
    if (direction !== "send" && this.#record.receives > 0) {
      ledger.calls[CALL.receive]!++;
      const errno = backend.receive(queue, null, RIO_MSG_COMMIT_ONLY, 0);
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
    this.#assertOpen("resize");
    const { ledger, backend } = this.#core;
    ledger.calls[CALL.resizeRequestQueue]!++;
    check(
      backend.resizeRequestQueue(record.requestQueue, receives, sends),
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
    this.#assertOpen("connect");
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    this.#encode(bytes, address);
    this.#core.permissions.require(address.hostname, address.port);
    const { backend, waiter } = this.#core;
    let errno = backend.connect(this.#record.handle, bytes, this.#key);
    while (errno === WSA_IO_PENDING) {
      await waiter.wait(this.#key);
      this.#assertOpen("connect");
      errno = backend.connected(this.#record.handle);
    }
    check(errno, "connect", `connect to ${address.hostname}:${address.port}`);
    this.#address = this.#localAddress();
    this.#remoteAddress = this.#peerAddress();
  }

  /**
   * Waits for a connection on a listener.
   *
   * @param options Queues of the socket that is returned.
   * @returns The connected socket.
   * @throws {RangeError} If a limit is out of range.
   * @throws {RioError} For example `WSAEMFILE`.
   * @throws {RioClosedError} If the listener was closed.
   */
  accept(options: RioQueueOptions = {}): Promise<RioSocket> {
    // One native accept at a time; callers are served in their order.
    const turn = (this.#accepting ?? Promise.resolve())
      .then(() => this.#acceptNext(options));
    this.#accepting = turn.catch(() => {});
    return turn;
  }

  /**
   * Ends one direction of a TCP connection.
   *
   * @param direction What ends: `"send"` tells the peer that no more comes.
   * @default {"send"}
   * @throws {TypeError} If the direction is unknown.
   * @throws {RioError} For example `WSAENOTCONN`.
   * @throws {RioClosedError} If the socket was closed.
   */
  shutdown(direction: "receive" | "send" | "both" = "send"): void {
    assertOneOf("direction", direction, ["receive", "send", "both"]);
    this.#assertOpen("shut down");
    const how =
      { receive: SD_RECEIVE, send: SD_SEND, both: SD_BOTH }[direction];
    check(
      this.#core.backend.shutdown(this.#record.handle, how),
      "shutdown",
      `shut down ${direction}`,
    );
  }

  /**
   * Sets an option of the socket.
   *
   * @param option Its name.
   * @param value Its value; on and off are `true` and `false`, or 1 and 0.
   * @throws {TypeError} If there is no such option, or the value is no number.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  setOption(option: RioSocketOption, value: number | boolean): void {
    const [level, name] = optionNumbers(option, this.#family);
    if (typeof value !== "number" && typeof value !== "boolean") {
      throw new TypeError(
        `Invalid value ${
          String(value)
        } of socket option "${option}": give a number or a boolean`,
      );
    }
    this.#assertOpen("set an option");
    const bytes = new Uint8Array(new Int32Array([Number(value)]).buffer);
    check(
      this.#core.backend.setOption(this.#record.handle, level, name, bytes),
      "setsockopt",
      `set socket option "${option}" to ${value}`,
    );
  }

  /**
   * Reads an option of the socket.
   *
   * @param option Its name.
   * @returns Its value, as the system gives it.
   * @throws {TypeError} If there is no such option.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  getOption(option: RioSocketOption): number {
    const [level, name] = optionNumbers(option, this.#family);
    this.#assertOpen("get an option");
    const value = new Int32Array(1);
    const bytes = new Uint8Array(value.buffer);
    checkHandle(
      this.#core.backend.getOption(this.#record.handle, level, name, bytes),
      "getsockopt",
      `get socket option "${option}"`,
    );
    return value[0]!;
  }

  /**
   * Sets an option by its Winsock numbers, for those that have no name here.
   *
   * @param numbers Level and name, for example `[IPPROTO_IP, IP_ADD_MEMBERSHIP]`.
   * @param value The bytes of its value, as Winsock lays them out.
   * @throws {RioError} `WSAENOPROTOOPT` where the system does not have it.
   * @throws {RioClosedError} If the socket was closed.
   */
  setRawOption(
    numbers: readonly [level: number, name: number],
    value: Uint8Array,
  ): void {
    const [level, name] = numbers;
    this.#assertOpen("set an option");
    check(
      this.#core.backend.setOption(this.#record.handle, level, name, value),
      "setsockopt",
      `set socket option ${name} of level ${level}`,
    );
  }

  /**
   * Writes an address into a slice, in the form that this socket sends to.
   *
   * @param slice At least 28 bytes.
   * @param address Host, as an IP literal, and port.
   * @throws {TypeError} If the hostname is no literal of the socket's family.
   * @throws {RangeError} If the port is out of range or the slice too short.
   */
  writeAddress(slice: RioSlice, address: IpAddress): void {
    this.#encode(slice.bytes, address);
  }

  /**
   * Reads the address that a receive left in a slice.
   *
   * @param slice At least 28 bytes.
   * @returns Host, port and transport.
   * @throws {TypeError} If the slice holds no address.
   */
  readAddress(slice: RioSlice): Deno.NetAddr {
    return readAddress(slice.bytes, this.transport);
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
      this.#assertOpen("accept");
      const handle = backend.accept(this.#record.handle, this.#key);
      if (handle === -WSA_IO_PENDING) {
        await waiter.wait(this.#key);
        continue;
      }
      checkHandle(
        handle,
        "accept",
        `accept on ${this.#address.hostname}:${this.#address.port}`,
      );
      const record = ledger.addSocket(handle);
      try {
        const queues = attachQueues(this.#core, record, options);
        const socket = new RioSocket(this.#core, record, {
          transport: "tcp",
          family: this.#family,
          queues,
        });
        socket.#remoteAddress = socket.#peerAddress();
        return socket;
      } catch (error) {
        ledger.closeSocket(record);
        throw error;
      }
    }
  }

  #encode(bytes: Uint8Array, address: IpAddress): void {
    writeAddress(bytes, address, { mapped: this.#family === AF_INET6 });
    if (bytes[SOCKADDR_INET.family] !== this.#family) {
      throw new TypeError(
        `Invalid hostname "${address.hostname}": the socket is bound to the IPv4 address ${this.#address.hostname}, open one on "::" for IPv6`,
      );
    }
  }

  #localAddress(): Deno.NetAddr {
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    const { backend } = this.#core;
    const errno = backend.localAddress(this.#record.handle, bytes);
    // A socket that was never bound has no address on Windows.
    return errno === 0 ? readAddress(bytes, this.transport) : {
      transport: this.transport,
      hostname: this.#family === AF_INET6 ? "::" : "0.0.0.0",
      port: 0,
    };
  }

  #peerAddress(): Deno.NetAddr | null {
    const bytes = new Uint8Array(SOCKADDR_INET.size);
    const { backend } = this.#core;
    const errno = backend.remoteAddress(this.#record.handle, bytes);
    return errno === 0 ? readAddress(bytes, this.transport) : null;
  }

  #requireQueues(): SocketQueues {
    if (this.#queues === null) {
      throw new TypeError("A listener has no completions: accept() a socket");
    }
    return this.#queues;
  }

  #assertOpen(attempt: string): void {
    if (this.#record.closed) {
      throw new RioClosedError(`Cannot ${attempt}: the socket was closed`);
    }
  }
}
