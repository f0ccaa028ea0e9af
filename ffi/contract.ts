/**
 * The contract between a session and a system: the 13 functions of Registered
 * I/O, and the few socket and wait calls that go with them.
 *
 * A backend speaks Winsock: its numbers, its errors, its address bytes. All
 * calls are synchronous and none blocks, except {@linkcode RioBackend.wait},
 * which waits on another thread. A backend belongs to the thread that opened
 * it.
 *
 * Return values are of two kinds. A function that reports only success returns
 * 0 or an error number. A function that returns a handle or a count returns it,
 * or minus an error number. Nothing throws for what the system answers.
 *
 * @module
 */
import type { RioResults } from "./layout.ts";
import type { RioMemory } from "./memory.ts";

export type { RioMemory };

/** Which system's sockets are behind a backend. */
export type RioBackendName = "winsock" | "linux";

/** How a completion queue tells that it has something. */
export type RioNotificationKind = "iocp" | "event";

/** A native handle below 2^53: a buffer id, a queue, a socket. */
export type RioHandle = number;

/** `RIO_BUF`: a slice of a registered buffer, given per request. */
export interface RioBuf {
  /** The registration. */
  readonly bufferId: RioHandle;
  /** First byte, from the start of the registration. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** What a completion queue notifies through; made and closed by a backend. */
export interface RioNotification {
  /** Event or I/O completion port. */
  readonly kind: RioNotificationKind;
  /** What {@linkcode RioBackend.wait} reports when it fires. */
  readonly key: number;
}

/** What one system can do and another cannot. */
export interface RioCapabilities {
  /** Sockets can share a port: `SO_REUSEPORT`. */
  readonly reusePort: boolean;
  /**
   * A send to a peer that reset the connection is a broken pipe to Deno's own
   * sockets here, elsewhere a reset.
   */
  readonly brokenPipe: boolean;
}

/** The 13 functions and what surrounds them, on one system. */
export interface RioBackend {
  /** Which system this is. */
  readonly name: RioBackendName;
  /** What it can do. */
  readonly capabilities: RioCapabilities;

  /**
   * `RIORegisterBuffer`: registers memory.
   *
   * The caller keeps the memory reachable, and its address valid, until
   * {@linkcode RioBackend.deregisterBuffer} returned.
   */
  registerBuffer(memory: RioMemory): RioHandle;
  /** `RIODeregisterBuffer`: ends a registration; an invalid id is ignored. */
  deregisterBuffer(bufferId: RioHandle): void;

  /** `RIOCreateCompletionQueue`: `null` makes a queue that is only polled. */
  createCompletionQueue(
    size: number,
    notification: RioNotification | null,
  ): RioHandle;
  /** `RIOCloseCompletionQueue`: drops what arrives later; 0 is ignored. */
  closeCompletionQueue(queue: RioHandle): void;
  /** `RIOResizeCompletionQueue`: keeps what is queued. */
  resizeCompletionQueue(queue: RioHandle, size: number): number;
  /**
   * `RIODequeueCompletion`: moves at most `max` results into `results`.
   *
   * Returns their number, or `RIO_CORRUPT_CQ`.
   */
  dequeueCompletion(
    queue: RioHandle,
    results: RioResults,
    max: number,
  ): number;
  /** `RIONotify`: arms the queue's notification once. */
  notify(queue: RioHandle): number;

  /** `RIOCreateRequestQueue`: one for the life of a socket. */
  createRequestQueue(
    socket: RioHandle,
    maxOutstandingReceive: number,
    maxReceiveDataBuffers: number,
    maxOutstandingSend: number,
    maxSendDataBuffers: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
    socketContext: number,
  ): RioHandle;
  /** `RIOResizeRequestQueue`: keeps what is queued. */
  resizeRequestQueue(
    requestQueue: RioHandle,
    maxOutstandingReceive: number,
    maxOutstandingSend: number,
  ): number;
  /** `RIOReceive`: 0 promises exactly one completion, anything else none. */
  receive(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number;
  /** `RIOReceiveEx`: with slices for addresses, control data and flags. */
  receiveEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    localAddress: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number;
  /** `RIOSend`: 0 promises exactly one completion, anything else none. */
  send(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number;
  /** `RIOSendEx`: with slices for the destination and control data. */
  sendEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    localAddress: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number;

  /** Opens a socket on which a request queue can be created. */
  openSocket(family: number, type: number, protocol: number): RioHandle;
  /**
   * Closes a socket: its request queue is dead from here on, and every
   * outstanding request becomes a completion.
   */
  closeSocket(socket: RioHandle): number;
  /** Binds a socket to 28 address bytes. */
  bind(socket: RioHandle, address: Uint8Array): number;
  /** Makes a TCP socket accept connections. */
  listen(socket: RioHandle, backlog: number): number;
  /** Writes the local address into 28 bytes. */
  localAddress(socket: RioHandle, address: Uint8Array): number;
  /** Writes the peer's address into 28 bytes. */
  remoteAddress(socket: RioHandle, address: Uint8Array): number;
  /**
   * Connects a socket.
   *
   * Returns 0 when it is connected, an error number, or 997 when it goes on:
   * then {@linkcode RioBackend.wait} reports `key`, and
   * {@linkcode RioBackend.connected} tells the outcome.
   */
  connect(socket: RioHandle, address: Uint8Array, key: number): number;
  /** The outcome of a connect that went on: 0, an error number, or 997. */
  connected(socket: RioHandle): number;
  /**
   * Accepts a connection.
   *
   * Returns a socket, minus an error number, or -997 when none waits: then
   * {@linkcode RioBackend.wait} reports `key` when it is worth calling again.
   * Closing the listener reports `key` as well.
   */
  accept(listener: RioHandle, key: number): RioHandle;
  /** Ends one direction of a TCP connection. */
  shutdown(socket: RioHandle, how: number): number;
  /** Sets an option, by its Winsock level and name. */
  setOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number;
  /** Reads an option into `value`; returns its length in bytes. */
  getOption(
    socket: RioHandle,
    level: number,
    name: number,
    value: Uint8Array,
  ): number;
  /** `WSAIoctl` with an input only, for example `SIO_UDP_CONNRESET`. */
  control(socket: RioHandle, code: number, input: Uint8Array): number;

  /** Makes what a completion queue can notify through. */
  createNotification(
    kind: RioNotificationKind,
    key: number,
  ): RioNotification | number;
  /** Releases it; only after its completion queue was closed. */
  closeNotification(notification: RioNotification): void;
  /**
   * Waits on another thread until something fired or
   * {@linkcode RioBackend.wake} was called.
   *
   * Resolves to how many keys were written to {@linkcode RioBackend.fired};
   * 0 is a spurious wake-up. At most one wait goes on at a time. It keeps the
   * process alive until it resolves.
   */
  wait(): Promise<number>;
  /** The keys that the last {@linkcode RioBackend.wait} reported. */
  readonly fired: Int32Array;
  /** Ends the wait that goes on, or the next one. */
  wake(): void;
  /**
   * Releases what the backend holds itself. A wait that goes on is woken, and
   * what it uses is released when it returned.
   *
   * @param keepNative Something native is still outstanding: the last
   * reference to Winsock stays, because giving it up would cancel silently.
   */
  close(keepNative: boolean): void;
}
