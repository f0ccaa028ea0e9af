/**
 * Sessions: the owners of everything native that a program opens.
 *
 * @module
 */
import type {
  RioBackend,
  RioBackendName,
  RioCapabilities,
} from "../contract.ts";
import type { RioFunctionName } from "../constants.ts";
import { openBackend, type RioSessionOptions } from "../open.ts";
import { logAsJson } from "../shown.ts";
import { assertInternal, INTERNAL } from "../internal.ts";
import { RioBuffer } from "./buffer.ts";
import { SessionCore } from "./core.ts";
import type { RioListener } from "./listener.ts";
import {
  openSocket,
  type RioListenerOptions,
  type RioSocketOptions,
} from "./open_socket.ts";
import { createCompletionQueue, type RioCompletionQueue } from "./queue.ts";
import type { RioCompletionQueueOptions } from "./queue_options.ts";
import type { RioSocket } from "./socket.ts";
import { toMemory } from "./source.ts";
import {
  CLOSE_MS,
  DISPOSE_MS,
  drainNow,
  drainSoon,
  endAtUnload,
  reclaim,
  release,
} from "./teardown.ts";

/** What a session did and holds. */
export interface RioStats {
  /** Buffers registered since the session was opened. */
  readonly registered: number;
  /** Buffers deregistered since the session was opened. */
  readonly deregistered: number;
  /** Buffers registered now. */
  readonly buffers: number;
  /** Native completion queues open now. */
  readonly completionQueues: number;
  /** Sockets that are not both closed and drained. */
  readonly sockets: number;
  /** Requests accepted since the session was opened. */
  readonly posted: number;
  /** Completions dequeued since the session was opened. */
  readonly completed: number;
  /** Requests accepted and not yet dequeued. */
  readonly outstanding: number;
  /**
   * Buffers whose requests did not end in time; they stay registered for the
   * life of the process.
   */
  readonly abandoned: number;
  /** Calls of each RIO function. */
  readonly calls: Readonly<Record<RioFunctionName, number>>;
}

/** What the system behind a session can do. */
export let capabilitiesOf: (session: RioSession) => RioCapabilities;

/** Whether the system behind a session moves data without requests, too. */
export let movesDirectly: (session: RioSession) => boolean;

/**
 * Opens a session over any backend; the session closes it.
 *
 * @param backend The backend.
 * @returns The session.
 */
export function openSession(backend: RioBackend): RioSession {
  return new RioSession(INTERNAL, backend);
}

/**
 * Owns registered buffers, completion queues and sockets, and releases each of
 * them exactly once, on every path, and never while a request still uses it.
 *
 * @example The smallest scope
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(65536);
 * console.log(`registered buffer ${buffer.id} on ${session.backend}`);
 * ```
 *
 * @example Count what came, and see that nothing is left
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * const session = RioSession.open();
 * const buffer = session.registerBuffer(2048);
 * const socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await socket.connect(socket.address); // talks to itself
 * socket.receive(buffer.slice());
 * socket.send(null); // an empty datagram
 * for await (const batch of socket.completions) {
 *   if (batch.some(({ kind }) => kind === "receive")) break;
 * }
 * await session.close(); // sockets, then buffers, then the system's part
 * const { registered, deregistered, outstanding } = session.stats();
 * console.log(registered, deregistered, outstanding); // 1 1 0
 * ```
 */
export class RioSession implements Disposable, AsyncDisposable {
  readonly #core: SessionCore;
  #closing: Promise<void> | null = null;

  static {
    logAsJson(this);
    capabilitiesOf = (session) => session.#core.backend.capabilities;
    movesDirectly = (session) => session.#core.backend.direct !== null;
  }

  /**
   * Opens a session.
   *
   * @param options Backend and library; the system's own by default.
   * @returns The session; dispose it with `using` or `await using`.
   * @throws {TypeError} If an option is not understood.
   * @throws {Deno.errors.NotSupported} If Registered I/O does not work here.
   * @throws {Deno.errors.NotCapable} If `--allow-ffi` is missing.
   */
  static open(options: RioSessionOptions = {}): RioSession {
    return openSession(openBackend(options));
  }

