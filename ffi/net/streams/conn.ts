/**
 * TCP connections with the shape of Deno's own.
 *
 * @module
 */
import { showAddress } from "../../address.ts";
import { NativePromise } from "../../globals.ts";
import { SO_LINGER, SOL_SOCKET } from "../../constants.ts";
import { assertInternal, type INTERNAL } from "../../internal.ts";
import { LINGER } from "../../layout.ts";
import { assertEndpointOpen } from "../../session/endpoint.ts";
import type { RioSocket } from "../../session/socket.ts";
import { inNextTurn } from "../../clock.ts";
import { assertBytes } from "../arguments.ts";
import { forgetDropped, watchDropped } from "../dropped.ts";
import { givenBack } from "../given_back.ts";
import { badResource, denoErrors } from "../errors.ts";
import type { Hub } from "./hub.ts";
import { ConnParts } from "./parts.ts";
import { type ConnWritable, readableOf, writableOf } from "./web_streams.ts";

const NO_BYTES = new Uint8Array();

/** What a connection is made of. */
interface ConnOptions {
  /** The connected socket. */
  socket: RioSocket;
  /** Whether the end of a stream ends its direction only. */
  allowHalfOpen: boolean | undefined;
}

/**
 * A TCP connection with the methods of `Deno.TcpConn`, and a
 * {@linkcode RioTcpConn.reset}.
 *
 * Registered memory is taken when something is read or written, and given back
 * when that has completed: a connection at rest holds none.
 *
 * @example Say hello
 * ```ts
 * import { connect, listen } from "@winsock/rio";
 *
 * using listener = listen({ hostname: "127.0.0.1" });
 * const serving = listener.accept().then(async (conn) => {
 *   using _ = conn;
 *   return await conn.read(new Uint8Array(100)); // null at the end
 * });
 *
 * using conn = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
 * await conn.write(new TextEncoder().encode("hello")); // all of it
 * await conn.closeWrite(); // the peer reads to the end, and may still answer
 * console.log(await serving); // 5
 * ```
 */
export class RioTcpConn implements Disposable {
  readonly #parts: ConnParts;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: ConnWritable | null = null;
  /** Whether the end of a stream ends its direction only. */
  readonly #halfOpen: boolean;
  /** Whether the peer has ended, as `readable` tells. */
  #heardAll = false;
  /** Whether that closes the connection: then only writing goes on. */
  #ended = false;
  /** Whether sending was not ended. */
  #says = true;
  /** Writes since `readable` ended that go on, or ended in this turn. */
  #late = 0;

  /** The local address. */
  readonly localAddr: Deno.NetAddr;
  /** The peer's address. */
  readonly remoteAddr: Deno.NetAddr;
  /** The socket underneath, for its options and counts; closed with this. */
  readonly socket: RioSocket;

  /**
   * For this package only: use {@linkcode connect} or {@linkcode listen}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param hub Used, and disposed when the connection is closed and drained.
   * @param options The connected socket, which this object closes, and whether it
   * ends one direction at a time.
   */
  constructor(
    key: typeof INTERNAL,
    hub: Hub,
    options: ConnOptions,
  ) {
    assertInternal(key, "connect()");
    const { socket, allowHalfOpen } = options;
    // With its session, say, since there was a connection.
    assertEndpointOpen(socket, "use a connection");
    this.#halfOpen = allowHalfOpen === true;
    this.socket = socket;
    this.localAddr = givenBack(socket.address);
    // The peer may be gone already, and its address with it.
    this.remoteAddr = givenBack(
      socket.remoteAddress ?? { ...socket.address, port: 0 },
    );
    const parts = this.#parts = new ConnParts(hub, socket);
    parts.reader.hold.of(this);
    parts.writer.hold.of(this);
    const { remoteAddr } = this;
    watchDropped(this, socket, {
      what: () => `RioTcpConn to ${showAddress(remoteAddr)}`,
      parts,
    });
  }

