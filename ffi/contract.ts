/**
 * The contract between a session and a system.
 *
 * A backend has three parts that change for different reasons: the 13 functions
 * of Registered I/O, the sockets they run on, and the wait for notifications. A
 * second way to move data on the same system can bring its own rings and waits,
 * and use the sockets that are there. The suite in `tests/contract` specifies
 * all of it and runs against every backend; `unsupported.ts` is the smallest
 * one.
 *
 * A backend speaks Winsock: its numbers, its errors, its address bytes. It
 * belongs to the thread that opened it. No call blocks, and none throws for
 * what the system answers. Return values are of two kinds:
 *
 * - a call that only succeeds or fails returns 0 or an error number;
 * - a call that gives something, a handle or a count, returns it, or minus an
 *   error number. Handles are above 0, so that 0 can mean "nothing yet".
 *
 * An error number is one of Winsock's. Where the system has another with a name
 * that Winsock lacks, that one times 65,536 is added to the nearest of
 * Winsock's, or to 0 where none is near: see `system_errors.ts`.
 *
 * @module
 */
import type { RioResults } from "./layout.ts";
import type { RioMemory } from "./memory.ts";

export type { RioMemory };

/** The name of a backend. */
export type RioBackendName = "winsock" | "linux";

/**
 * What moves the data: Registered I/O itself; io_uring, which on Linux serves
 * connections, with requests and without; or system calls that are made when
 * epoll tells of something.
 */
export type RioEngine = "rio" | "io_uring" | "epoll";

/**
 * How the functions are called: as functions of a library; or, where they exist
 * as pointers only, through `DispCallFunc` or, some thirty times as slow, through
 * `Deno.UnsafeFnPointer`.
 */
export type RioCallPath = "symbol" | "DispCallFunc" | "UnsafeFnPointer";

/** How a completion queue tells that it has something. */
export type RioNotificationKind = "iocp" | "event";

/** A native handle from 1 to 2^53 - 1: a buffer id, a queue, a socket. */
export type RioHandle = number;

/** `RIO_BUF`: a slice of a registered buffer, given with each request. */
export interface RioBuf {
  /** The registration. */
  readonly bufferId: RioHandle;
  /** First byte, from the start of the registration. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** What one system can do and another cannot. */
export interface RioCapabilities {
  /** Sockets can share a port: `SO_REUSEPORT`. */
  readonly reusePort: boolean;
  /** Sockets can be bound to an interface: `SO_BINDTODEVICE`. */
  readonly bindToDevice: boolean;
  /** Sends can be cut into datagrams, on any path: `UDP_SEGMENT`. */
  readonly segmentation: boolean;
  /**
   * Opening takes milliseconds, and nothing is left undone where a process ends
   * with an unused backend open: so one may stay open for a moment.
   */
  readonly costlyOpen: boolean;
  /**
   * A receive on a socket that is bound to every address tells in `local` which
   * of them the datagram arrived at, once packet info is asked for; elsewhere
   * control messages have to be asked.
   */
  readonly tellsLocal: boolean;
  /** Control messages can tell when a datagram was received. */
  readonly timestamps: boolean;
  /** Datagrams that the system joined always come with the size of each. */
  readonly tellsJoined: boolean;
  /** Each socket counts the datagrams that there was no room for. */
  readonly countsDropped: boolean;
  /**
   * Requests are overlapped: the system reads and writes their memory whenever
   * it likes, and not only while somebody calls it.
   */
  readonly overlapped: boolean;
}

/** Registered I/O on one system. */
export interface RioBackend {
  /** Its name; `null` for the one that refuses everything. */
  readonly name: RioBackendName | null;
  /** What moves the data; `null` for the one that refuses everything. */
  readonly engine: RioEngine | null;
  /** How the 13 functions are called; `null` for the one that refuses everything. */
  readonly calls: RioCallPath | null;
  /** What it can do. */
  readonly capabilities: RioCapabilities;
  /** What the kernel says that its io_uring has; absent where that is not used. */
  readonly kernelFeatures?: readonly string[];
  /** The 13 functions. */
  readonly rings: RioRings;
  /** The sockets that request queues are created on. */
  readonly sockets: RioSockets;
  /** The wait for completion queues and sockets. */
  readonly waits: RioWaits;
  /** Data without requests; `null` where the system moves it in requests only. */
  readonly direct: RioDirect | null;
  /**
   * Releases what the backend itself holds. With the last one that shares a
   * wait, the wait is woken, and what it uses is released when it has returned.
   *
   * @param keepNative Requests are still outstanding: what they use stays, and
   * so does the reference to Winsock, because giving up the last one would
   * cancel them without completions.
   * @returns Resolves when no native call goes on for it any more, where that
   * is not so at once.
   */
  close(keepNative: boolean): Promise<void> | void;
}

/** The 13 functions of Registered I/O. */
export interface RioRings {
  /**
   * `RIORegisterBuffer`: registers memory.
   *
   * The caller keeps the memory reachable, and its address valid, until
   * {@linkcode RioRings.deregisterBuffer} has returned.
   */
  registerBuffer(memory: RioMemory): RioHandle;
  /** `RIODeregisterBuffer`: ends a registration; an invalid id is ignored. */
  deregisterBuffer(bufferId: RioHandle): void;

