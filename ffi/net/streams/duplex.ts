/**
 * Connections for Node's programs: `node:tls`, and clients that take a stream.
 *
 * Kept apart from the package's face, which loads nothing of Node's.
 *
 * @example Speak TLS over a connection
 * ```ts
 * import { connect } from "@winsock/rio";
 * import { toDuplex } from "@winsock/rio/duplex";
 * import tls from "node:tls";
 *
 * async function headOf(hostname: string): Promise<void> {
 *   const conn = await connect({ hostname, port: 443 });
 *   const secure = tls.connect({ socket: toDuplex(conn), servername: hostname });
 *   secure.write(`HEAD / HTTP/1.0\r\nHost: ${hostname}\r\n\r\n`);
 *   for await (const chunk of secure) console.log(String(chunk));
 * }
 * ```
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { assertInteger } from "../../arguments.ts";
import { callLater, timeNow } from "../../clock.ts";
import type { RioTcpConn } from "./conn.ts";

/** Bytes that are read at a time. */
const CHUNK = 65_536;

/** What a stream calls when something is done, or has failed. */
type Done = (error?: Error | null) => void;

/**
 * A connection as a stream of Node's, made by {@linkcode toDuplex}. It has what
 * clients ask of a `net.Socket` beyond that.
 *
 * The peer may end sending, and be answered afterwards: the connection is closed
 * when both sides have ended, or when this is destroyed.
 *
 * @example Read and write lines
 * ```ts
 * import { connect, listen } from "@winsock/rio";
 * import { toDuplex } from "@winsock/rio/duplex";
 * import { once } from "node:events";
 * import { createInterface } from "node:readline";
 *
 * using listener = listen({ hostname: "127.0.0.1" });
 * const serving = listener.accept().then(async (conn) => {
 *   const stream = toDuplex(conn).resume(); // reads to the end, for nothing
 *   stream.end("one\ntwo\n");
 *   await once(stream, "close");
 * });
 *
 * const { port } = listener.addr;
 * const stream = toDuplex(await connect({ hostname: "127.0.0.1", port }));
 * for await (const line of createInterface({ input: stream })) console.log(line);
 * stream.end();
 * await serving;
 * ```
 */
export class RioDuplex extends Duplex {
  /** The connection; this object closes it. */
  readonly conn: RioTcpConn;
  /** Used for every read; what is pushed is a copy. */
  readonly #place: Uint8Array<ArrayBuffer> = new Uint8Array(CHUNK);
  #timeout = 0;
  /** When data was moved last. */
  #moved = 0;
  /** Ends the wait for `timeout`, while there is one. */
  #stopWaiting: (() => void) | null = null;

  /**
   * Takes a connection over: nobody else reads it, writes to it or closes it.
   *
   * @param conn The connection.
   */
  constructor(conn: RioTcpConn) {
    super({ allowHalfOpen: true });
    this.conn = conn;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.conn.remoteAddr.hostname;
  }

  /** The peer's port. */
  get remotePort(): number {
    return this.conn.remoteAddr.port;
  }

  /** `"IPv4"` or `"IPv6"`. */
  get remoteFamily(): string {
    return this.remoteAddress.includes(":") ? "IPv6" : "IPv4";
  }

  /** The local address. */
  get localAddress(): string {
    return this.conn.localAddr.hostname;
  }

  /** The local port. */
  get localPort(): number {
    return this.conn.localAddr.port;
  }

  /** After how many milliseconds of rest `timeout` comes; 0 for never. */
  get timeout(): number {
    return this.#timeout;
  }

