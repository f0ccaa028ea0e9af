/**
 * The receiving half of a connection.
 *
 * @module
 */
import { NativePromise } from "../../globals.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { inTurn } from "../../turns.ts";
import type { Operation } from "../driver.ts";
import { toDenoError } from "../errors.ts";
import { Half } from "../half.ts";
import type { RequestHub } from "./request_hub.ts";
import type { Piece } from "../shelf.ts";
import { SMALL_SLICE } from "./slice_pool.ts";
import type { StreamReader } from "./way.ts";

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
 * A slice of memory is taken for the request and given back when it completes.
 * A connection that receives little waits with a small slice, one that has
 * filled it with a large one.
 */
export class Reader extends Half<Read> implements Operation, StreamReader {
  readonly #hub: RequestHub;
  readonly #options: { context: Operation };
  /** The kernel's until the request has completed. */
  #posted: Piece | null = null;
  #wanted = SMALL_SLICE;

  /**
   * Posts nothing yet.
   *
   * @param hub What the session's connections share.
   * @param socket The connected socket.
   * @param settled Called when it was closed and no request is outstanding.
   */
  constructor(hub: RequestHub, socket: RioSocket, settled: () => void) {
    super(socket, hub.receives, settled);
    this.#hub = hub;
    this.#options = { context: this };
  }

  override get busy(): boolean {
    return this.#posted !== null;
  }

  read(into: Uint8Array): Promise<number | null> {
    return new NativePromise((resolve, reject) => {
      this.#add({
        length: into.length,
        take: (data) => {
          into.set(data);
          resolve(inTurn(data.length === 0 ? null : data.length));
        },
        reject,
      });
    });
  }

  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return new NativePromise((resolve, reject) => {
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
    const read = this.calls.shift();
    if (completion.status !== 0) read?.reject(toDenoError(completion.error));
    else this.#received(completion, read);
    this.#hub.slices.give(slice);
    if (this.calls.length > 0) this.#post();
    else this.rest();
    this.settle();
  }

  /** Hands over what has arrived, and learns how much to ask for next. */
  #received(
    { slice, bytesTransferred }: RioCompletion,
    read: Read | undefined,
  ): void {
    const { bytes, length } = slice!;
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

  #add(read: Read): void {
    this.calls.push(read);
    if (this.#posted === null) {
      this.#post();
      if (this.#posted !== null) this.poll();
    }
    if (this.calls.length > 0) this.wait();
  }

  #post(): void {
    const length = Math.min(this.calls[0]!.length, this.#wanted);
    const { slices } = this.#hub;
    let slice: Piece | null = null;
    try {
      slice = slices.take(length);
      this.socket.receive(slice.part(length), this.#options);
      this.#posted = slice;
    } catch (error) {
      if (slice !== null) slices.give(slice);
      this.abandoned(toDenoError(error));
    }
  }
}
