/**
 * The receiving half of a connection.
 *
 * @module
 */
import type { RioCompletion } from "../../session/requests.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Operation } from "../driver.ts";
import { interrupted, toDenoError } from "../errors.ts";
import type { Hub } from "./hub.ts";
import { type PooledSlice, SMALL_SLICE } from "./slice_pool.ts";
import { TcpHalf } from "../half.ts";

/** A read that was asked for. */
interface Read {
  /** The most bytes it takes. */
  readonly length: number;
  /** Copies what has arrived; an empty view is the end of the stream. */
  take(data: Uint8Array): void;
  reject(error: unknown): void;
}

/**
 * Receives when somebody reads, one request at a time.
 *
 * Memory is taken with the request and given back with its completion. Who
 * waits for little holds little: a small slice, until one was filled.
 */
export class TcpReader extends TcpHalf implements Operation {
  readonly #reads: Read[] = [];
  readonly #options: { context: Operation };
  readonly #settled: () => void;
  /** The kernel's until the request has completed. */
  #posted: PooledSlice | null = null;
  #wanted = SMALL_SLICE;
  #closed = false;

  /**
   * Posts nothing yet.
   *
   * @param hub What the session's connections share.
   * @param socket The connected socket.
   * @param settled Called when no request is outstanding any more.
   */
  constructor(hub: Hub, socket: RioSocket, settled: () => void) {
    super(hub, socket, hub.receives);
    this.#options = { context: this };
    this.#settled = settled;
  }

  get busy(): boolean {
    return this.#posted !== null;
  }

  /** Reads into an array; resolves with `null` at the end of the stream. */
  read(
    into: Uint8Array,
    resolve: (count: number | null | Promise<number | null>) => void,
    reject: (error: unknown) => void,
  ): void {
    this.#add({
      length: into.length,
      take: (data) => {
        into.set(data);
        resolve(this.inTurn(data.length === 0 ? null : data.length));
      },
      reject,
    });
  }

  /** Reads into a new array of the right size; `null` at the end. */
  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return new Promise((resolve, reject) => {
      this.#add({
        length,
        take: (data) =>
          resolve(data.length === 0 ? null : new Uint8Array(data)),
        reject,
      });
    });
  }

  complete(completion: RioCompletion): void {
    const slice = this.#posted!;
    this.#posted = null;
    const { status, bytesTransferred } = completion;
    const { bytes, length } = completion.slice!;
    const read = this.#reads.shift();
    if (status !== 0) {
      read?.reject(toDenoError(completion.error));
    } else {
      const filled = bytesTransferred === length;
      if (filled || bytesTransferred <= SMALL_SLICE) {
        this.#wanted = filled ? Infinity : SMALL_SLICE;
      }
      try {
        read?.take(filled ? bytes : bytes.subarray(0, bytesTransferred));
      } catch (error) {
        // The array was transferred in the meantime.
        read?.reject(error);
      }
    }
    this.hub.slices.give(slice);
    if (this.#reads.length > 0) this.#post();
    else this.rest();
    if (this.#closed) this.#settled();
  }

  /** Ends every wait; the socket is closed by its owner. */
  close(reason: unknown = interrupted()): void {
    this.#closed = true;
    for (const read of this.#reads.splice(0)) read.reject(reason);
    if (this.#posted === null) this.rest();
  }

  abandoned(reason: unknown): void {
    this.close(reason);
    this.rest();
  }

  #add(read: Read): void {
    this.#reads.push(read);
    if (this.#posted === null) {
      this.#post();
      if (this.#posted !== null) this.poll();
    }
    if (this.#reads.length > 0) this.wait();
  }

  #post(): void {
    const length = Math.min(this.#reads[0]!.length, this.#wanted);
    const { slices } = this.hub;
    let slice: PooledSlice | null = null;
    try {
      slice = slices.take(length);
      this.socket.receive(
        slice.part(Math.min(length, slice.size)),
        this.#options,
      );
      this.#posted = slice;
    } catch (error) {
      if (slice !== null) slices.give(slice);
      const reason = toDenoError(error);
      for (const read of this.#reads.splice(0)) read.reject(reason);
      this.rest();
    }
  }
}