  /**
   * Has the event `timeout` come when nothing was read or written for so long.
   * Whoever hears it decides what becomes of the connection.
   *
   * @param milliseconds How long; 0 for never.
   * @param listener Called with the first one; with 0, not called any more.
   * @returns This object.
   * @throws {TypeError} If it is not a number.
   * @throws {RangeError} If it is not a whole number from 0 to 2,147,483,647.
   */
  setTimeout(milliseconds: number, listener?: () => void): this {
    if (this.destroyed) return this;
    assertInteger("milliseconds", milliseconds, 0, 0x7FFFFFFF);
    this.#timeout = milliseconds;
    if (listener) {
      if (milliseconds > 0) this.once("timeout", listener);
      else this.off("timeout", listener);
    }
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    this.#move();
    return this;
  }

  /**
   * Sends small segments at once, or joins them.
   *
   * @param noDelay Whether to send at once.
   * @default {true}
   * @returns This object.
   */
  setNoDelay(noDelay: boolean = true): this {
    if (!this.destroyed) this.conn.setNoDelay(noDelay);
    return this;
  }

  /**
   * Probes the connection while it is idle, or does not.
   *
   * @param keepAlive Whether to probe.
   * @default {false}
   * @returns This object.
   */
  setKeepAlive(keepAlive: boolean = false): this {
    if (!this.destroyed) this.conn.setKeepAlive(keepAlive);
    return this;
  }

  /**
   * Lets waits keep the process alive; they do from the start.
   *
   * @returns This object.
   */
  ref(): this {
    this.conn.ref();
    return this;
  }

  /**
   * Lets the process end while something waits.
   *
   * @returns This object.
   */
  unref(): this {
    this.conn.unref();
    return this;
  }

  /** @ignore */
  override _read(): void {
    const place = this.#place;
    this.conn.read(place).then(
      (count) => {
        this.#move();
        this.push(count === null ? null : Buffer.from(place.slice(0, count)));
      },
      (error) => this.destroy(error),
    );
  }

  /** @ignore */
  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#write(chunk, done);
  }

  /** @ignore */
  override _writev(chunks: { chunk: Uint8Array }[], done: Done): void {
    // TLS writes its records one by one: they leave together.
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this.#write(all, done);
  }

  /** @ignore */
  override _final(done: Done): void {
    this.conn.closeWrite().then(() => done(), done);
  }

  /** @ignore */
  override _destroy(error: Error | null, done: Done): void {
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    try {
      this.conn[Symbol.dispose]();
      done(error);
    } catch (failure) {
      done(error ?? failure as Error);
    }
  }

  #write(bytes: Uint8Array, done: Done): void {
    this.#move();
    this.conn.write(bytes).then(() => {
      this.#move();
      done();
    }, done);
  }

  /** Takes note that data is moved, where somebody waits for the opposite. */
  #move(): void {
    if (this.#timeout === 0 || this.destroyed) return;
    this.#moved = timeNow();
    if (this.#stopWaiting === null) this.#waitFor(this.#timeout);
  }

  #waitFor(milliseconds: number): void {
    this.#stopWaiting = callLater(milliseconds, () => {
      const left = this.#timeout - (timeNow() - this.#moved);
      if (left > 0) return this.#waitFor(Math.ceil(left));
      this.#stopWaiting = null;
      this.emit("timeout");
    });
  }
}

/**
 * Makes a stream of Node's of a connection: `node:tls` runs over it, as client
 * and as server, and so does every client that takes a stream.
 *
 * @example Serve TLS
 * ```ts
 * import { listen } from "@winsock/rio";
 * import { toDuplex } from "@winsock/rio/duplex";
 * import { TLSSocket } from "node:tls";
 *
 * async function serve(key: string, cert: string) {
 *   for await (const conn of listen({ port: 8443 })) {
 *     const secure = new TLSSocket(toDuplex(conn), {
 *       isServer: true,
 *       key,
 *       cert,
 *     });
 *     secure.on("error", () => secure.destroy());
 *     secure.pipe(secure);
 *   }
 * }
 * ```
 *
 * @param conn A connection of {@linkcode connect} or {@linkcode listen}; the
 * stream closes it.
 * @returns The stream.
 */
export function toDuplex(conn: RioTcpConn): RioDuplex {
  return new RioDuplex(conn);
}