  /**
   * What the peer sends, as a stream.
   *
   * Cancelling it closes the connection, and so does its end; but not before
   * what was written by then has been sent, or is written in the same turn of the
   * event loop, and not while a pipe writes to {@linkcode RioTcpConn.writable}.
   * With `allowHalfOpen` sending has to end first.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this, {
      readChunk: (length) => {
        this.#assertOpen();
        return this.#parts.reader.readChunk(length);
      },
      ended: () => this.#end(),
    });
  }

  /**
   * What is sent to the peer, as a stream.
   *
   * Closing and aborting it close the connection; {@linkcode
   * RioTcpConn.closeWrite} ends sending only, and so does closing it with
   * `allowHalfOpen`.
   */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    // A stream is locked until its write has ended.
    return this.#writable ??= writableOf(this, {
      write: (p) => this.#write(p, true),
      ended: this.#halfOpen ? () => this.closeWrite() : null,
    });
  }

  /**
   * Waits for data; several reads are served in their order.
   *
   * @param p Where to put it; it may be filled in part.
   * @returns How many bytes were read; `null` if the peer sends no more.
   * @throws {Deno.errors.BadResource} If the connection was closed.
   * @throws {Deno.errors.Interrupted} If it is closed while waiting.
   * @throws {Deno.errors.ConnectionReset} If the peer reset it.
   */
  read(p: Uint8Array): Promise<number | null> {
    try {
      assertBytes("p", p);
      if (p.length === 0) return NativePromise.resolve(0);
      this.#assertOpen();
      return this.#parts.reader.read(p);
    } catch (error) {
      return NativePromise.reject(error);
    }
  }

  /**
   * Writes all of the data, after what was written before. It is copied when
   * its turn comes: leave it alone until the promise resolves.
   *
   * @param p The data.
   * @returns How many bytes were written: all of them.
   * @throws {Deno.errors.BadResource} If the connection was closed.
   * @throws {Deno.errors.Interrupted} If it is closed while waiting.
   * @throws {Deno.errors.BrokenPipe} If sending was ended, or the peer is gone;
   * on Windows an `Error` with the code `EPIPE`, as of Deno's own.
   * @throws {Deno.errors.ConnectionReset} If the peer reset it.
   */
  write(p: Uint8Array): Promise<number> {
    return this.#write(p, false);
  }

  /**
   * Ends sending, after what was written before; the peer reads to the end.
   *
   * @throws {Deno.errors.BadResource} If the connection was closed.
   * @throws {Deno.errors.Interrupted} If it is closed while waiting.
   */
  async closeWrite(): Promise<void> {
    this.#assertNotClosed();
    await this.#parts.writer.end();
    // Not before: what was written has its turn first.
    this.#says = false;
    if (this.#heardAll) this.#closeUnused();
  }

  /**
   * Sends small segments at once, or joins them.
   *
   * @param noDelay Whether to send at once.
   * @default {true}
   * @throws {Deno.errors.BadResource} If the connection was closed.
   */
  setNoDelay(noDelay: boolean = true): void {
    this.#assertOpen();
    denoErrors(() => this.socket.setOption("noDelay", Boolean(noDelay)));
  }

  /**
   * Probes the connection while it is idle, or does not.
   *
   * @param keepAlive Whether to probe.
   * @default {true}
   * @throws {Deno.errors.BadResource} If the connection was closed.
   */
  setKeepAlive(keepAlive: boolean = true): void {
    this.#assertOpen();
    denoErrors(() => this.socket.setOption("keepAlive", Boolean(keepAlive)));
  }

  /** Lets waits keep the process alive; they do from the start. */
  ref(): void {
    this.#parts.reader.setReferenced(true);
    this.#parts.writer.setReferenced(true);
  }

  /** Lets the process end while something waits. */
  unref(): void {
    this.#parts.reader.setReferenced(false);
    this.#parts.writer.setReferenced(false);
  }

  /**
   * Closes the connection: what was written is still delivered, what waits ends
   * with `Interrupted`.
   *
   * @throws {Deno.errors.BadResource} If it was closed before, also by the end of
   * {@linkcode RioTcpConn.readable}; what is still written then is given up.
   */
  close(): void {
    const closed = this.#parts.closed || this.#ended;
    this[Symbol.dispose]();
    if (closed) throw badResource();
  }

  /**
   * Closes the connection with a reset: what the system has not delivered is
   * lost, and the peer's next read fails.
   *
   * @throws {Deno.errors.BadResource} If it was closed before.
   */
  reset(): void {
    this.#assertNotClosed();
    const atOnce = new Uint8Array(LINGER.size);
    atOnce[LINGER.onOff] = 1;
    try {
      this.socket.setRawOption([SOL_SOCKET, SO_LINGER], atOnce);
    } catch {
      // The connection is gone, which is what was wanted.
    }
    forgetDropped(this, this.socket);
    this.#parts.close();
  }

  /** Closes the connection; quiet if it was closed before. */
  [Symbol.dispose](): void {
    forgetDropped(this, this.socket);
    this.#parts[Symbol.dispose]();
  }

  #write(p: Uint8Array, atOnce: boolean): Promise<number> {
    try {
      assertBytes("p", p);
      if (this.#ended) return this.#writeLate(p);
      this.#assertNotClosed();
      return this.#parts.writer.write(p, atOnce);
    } catch (error) {
      return NativePromise.reject(error);
    }
  }

  /** Takes note that `readable` has ended, and closes when nothing is written. */
  #end(): void {
    this.#heardAll = true;
    if (!this.#says) return this.#closeUnused();
    if (this.#halfOpen) return;
    this.#ended = true;
    // This has its turn after what was written before.
    this.#writeLate(NO_BYTES).catch(() => {});
  }

  async #writeLate(p: Uint8Array): Promise<number> {
    this.#assertNotClosed();
    this.#late++;
    try {
      return await this.#parts.writer.write(p, true);
    } finally {
      // Whoever is told may write more.
      inNextTurn(() => {
        this.#late--;
        this.#closeUnused();
      });
    }
  }

  #closeUnused(): void {
    if (this.#says && (this.#late > 0 || this.#writable?.isPiped)) return;
    try {
      this[Symbol.dispose]();
    } catch {
      // Nobody has called this, who could be told.
    }
  }

  #assertOpen(): void {
    if (this.#parts.closed || this.#ended) throw badResource();
  }

  /** Also after the end of `readable`, when only writing goes on. */
  #assertNotClosed(): void {
    if (this.#parts.closed) throw badResource();
  }
}
