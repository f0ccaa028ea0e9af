/**
 * Datagram sockets with the shape of Node's own.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { channel } from "node:diagnostics_channel";
import { nextTick } from "node:process";
import { NativePromise } from "../globals.ts";
import type { RioDatagramConn } from "../net/datagrams/conn.ts";
import type { RioSocket } from "../session/socket.ts";
import { AdjustableSocket, NATIVE } from "./adjustable_socket.ts";
import { Family, type Host } from "./addresses.ts";
import { readBind } from "./bind_arguments.ts";
import { type Connecting, readConnect } from "./connect_arguments.ts";
import { Deferred } from "./deferred.ts";
import { Destinations } from "./destinations.ts";
import {
  assertNumber,
  assertString,
  systemError,
  wrongState,
} from "./errors.ts";
import { type Checked, checkOptions } from "./options.ts";
import { closeWith, guarded, onceBound } from "./events.ts";
import { type Local, openConn } from "./open_conn.ts";
import { receiveAll } from "./receives.ts";
import { readSend, type Sending } from "./send_arguments.ts";
import { Sends } from "./sends.ts";
import type {
  AddressInfo,
  BindArguments,
  Payload,
  RemoteInfo,
  SendCallback,
  SocketOptions,
  SocketType,
} from "./types.ts";

/** Tells of new sockets, as Node's channel of that name. */
const made = channel("udp.socket");

const UNBOUND = 0;
const BINDING = 1;
const BOUND = 2;
const CONNECTING = 1;
const CONNECTED = 2;

/**
 * A UDP socket with the methods, events and errors of `dgram.Socket`.
 *
 * Its events are those of {@linkcode SocketEvents}. Beyond Node's there is
 * `messages`: all that has arrived, for programs that know this package.
 *
 * Source: the chapter "UDP/datagram sockets" of Node's documentation.
 *
 * @example Send, and close
 * ```ts
 * import { createSocket } from "@winsock/rio/dgram";
 *
 * await using socket = createSocket("udp4");
 * socket.send("hello", 9, "127.0.0.1");
 * ```
 */
export class Socket extends AdjustableSocket implements AsyncDisposable {
  /** The family. */
  readonly type: SocketType;
  readonly #options: Checked;
  readonly #family: Family;
  #binding: typeof UNBOUND | typeof BINDING | typeof BOUND = UNBOUND;
  #peer: 0 | typeof CONNECTING | typeof CONNECTED = 0;
  #conn: RioDatagramConn | undefined;
  #sends: Sends | undefined;
  readonly #deferred: Deferred = new Deferred(this);
  readonly #destinations: Destinations;
  #referenced = true;
  #closed = false;
  /** Resolves when the last peer has no part in the socket any more. */
  #letGo: Promise<void> | undefined;

  /**
   * Makes a socket, as {@linkcode createSocket} does.
   *
   * @param type The family, or options.
   * @param listener A listener of `message`.
   * @throws {TypeError} `ERR_SOCKET_BAD_TYPE`, `ERR_INVALID_ARG_TYPE`
   * @throws {RangeError} `ERR_OUT_OF_RANGE`
   */
  constructor(
    type: SocketType | SocketOptions,
    listener?: (message: Buffer, rinfo: RemoteInfo) => void,
  ) {
    super();
    this.#options = checkOptions(type);
    this.type = this.#options.type;
    const { lookup, sendBlockList, signal } = this.#options;
    this.#family = new Family(this.type, lookup);
    this.#destinations = new Destinations(this.#family, sendBlockList);
    if (typeof listener === "function") this.on("message", listener);
    const isClosed = () => this.#closed;
    if (signal) closeWith(signal, { socket: this, isClosed });
    if (made.hasSubscribers) made.publish({ socket: this });
  }

