/**
 * The sending half of a connection.
 *
 * @module
 */
import { NativePromise } from "../../globals.ts";
import { WSAENOTCONN } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import { lengthOf } from "../../plain_bytes.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { inTurn } from "../../turns.ts";
import type { Operation } from "../driver.ts";
import { brokenPipe, toDenoError, transferred } from "../errors.ts";
import { Half } from "../half.ts";
import type { RequestHub } from "./request_hub.ts";
import type { Piece } from "../shelf.ts";
import { LARGE_SLICE } from "./slice_pool.ts";
import type { StreamWriter } from "./way.ts";

/** Sends of one write that can be under way at a time. */
const PIPELINE = 4;

/** Something to do in its turn: a write, or the end of sending. */
interface Job {
  /** What to write; `null` ends sending. */
  readonly bytes: Uint8Array | null;
  /** Its length when it was given: it may be transferred. */
  readonly length: number;
  /** Bytes that were posted. */
  posted: number;
  error: unknown;
  resolve(bytes: number | Promise<number>): void;
  reject(error: unknown): void;
}

/** One send from its post to its completion; used again after that. */
class Chunk implements Operation {
  readonly options: { context: Operation } = { context: this };
  readonly complete: Operation["complete"];
  /** The kernel's until the request has completed. */
  slice: Piece | null = null;

  constructor(complete: Operation["complete"]) {
    this.complete = complete;
  }
}

/** Copies writes into registered memory, chunk by chunk, and sends them. */
export class Writer extends Half<Job> implements StreamWriter {
  readonly #hub: RequestHub;
  readonly #free: Chunk[] = [];
  #outstanding = 0;
  #advancing = false;
  #ended = false;

  /**
   * Posts nothing yet.
   *
   * @param hub What the session's connections share.
   * @param socket The connected socket.
   * @param settled Called when it was closed and no request is outstanding.
   */
  constructor(hub: RequestHub, socket: RioSocket, settled: () => void) {
    super(socket, hub.sends, settled);
    this.#hub = hub;
  }

  override get busy(): boolean {
    return this.#outstanding > 0;
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#add(bytes);
  }

  end(): Promise<unknown> {
    return this.#add(null);
  }

  #add(bytes: Uint8Array | null): Promise<number> {
    return new NativePromise((resolve, reject) => {
      this.calls.push({
        bytes,
        length: bytes === null ? 0 : lengthOf(bytes),
        posted: 0,
        error: null,
        resolve,
        reject,
      });
      if (this.calls.length === 1) this.#advance(true);
      if (this.calls.length > 0) this.wait();
    });
  }

  /**
   * Does what can be done now.
   *
   * @param polls Whether to look for completions after each send; not while
   * completions are being run.
   */
  #advance(polls: boolean): void {
    this.#advancing = true;
    for (;;) {
      const job = this.calls[0];
      if (job === undefined) {
        this.rest();
        break;
      }
      if (!this.#isOver(job, polls)) break;
      this.calls.shift();
      if (job.error === null) job.resolve(inTurn(job.posted));
      else job.reject(job.error);
    }
    this.#advancing = false;
  }

  /** Goes on with a job; returns whether it came to its end. */
  #isOver(job: Job, polls: boolean): boolean {
    const { bytes } = job;
    if (bytes === null) {
      this.#end(job);
      return true;
    }
    try {
      if (job.length === 0 && this.#ended) job.error = brokenPipe();
      while (job.error === null && job.posted < job.length) {
        if (lengthOf(bytes) !== job.length) throw transferred("write");
        if (this.#outstanding >= this.socket.sends && !this.#widen()) {
          return false;
        }
        this.#send(job, bytes);
        if (polls) this.poll();
      }
    } catch (error) {
      job.error = toDenoError(error);
    }
    return this.#outstanding === 0;
  }

  #send(job: Job, bytes: Uint8Array): void {
    const { slices } = this.#hub;
    const length = Math.min(job.length - job.posted, LARGE_SLICE);
    const slice = slices.take(length);
    try {
      const part = slice.part(length);
      part.bytes.set(
        length === job.length
          ? bytes
          : bytes.subarray(job.posted, job.posted + length),
      );
      const chunk: Chunk = this.#free.pop() ??
        new Chunk((completion) => this.#sent(chunk, completion));
      this.socket.send(part, chunk.options);
      chunk.slice = slice;
    } catch (error) {
      slices.give(slice);
      throw error;
    }
    job.posted += length;
    this.#outstanding++;
  }

  /**
   * Lets more sends of this connection be under way at a time, once it proved
   * to send in bulk: the queue grows first, then the request queue.
   */
  #widen(): boolean {
    const { sends } = this.socket;
    if (sends >= PIPELINE) return false;
    try {
      using _room = this.#hub.reserve({ receives: 0, sends: PIPELINE - sends });
      this.socket.resize({ sends: PIPELINE });
      return true;
    } catch {
      // It goes on with one send at a time.
      return false;
    }
  }

  #sent(chunk: Chunk, completion: RioCompletion): void {
    this.#hub.slices.give(chunk.slice!);
    chunk.slice = null;
    this.#free.push(chunk);
    this.#outstanding--;
    const job = this.calls[0];
    if (job !== undefined && completion.status !== 0) {
      job.error ??= toDenoError(completion.error);
    }
    if (job !== undefined) {
      if (!this.#advancing) this.#advance(false);
    } else if (this.#outstanding === 0) {
      // Not before: a closed connection waits for all of its sends to end.
      this.rest();
    }
    this.settle();
  }

  #end(job: Job): void {
    try {
      this.socket.shutdown("send");
      this.#ended = true;
    } catch (error) {
      // A connection that is gone sends nothing more, as was wanted.
      const gone = error instanceof RioError && error.errno === WSAENOTCONN;
      if (!gone) job.error = toDenoError(error);
    }
  }
}
