/**
 * The ways in which connections move their data: by requests, or directly where
 * the system can.
 *
 * @module
 */
import type { RioQueueOptions } from "../../session/request_queue.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Hold } from "../hold.ts";

/** The receiving half of a connection. */
export interface StreamReader {
  /** Whether the kernel still uses memory of it. */
  readonly busy: boolean;
  /** Keeps the connection, while something waits. */
  readonly hold: Hold;
  /** Reads into an array; resolves with `null` at the end of the stream. */
  read(into: Uint8Array): Promise<number | null>;
  /** Reads into a new array of the right size; `null` at the end. */
  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Changes whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void;
  /** Ends the calls that wait; the owner of the socket closes that next. */
  close(): void;
}

/** The sending half of a connection. */
export interface StreamWriter
  extends Pick<StreamReader, "busy" | "hold" | "setReferenced" | "close"> {
  /**
   * Writes all bytes, after what was written before; resolves with how many.
   *
   * @param atOnce Whether somebody may tell a few microtasks from a few more.
   */
  write(bytes: Uint8Array, atOnce: boolean): Promise<number>;
  /** Ends sending, after what was written before. */
  end(): Promise<unknown>;
}

/** Both halves of a connection. */
export interface StreamHalves {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
}

/**
 * How the connections of a session move their data: by requests, or directly
 * where the system can.
 */
export interface StreamWay extends Disposable {
  /** The queues of a connection that is opened. */
  readonly queueOptions: RioQueueOptions;
  /** Keeps room for a connection that is opened; disposing gives it back. */
  reserve(): Disposable;
  /**
   * Takes over the data of a connected socket.
   *
   * @param settled Called when it was closed and is not busy any more.
   */
  openHalves(socket: RioSocket, settled: () => void): StreamHalves;
  /** Tells that a connection was closed: completes what has arrived. */
  closed(): void;
  /** Gives back what a closed connection no longer needs. */
  shrink(): void;
}
