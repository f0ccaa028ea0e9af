/**
 * TCP listeners with the shape of Deno's own.
 *
 * @module
 */
import { showAddress } from "../../address.ts";
import { DisposableStack, NativePromise } from "../../globals.ts";
import { isExhausted, RioClosedError } from "../../errors.ts";
import { assertInternal, INTERNAL } from "../../internal.ts";
import { clientsAreTold, type RioListener } from "../../session/listener.ts";
import type { RioSocket } from "../../session/socket.ts";
import { pause } from "../../clock.ts";
import { forgetDropped, watchDropped } from "../dropped.ts";
import { givenBack } from "../given_back.ts";
import { badResource, denoErrors, toDenoError } from "../errors.ts";
import { RioTcpConn } from "./conn.ts";
import type { Hub } from "./hub.ts";

/** How long iteration waits for descriptors or memory to be freed. */
const EXHAUSTED_PAUSE_MS = 20;

/** What a listener is made of. */
interface ListenerOptions {
  /** The listening socket. */
  socket: RioListener;
  /** Whether its connections end one direction at a time. */
  allowHalfOpen: boolean | undefined;
}

/**
 * A TCP listener with the methods of `Deno.TcpListener`.
 *
 * @example Echo everything
 * ```ts
 * import { connect, listen, type RioTcpListener } from "@winsock/rio";
 *
 * async function echo(listener: RioTcpListener): Promise<void> {
 *   for await (const conn of listener) { // ends when it is closed
 *     conn.readable.pipeTo(conn.writable).catch(() => {});
 *   }
 * }
 *
 * const listener = listen({ hostname: "127.0.0.1" });
 * const serving = echo(listener);
 * using conn = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
 * await conn.write(new Uint8Array([1, 2, 3]));
 * await conn.closeWrite();
 * console.log(await new Response(conn.readable).bytes()); // Uint8Array [1, 2, 3]
 * listener.close();
 * await serving;
 * ```
 */
export class RioTcpListener implements AsyncIterable<RioTcpConn>, Disposable {
  readonly #hub: Hub;
  readonly #allowHalfOpen: boolean | undefined;
  #accepting = false;
  readonly #parts: ListenerParts;
  #closed = false;

  /** The local address. */
  readonly addr: Deno.NetAddr;
  /** The socket underneath, for its options; closed with this. */
  readonly socket: RioListener;

  /**
   * For this package only: use {@linkcode listen}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param hub Used, and disposed when the listener is closed.
   * @param options The listening socket, which this object closes, and how its
   * connections end.
   */
  constructor(
    key: typeof INTERNAL,
    hub: Hub,
    options: ListenerOptions,
  ) {
    assertInternal(key, "listen()");
    const { socket, allowHalfOpen } = options;
    this.#allowHalfOpen = allowHalfOpen;
    this.#hub = hub;
    this.socket = socket;
    this.addr = givenBack(socket.address);
    const parts = this.#parts = new ListenerParts(hub, socket);
    const { addr } = this;
    watchDropped(this, socket, {
      what: () => `RioTcpListener on ${showAddress(addr)}`,
      parts,
    });
  }

  /**
   * Waits for a connection.
   *
   * @returns The connection.
   * @throws {Deno.errors.BadResource} If the listener was closed, also while
   * waiting.
   * @throws {Deno.errors.Busy} If another call waits already.
   * @throws {Error} If the process has no descriptor or memory left; the
   * connection then waits for the next call.
   */
  async accept(): Promise<RioTcpConn> {
    try {
      return await this.#accept();
    } catch (error) {
      throw error instanceof RioClosedError
        ? badResource("Listener")
        : toDenoError(error);
    }
  }

  /** Lets waiting for a connection keep the process alive, as from the start. */
  ref(): void {
    this.socket.ref();
  }

  /** Lets the process end while a connection is waited for. */
  unref(): void {
    this.socket.unref();
  }

  /**
   * Closes the listener; its connections stay.
   *
   * @throws {Deno.errors.BadResource} If it was closed before.
   */
  close(): void {
    if (this.#closed) throw badResource();
    this.#closed = true;
    forgetDropped(this, this.socket);
    this.#parts[Symbol.dispose]();
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
    const iterator: AsyncIterableIterator<RioTcpConn> = {
      next: async () => {
        const value = await this.#next();
        return value
          ? { value, done: false }
          : { value: undefined, done: true };
      },
      return: (value?: unknown) => {
        this[Symbol.dispose]();
        return NativePromise.resolve({ value, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
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
      await pause(EXHAUSTED_PAUSE_MS);
    }
  }

  async #accept(): Promise<RioTcpConn> {
    if (this.#closed) throw new RioClosedError("The listener was closed");
    if (this.#accepting) {
      throw new Deno.errors.Busy("Another accept task is ongoing");
    }
    this.#accepting = true;
    try {
      using stack = new DisposableStack();
      // The listener may be closed as soon as there is a connection.
      const hub = stack.use(this.#hub.share());
      using _room = hub.way.reserve();
      const socket = this.#parts.kept ??
        await this.socket.accept(hub.way.queueOptions);
      this.#parts.kept = null;
      try {
        // A client in this thread learns of its connection first: an answer that
        // came before the question would be no answer to it.
        const { address, remoteAddress } = socket;
        const isNear = remoteAddress?.hostname === address.hostname;
        if (isNear) await clientsAreTold(this.socket);
        const conn = new RioTcpConn(INTERNAL, hub, {
          socket,
          allowHalfOpen: this.#allowHalfOpen,
        });
        stack.move();
        return conn;
      } catch (error) {
        if (isExhausted(error) && !this.#closed) this.#parts.kept = socket;
        else socket[Symbol.dispose]();
        throw error;
      }
    } finally {
      this.#accepting = false;
    }
  }
}

/** What a listener is made of; leads nowhere to the object of the program. */
class ListenerParts implements Disposable {
  readonly #hub: Hub;
  readonly #socket: RioListener;
  /** A connection for which there was no memory yet. */
  kept: RioSocket | null = null;

  constructor(hub: Hub, socket: RioListener) {
    this.#hub = hub;
    this.#socket = socket;
  }

  [Symbol.dispose](): void {
    try {
      this.kept?.[Symbol.dispose]();
      denoErrors(() => this.#socket.close());
    } finally {
      this.#hub[Symbol.dispose]();
    }
  }
}