  /** @ignore */
  constructor(key: typeof INTERNAL, backend: RioBackend) {
    assertInternal(key, "RioSession.open()");
    this.#core = new SessionCore(backend);
    this.#core.owner = this;
    this.#core.watch(this, "RioSession", (ledger) => {
      reclaim(ledger);
      return true;
    });
    endAtUnload(this.#core.ledger);
  }

  /** The system that the session runs on. */
  get backend(): RioBackendName {
    return this.#core.backend.name!;
  }

  /** Whether the session was closed. */
  get closed(): boolean {
    return this.#core.ledger.closed;
  }

  /**
   * Registers memory with the kernel.
   *
   * Registration is slow and buffers are few: register one large buffer and
   * post requests with its slices.
   *
   * Given a size, the session makes a zeroed, page-aligned block. Given an
   * array, it registers the memory of that array, and keeps it from being
   * collected. Until it is deregistered, do not transfer its buffer, and do not
   * terminate the worker that made it.
   *
   * Source: Microsoft's page on `RIORegisterBuffer`.
   *
   * @param source A size in bytes, 1 to 4 GiB less 1, or the memory itself.
   * @returns The registered buffer.
   * @throws {TypeError} If the source is neither a number nor a `Uint8Array`,
   * or its memory can be resized or is detached.
   * @throws {RangeError} If the size is out of range.
   * @throws {RioError} If the system refuses, for example `WSAENOBUFS`.
   * @throws {RioClosedError} If the session was closed.
   */
  registerBuffer<T extends ArrayBufferLike = ArrayBuffer>(
    source: number | Uint8Array<T>,
  ): RioBuffer<T> {
    const memory = toMemory(source);
    this.#core.assertOpen("register a buffer");
    const record = this.#core.ledger.registerBuffer(memory);
    const buffer = new RioBuffer<T>(INTERNAL, this.#core, record);
    this.#core.watch(buffer, "RioBuffer", (ledger) => {
      ledger.releaseBuffer(record);
      return true;
    });
    return buffer;
  }

  /**
   * Creates a completion queue.
   *
   * Source: Microsoft's page on `RIOCreateCompletionQueue`.
   *
   * @param options Capacity and notification.
   * @returns The queue.
   * @throws {TypeError} If the notification is unknown.
   * @throws {RangeError} If the capacity is out of range.
   * @throws {RioError} If the system refuses.
   * @throws {RioClosedError} If the session was closed.
   */
  createCompletionQueue(
    options: RioCompletionQueueOptions = {},
  ): RioCompletionQueue {
    return createCompletionQueue(this.#core, options);
  }

  /**
   * Opens a UDP socket or a TCP client.
   *
   * @param options Transport, address and queues.
   * @returns The socket; UDP sockets are bound.
   * @throws {TypeError} If an option is of the wrong kind, or the hostname is
   * no IP literal.
   * @throws {RangeError} If the port or a limit is out of range.
   * @throws {RioError} For example `WSAEADDRINUSE`, or `WSAENOBUFS` if a
   * completion queue has no room.
   * @throws {RioClosedError} If the session or a queue was closed.
   * @throws {Deno.errors.NotCapable} If the address is not permitted.
   */
  openSocket(options: RioSocketOptions): RioSocket;
  /**
   * Opens a TCP listener: the same with a `backlog`.
   *
   * @param options Address and backlog.
   * @returns The listener, bound and listening.
   */
  openSocket(options: RioListenerOptions): RioListener;
  openSocket(
    options: RioSocketOptions | RioListenerOptions,
  ): RioSocket | RioListener {
    return openSocket(this.#core, options);
  }

  /** What the session did and holds; also after it was closed. */
  stats(): RioStats {
    const { ledger } = this.#core;
    return {
      registered: ledger.registered,
      deregistered: ledger.deregistered,
      buffers: ledger.buffers.size,
      completionQueues: ledger.queues.size,
      sockets: ledger.sockets.size,
      posted: ledger.posted,
      completed: ledger.completed,
      outstanding: ledger.outstanding,
      abandoned: ledger.abandoned,
      calls: { ...ledger.calls },
    };
  }

  /**
   * Closes everything that was opened from this session; a second call waits
   * for the first.
   *
   * Sockets are closed, their requests drained, buffers deregistered, queues
   * closed, in this order. Everything that waits ends: `notify()` returns
   * `false`. Requests that do not end within five seconds are given up: see
   * {@linkcode RioStats.abandoned}.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /**
   * Closes everything, waiting for requests for at most 250 milliseconds, or
   * longer where the system is too busy to look 50 times in them.
   *
   * A closed socket's requests end at once on Linux and almost at once on
   * Windows. What does not end is given up: see {@linkcode RioStats.abandoned}.
   */
  [Symbol.dispose](): void {
    if (this.closed) return;
    const core = this.#core;
    this.#closeSockets();
    const idle = core.waiter.idle();
    drainNow(core, core.ledger, DISPOSE_MS);
    const released = release(core.ledger);
    this.#closing = idle.then(() => released);
  }

  /** Does the same as {@linkcode RioSession.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What a session shows when it is logged or serialised. */
  toJSON(): Record<string, unknown> {
    const { backend, closed } = this;
    return { backend, closed };
  }

  async #close(): Promise<void> {
    const core = this.#core;
    this.#closeSockets();
    await drainSoon(core, core.ledger, CLOSE_MS);
    await core.waiter.idle();
    await release(core.ledger);
  }

  #closeSockets(): void {
    const { ledger, waiter, late } = this.#core;
    this.#core.forget(this);
    late.stop();
    for (const queue of ledger.queues) this.#core.closeBacklog(queue);
    ledger.closeSockets();
    // After that: whoever is told finds the session closed.
    for (const queue of ledger.queues) waiter.cancel(queue.key);
  }
}
