/**
 * What a connection is made of, and how it ends.
 *
 * @module
 */
import type { RioSocket } from "../../session/socket.ts";
import { denoErrors } from "../errors.ts";
import type { Hub } from "./hub.ts";
import type { StreamReader, StreamWriter } from "./way.ts";

/**
 * The parts of a connection. They know nothing of the object that the program
 * holds, so that the collector finds out when it holds it no more.
 */
export class ConnParts implements Disposable {
  readonly socket: RioSocket;
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly #hub: Hub;
  #closed = false;
  #released = false;

  /**
   * Takes over the data of a socket.
   *
   * @param hub Used, and disposed when the connection is closed and drained.
   * @param socket The connected socket; closed with the parts.
   */
  constructor(hub: Hub, socket: RioSocket) {
    this.#hub = hub;
    this.socket = socket;
    const { reader, writer } = hub.way.openHalves(
      socket,
      () => this.#settle(),
    );
    this.reader = reader;
    this.writer = writer;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Closes the connection; quiet if it was closed before. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    try {
      // Where data was not read, the system closes with a reset. This tells
      // the peer before that the end was meant.
      this.socket.shutdown("send");
    } catch {
      // The peer has closed or reset it already.
    }
    this.close();
  }

  /** Closes the connection at once. */
  close(): void {
    this.#closed = true;
    this.reader.close();
    this.writer.close();
    try {
      denoErrors(() => this.socket.close());
    } finally {
      this.#hub.way.closed();
      this.#settle();
    }
  }

  /** Ends the use of the hub, once the kernel is done with its memory. */
  #settle(): void {
    if (!this.#closed || this.#released) return;
    const busy = this.reader.busy || this.writer.busy;
    if (busy && !this.#hub.session.closed) return;
    this.#released = true;
    this.#hub.way.shrink();
    this.#hub[Symbol.dispose]();
  }
}