  /**
   * `RIOCreateCompletionQueue`: creates a queue for `size` completions.
   *
   * @param notification The key that {@linkcode RioWaits.createNotification}
   * was given; 0 for a queue that never notifies.
   */
  createCompletionQueue(size: number, notification: number): RioHandle;
  /** `RIOCloseCompletionQueue`: drops what arrives later; 0 is ignored. */
  closeCompletionQueue(queue: RioHandle): void;
  /** `RIOResizeCompletionQueue`: keeps what is queued. */
  resizeCompletionQueue(queue: RioHandle, size: number): number;
  /**
   * `RIODequeueCompletion`: moves at most `max` results into `results`.
   *
   * @returns How many; minus `RIO_CORRUPT_CQ` for a queue that is not valid.
   */
  dequeueCompletion(
    queue: RioHandle,
    results: RioResults,
    max: number,
  ): number;
  /** `RIONotify`: arms the queue's notification once. */
  notify(queue: RioHandle): number;

  /**
   * `RIOCreateRequestQueue`: a socket has one, which lives as long as it.
   *
   * @param receives Receives that can be outstanding.
   * @param sends Sends that can be outstanding.
   */
  createRequestQueue(
    socket: RioHandle,
    receives: number,
    sends: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
  ): RioHandle;
  /** `RIOResizeRequestQueue`: keeps what is queued. */
  resizeRequestQueue(
    requestQueue: RioHandle,
    receives: number,
    sends: number,
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
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number;
}

/** Sockets on which request queues can be created. */
export interface RioSockets {
  /** Opens a socket. */
  open(family: number, type: number, protocol: number): RioHandle;
  /**
   * Closes a socket and its request queue; every outstanding request becomes a
   * completion.
   */
  close(socket: RioHandle): number;
  /** Binds a socket to 28 address bytes. */
  bind(socket: RioHandle, address: Uint8Array): number;
  /** Makes a TCP socket accept connections. */
  listen(socket: RioHandle, backlog: number): number;
  /** Writes the local address into 28 bytes. */
  localAddress(socket: RioHandle, address: Uint8Array): number;
  /** Writes the peer's address into 28 bytes. */
  remoteAddress(socket: RioHandle, address: Uint8Array): number;
  /**
   * Connects a socket; 28 bytes of zeros end the association of a datagram
   * socket with its peer.
   *
   * @returns 1 when it is connected, minus an error number, or 0 while it goes
   * on: then {@linkcode RioWaits.wait} reports `key` when
   * {@linkcode RioSockets.connected} may know the outcome.
   */
  connect(socket: RioHandle, address: Uint8Array, key: number): number;
  /** The outcome of a connect that went on, in the same form. */
  connected(socket: RioHandle): number;
  /**
   * Accepts a connection.
   *
   * @returns Its socket, minus an error number, or 0 when none waits: then
   * {@linkcode RioWaits.wait} reports `key` when one may have come, and when
   * the listener is closed.
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
  ioctl(socket: RioHandle, code: number, input: Uint8Array): number;
}

/**
 * Data without requests: a call moves it at once between a socket and memory of
 * the caller, of which the system keeps nothing, or says that it has to wait.
 *
 * Where one socket waits for little, a request is the greater part of the work.
 */
export interface RioDirect {
  /**
   * Has a watcher told of a socket, until the socket is closed.
   *
   * @returns What moves its data, or minus an error number.
   */
  attach(socket: RioHandle, watcher: RioWatcher): RioDirectSocket | number;
}

/** Who waits for a socket; is told in a look of {@linkcode RioWaits.wait}. */
export interface RioWatcher {
  /** A receive may get something now: data, the end, or an error. */
  readable(): void;
  /** There is room for sends that had to wait. */
  writable(): void;
  /** The socket is closed: every call fails from now on. */
  closed(): void;
}

/**
 * Moves the data of one socket. Every call returns bytes, 0 for the end of a
 * stream, or minus an error number; minus `WSAEWOULDBLOCK` promises that the
 * watcher will be told. A send is made again then, with the same bytes: they may
 * have left already.
 */
export interface RioDirectSocket {
  /** Whether a receive may get something that was told of before. */
  readonly mayReceive: boolean;
  /** Has the next receive ask the system, whatever was told of. */
  ask(): void;
  /** Receives into memory. */
  receive(into: Uint8Array): number;
  /**
   * Receives a datagram, and writes the sender's 28 address bytes; returns the
   * datagram's length, of which less may fit.
   *
   * @param local Takes the 28 bytes of the address that it arrived at, on a
   * socket with packet info; else that of the socket.
   */
  receiveFrom(
    into: Uint8Array,
    address: Uint8Array,
    local?: Uint8Array,
  ): number;
  /**
   * Sends from memory.
   *
   * @param atOnce Whether it leaves with this call; otherwise it may leave a
   * moment later, together with what others send.
   */
  send(from: Uint8Array, atOnce?: boolean): number;
  /** The same, to 28 address bytes. */
  sendTo(from: Uint8Array, address: Uint8Array): number;
  /**
   * The same with control messages, as `RIOSendEx` takes them.
   *
   * @param address Where it goes; `null` for the peer of the socket.
   */
  sendMessage(
    from: Uint8Array,
    address: Uint8Array | null,
    control: Uint8Array,
  ): number;
}

/**
 * How a wait ends: in the event loop itself, or on a thread of its pool, which
 * takes several times as long and shares 32 threads with everything else.
 */
export type RioWaitWay = "reactor" | "thread";

/**
 * The wait of one thread: backends that are opened in the same way share it,
 * and it ends with the last of them. At most one wait goes on at a time.
 */
export interface RioWaits {
  /** How it waits; asking opens what is needed for that. */
  readonly way: RioWaitWay;
  /**
   * Whether {@linkcode RioWaits.wait} itself looks for a moment before it
   * sleeps. Where it does not, whoever waits should, because a queue can be
   * looked at without a call.
   */
  readonly looks: boolean;
  /**
   * Makes the port or the event that a completion queue notifies through.
   *
   * @param key Its name from now on, which the wait reports when it fires;
   * above 0, and unique among those who share the wait.
   */
  createNotification(kind: RioNotificationKind, key: number): number;
  /** Releases it; only after its completion queue was closed. */
  closeNotification(key: number): void;
  /**
   * Waits until something fired, {@linkcode RioWaits.wake} was called, or the
   * last backend was closed. May look for a moment before it sleeps.
   *
   * @param isWanted Asked before a sleep: whether anybody still waits.
   * @returns How many keys were written to {@linkcode RioWaits.fired}, or minus
   * an error number; 0 is a spurious wake-up.
   */
  wait(isWanted?: () => boolean): Promise<number>;
  /** The keys that the last {@linkcode RioWaits.wait} reported. */
  readonly fired: Float64Array;
  /** Ends the wait that goes on, or the next one. */
  wake(): void;
  /**
   * Says whether waiting keeps the process alive, from now on and in the wait
   * that goes on. At first it does.
   *
   * @returns `false` if it cannot be told, and does anyway.
   */
  setReferenced(referenced: boolean): boolean;
  /**
   * Calls back when Deno's event loop has looked at all that it watches. Missing
   * where nothing tells of that.
   */
  turn?(call: () => void): void;
}
