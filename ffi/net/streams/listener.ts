/**
 * TCP listeners with the shape of Deno's own.
 *
 * @module
 */
import { WSAEMFILE, WSAENOBUFS } from "../../error_numbers.ts";
import { RioClosedError, RioError } from "../../errors.ts";
import type { RioListener } from "../../session/listener.ts";
import { badResource, denoErrors, toDenoError } from "../errors.ts";
import type { HubUse } from "./hub.ts";
import { CONNECTION_LIMITS, RioTcpConn } from "./conn.ts";

/** How long iteration waits for descriptors or memory to be freed. */
const EXHAUSTED_PAUSE_MS = 20;

/**
 * A TCP listener with the methods of `Deno.TcpListener`.
 *
 * @example Echo everything
 * ```ts no-assert
 * import { listen } from "@winsock/rio";
 *
 * async function echo() {
 *   using listener = listen({ hostname: "127.0.0.1", port: 7777 });
 *   for await (const conn of listener) {
 *     conn.readable.pipeTo(conn.writable).catch(() => {});
 *   }
 * }
 * ```
 */
export class RioTcpListener implements AsyncIterable<RioTcpConn>, Disposable {
  readonly #use: HubUse;
  readonly #socket: RioListener;
  readonly #addr: Deno.NetAddr;
  #accepting = false;
  #closed = false;

  /**
   * For this package only: use {@linkcode listen}.
   *
   * @param use The hub, used until the listener is closed.
   * @param socket The listening socket; this object closes it.
   */
  constructor(use: HubUse, socket: RioListener) {
    this.#use = use;
    this.#socket = socket;
    this.#addr = socket.address;
  }

  /** The local address. */
  get addr(): Deno.NetAddr {
    return this.#addr;
  }

  /** The socket underneath, for its options. */
  get socket(): RioListener {
    return this.#socket;
  }

  /**
   * Waits for a connection.
   *
   * @returns The connection.
   * @throws {Deno.errors.BadResource} If the listener was closed, also while
   * waiting.
   * @throws {Deno.errors.Busy} If another call waits already.
   * @throws {Error} If the process has no descriptor left; the connection then
   * waits for the next call.
   */
  async accept(): Promise<RioTcpConn> {
    try {
      return await this.#accept();
    } catch (error) {
      throw error instanceof RioClosedError ? closed() : toDenoError(error);
    }
  }

  /** Lets waiting for a connection keep the process alive, as from the start. */
  ref(): void {
    this.#socket.ref();
  }

  /** Lets the process end while a connection is waited for. */
  unref(): void {
    this.#socket.unref();
  }

  /**
   * Closes the listener; its connections stay.
   *
   * @throws {Deno.errors.BadResource} If it was closed before.
   */
  close(): void {
    if (this.#closed) throw badResource();
    this.#closed = true;
    try {
      denoErrors(() => this.#socket.close());
    } finally {
      this.#use.release();
    }
  }

  /** Closes the listener; quiet if it was closed before. */
  [Symbol.dispose](): void {
    if (!this.#closed) this.close();
  }

  /**
   * Yields connections until the listener is closed; leaving the loop closes
   * it.
   *
   * Where descriptors or memory have run out it tries again after a pause:
   * connections wait in the system meanwhile.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<RioTcpConn> {
    const next = () => this.#next();
    const close = () => this[Symbol.dispose]();
    return {
      async next() {
        const conn = await next();
        return conn === null
          ? { value: undefined, done: true }
          : { value: conn, done: false };
      },
      return(value?: unknown) {
        close();
        return Promise.resolve({ value, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The next connection; `null` when the listener was closed. */
  async #next(): Promise<RioTcpConn | null> {
    for (;;) {
      try {
        return await this.#accept();
      } catch (error) {
        if (error instanceof RioClosedError) return null;
        if (!isExhausted(error)) throw toDenoError(error);
      }
      await new Promise((resolve) => setTimeout(resolve, EXHAUSTED_PAUSE_MS));
    }
  }

  async #accept(): Promise<RioTcpConn> {
    if (this.#closed) throw new RioClosedError("The listener was closed");
    if (this.#accepting) {
      throw new Deno.errors.Busy("Another accept task is ongoing");
    }
    this.#accepting = true;
    const { hub } = this.#use;
    let promised = false;
    try {
      hub.promise(CONNECTION_LIMITS);
      promised = true;
      const socket = await this.#socket.accept({
        ...CONNECTION_LIMITS,
        completions: hub.completions,
      });
      return new RioTcpConn(this.#use.share(), socket);
    } finally {
      this.#accepting = false;
      if (promised) hub.redeem(CONNECTION_LIMITS);
    }
  }
}

function isExhausted(error: unknown): boolean {
  return error instanceof RioError &&
    (error.errno === WSAEMFILE || error.errno === WSAENOBUFS);
}

function closed(): Error {
  return new Deno.errors.BadResource("Listener has been closed");
}