  /**
   * Binds the socket and begins to receive; tells it with `listening`, or with
   * `error`.
   *
   * @param args The port, any by default, or options; the address, all of this
   * host's by default; and a callback, told as `listening`. Each can be left out.
   * @throws {Error} `ERR_SOCKET_ALREADY_BOUND`, `ERR_SOCKET_DGRAM_NOT_RUNNING`
   * @throws {TypeError} `ERR_INVALID_FD_TYPE` for a descriptor,
   * `ERR_INVALID_ARG_TYPE`
   */
  bind(...args: BindArguments): this {
    this.#assertRunning();
    if (this.#binding !== UNBOUND) throw wrongState("ERR_SOCKET_ALREADY_BOUND");
    const { port, host, callback } = readBind(args, this.#family.everywhere);
    this.#binding = BINDING;
    if (callback) onceBound(this, callback);
    this.#family.find(host, (error, found) => {
      if (this.#closed) return;
      if (found === null) return this.#notBound(error);
      this.#bind({ address: found.ip, port, hostname: found.hostname });
    });
    return this;
  }

  /**
   * Connects the socket to a peer: sends need no destination, and only what the
   * peer sends is received.
   *
   * @param port The peer's port.
   * @param address Its address or name, this host by default; or the callback.
   * @param callback Told as `connect`, or of the error.
   * @throws {RangeError} `ERR_SOCKET_BAD_PORT`
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {Error} `ERR_SOCKET_DGRAM_IS_CONNECTED`
   */
  connect(
    port: number,
    address?: string | ((error?: Error) => void),
    callback?: (error?: Error) => void,
  ): void {
    const asked = readConnect(port, address, callback);
    this.#assertRunning();
    if (this.#peer !== 0) throw wrongState("ERR_SOCKET_DGRAM_IS_CONNECTED");
    this.#peer = CONNECTING;
    this.#whenBound(() => {
      if (asked.callback) this.once("connect", asked.callback);
      const name = asked.address || this.#family.here;
      this.#family.find(name, async (error, host) => {
        if (this.#closed) return;
        const failure = host ? await this.#connect(host, asked) : error;
        if (this.#closed) return;
        nextTick(() => this.#connected(failure, asked.callback));
      });
    });
  }

  /**
   * Ends what {@linkcode Socket.connect} began.
   *
   * @throws {Error} `ERR_SOCKET_DGRAM_NOT_CONNECTED`,
   * `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  disconnect(): void {
    if (this.#peer !== CONNECTED) {
      throw wrongState("ERR_SOCKET_DGRAM_NOT_CONNECTED");
    }
    this.#assertRunning();
    this.#sends!.flush();
    this.#peer = 0;
    this.#letGo = this.#conn!.disconnect().catch((error) =>
      this.#failed(error)
    );
  }

  /** As {@linkcode Socket.send}, with all arguments. */
  sendto(
    buffer: Payload,
    offset: number,
    length: number,
    port: number,
    address: string,
    callback?: SendCallback,
  ): void {
    assertNumber("offset", offset);
    assertNumber("length", length);
    assertNumber("port", port);
    assertString("address", address);
    this.send(buffer, offset, length, port, address, callback);
  }

  /**
   * Sends a datagram, with all others of this turn of the event loop: `send(
   * message, [offset, length,] [port, address,] callback)`.
   *
   * @param message Text, bytes, or a list of parts.
   * @param rest A part of it, the destination unless the socket is connected, and
   * who is told what has become of it.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`
   * @throws {RangeError} `ERR_SOCKET_BAD_PORT`, `ERR_BUFFER_OUT_OF_BOUNDS`
   * @throws {Error} `ERR_SOCKET_DGRAM_IS_CONNECTED`,
   * `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  send(
    message: Payload | readonly Payload[],
    ...rest: (string | number | SendCallback | null | undefined)[]
  ): void {
    const connected = this.#peer === CONNECTED;
    const sending = readSend(message, { rest, connected });
    this.#assertRunning();
    if (this.#binding === BOUND) this.#send(sending, connected);
    else this.#whenBound(() => this.#send(sending, false));
  }

  /**
   * Closes the socket.
   *
   * @param callback Told as `close`.
   * @throws {Error} `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  close(callback?: () => void): this {
    if (typeof callback === "function") this.on("close", callback);
    if (this.#deferred.pending) {
      this.#deferred.close(() => this.close());
      return this;
    }
    this.#assertRunning();
    this.#sends?.close();
    this.#closed = true;
    const end = () => nextTick(() => this.emit("close"));
    // What is on its way leaves first; where it has left, that takes no time.
    if (this.#sends?.busy) {
      this.#conn![Symbol.asyncDispose]().then(end, end);
    } else {
      this.#conn?.[Symbol.dispose]();
      end();
    }
    return this;
  }

  /** Closes the socket, unless it is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    await new NativePromise<void>((resolve) => this.close(resolve));
  }

  /**
   * The local address.
   *
   * @throws {Error} `EBADF` if it is not bound, `ERR_SOCKET_DGRAM_NOT_RUNNING`
   */
  address(): AddressInfo {
    this.#assertRunning();
    if (this.#conn === undefined) throw systemError("EBADF", "getsockname");
    return this.#family.address(this.#conn.addr);
  }

  /**
   * The peer's address.
   *
   * @throws {Error} `ERR_SOCKET_DGRAM_NOT_CONNECTED`
   */
  remoteAddress(): AddressInfo {
    this.#assertRunning();
    const peer = this.#conn?.socket.remoteAddress;
    if (this.#peer !== CONNECTED || !peer) {
      throw wrongState("ERR_SOCKET_DGRAM_NOT_CONNECTED");
    }
    return this.#family.address(peer);
  }

  /** Datagrams that have not left. */
  getSendQueueCount(): number {
    this.#assertRunning();
    return this.#sends?.count ?? 0;
  }

  /** Bytes of the datagrams that have not left. */
  getSendQueueSize(): number {
    this.#assertRunning();
    return this.#sends?.bytes ?? 0;
  }

  /** Lets the bound socket keep the process alive, as it does by default. */
  ref(): this {
    this.#referenced = true;
    if (!this.#closed) this.#conn?.ref();
    return this;
  }

  /** Lets the process end while the socket is open. */
  unref(): this {
    this.#referenced = false;
    if (!this.#closed) this.#conn?.unref();
    return this;
  }

  /** @ignore */
  override [NATIVE](bind: boolean): RioSocket | undefined {
    this.#assertRunning();
    if (bind && this.#conn === undefined) {
      const address = this.#family.everywhere;
      this.#open({ address, port: 0, hostname: address });
    }
    return this.#conn?.socket;
  }

  #assertRunning(): void {
    if (this.#closed) throw wrongState("ERR_SOCKET_DGRAM_NOT_RUNNING");
  }

  /** Does something now if it is bound, else once it is. */
  #whenBound(call: () => void): void {
    if (this.#binding === UNBOUND) this.bind({ port: 0 });
    if (this.#binding === BOUND) call();
    else this.#deferred.add(call);
  }

  #bind(local: Local): void {
    try {
      // It was bound for a membership.
      if (this.#conn !== undefined) throw systemError("EINVAL", "bind", local);
      this.#open(local);
    } catch (error) {
      return this.#notBound(error);
    }
    const { recvBufferSize, sendBufferSize } = this.#options;
    if (recvBufferSize) this.setRecvBufferSize(recvBufferSize);
    if (sendBufferSize) this.setSendBufferSize(sendBufferSize);
    this.#binding = BOUND;
    receiveAll(this.#conn!, this.#family, {
      socket: this,
      blocks: this.#options.receiveBlockList,
      isClosed: () => this.#closed,
      isConnected: () => this.#peer === CONNECTED,
      failed: (error) => this.#failed(error),
    });
    this.emit("listening");
  }

  #notBound(error: unknown): void {
    this.#binding = UNBOUND;
    this.emit("error", error as Error);
  }

  #open(local: Local): void {
    const conn = openConn(this.#options, local);
    this.#conn = conn;
    if (!this.#referenced) conn.unref();
    this.#sends = new Sends(conn, (error) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (!this.#closed) guarded(() => this.emit("error", error as Error));
  }

  async #connect(host: Host, asked: Connecting): Promise<unknown> {
    await this.#letGo;
    return await this.#destinations.connect(this.#conn!, host, asked);
  }

  #connected(failure: unknown, callback: Connecting["callback"]): void {
    this.#peer = failure === null ? CONNECTED : 0;
    if (failure === null) this.emit("connect");
    else if (!callback) this.emit("error", failure as Error);
    else {
      this.removeListener("connect", callback);
      callback(failure as Error);
    }
  }

  #send(sending: Sending, connected: boolean): void {
    if (this.#closed) return;
    if (connected) return this.#sends!.add(sending);
    const host = sending.address || this.#family.here;
    if (this.#family.knows(host)) {
      return this.#sendTo(sending, { ip: host, hostname: host });
    }
    this.#family.find(host, (error, found) => {
      if (this.#closed) return;
      if (found !== null) this.#sendTo(sending, found);
      else if (sending.callback) nextTick(sending.callback, error);
      else nextTick(() => this.emit("error", error!));
    });
  }

  #sendTo(sending: Sending, host: Host): void {
    const refused = this.#destinations.direct(sending, host);
    if (refused === null) this.#sends!.add(sending);
    // As in Node, without a callback it is nobody's matter.
    else if (sending.callback) nextTick(sending.callback, refused);
  }
}
