/**
 * Registered buffers and their slices.
 *
 * @module
 */
import type { RioHandle } from "../contract.ts";
import { RioBufferInUseError, RioClosedError } from "../errors.ts";
import { assertInteger } from "./arguments.ts";
import type { BufferRecord } from "./ledger.ts";
import type { SessionCore } from "./core.ts";

/** The ledger's record of a buffer; for this package only. */
export let recordOf: (buffer: RioBuffer) => BufferRecord;
/** Whether a value is a slice, and none that only looks like one. */
export let isSlice: (value: object | null) => value is RioSlice;

/**
 * Memory that is registered with the kernel, once, and used for many requests.
 *
 * A buffer is in use from the post of a request until its completion is
 * dequeued. It is never deregistered in between, whatever happens: leaving a
 * `using` block, an exception, or the garbage collector.
 *
 * Source: Microsoft's page on `RIORegisterBuffer`.
 *
 * @example Register, use, deregister
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(64 * 1024);
 * const slice = buffer.slice(0, 2048);
 * slice.bytes.set(new TextEncoder().encode("hello"));
 * ```
 */
export class RioBuffer implements Disposable {
  readonly #core: SessionCore;
  readonly #record: BufferRecord;

  static {
    recordOf = (buffer) => buffer.#record;
  }

  /**
   * For this package only: use {@linkcode RioSession.registerBuffer}.
   *
   * @param core The session's parts.
   * @param record The registration.
   */
  constructor(core: SessionCore, record: BufferRecord) {
    this.#core = core;
    this.#record = record;
  }

  /** The id that `RIORegisterBuffer` gave. */
  get id(): RioHandle {
    return this.#record.id;
  }

  /** The size in bytes. */
  get byteLength(): number {
    return this.#record.memory.bytes.byteLength;
  }

  /**
   * The registered memory.
   *
   * The view stays readable after deregistration, but nothing is received into
   * it any more.
   */
  get bytes(): Uint8Array {
    return this.#record.memory.bytes;
  }

  /** How many uses by requests have not been dequeued yet. */
  get inFlight(): number {
    return this.#record.inFlight;
  }

  /** Whether requests can no longer be posted with this buffer. */
  get closed(): boolean {
    return this.#record.closing;
  }

  /**
   * A part of the buffer, to post requests with.
   *
   * Slices may overlap, but of two overlapping slices in flight at the same
   * time neither may be one that the kernel writes to.
   *
   * @param offset First byte.
   * @default {0}
   * @param length Bytes; the rest of the buffer by default.
   * @returns The slice.
   * @throws {RangeError} If the range is not inside the buffer.
   * @throws {RioClosedError} If the buffer was deregistered.
   */
  slice(offset = 0, length?: number): RioSlice {
    if (this.#record.closing) {
      throw new RioClosedError(
        `Cannot slice registered buffer ${this.id}: it was deregistered`,
      );
    }
    const size = this.byteLength;
    assertInteger("offset", offset, 0, size);
    const rest = size - offset;
    if (length !== undefined) assertInteger("length", length, 0, rest);
    return new RioSlice(this, offset, length ?? rest);
  }

  /**
   * Ends the registration; a second call does nothing.
   *
   * @throws {RioBufferInUseError} If requests use the buffer.
   */
  deregister(): void {
    const { inFlight, closing } = this.#record;
    if (closing) return;
    if (inFlight > 0) {
      throw new RioBufferInUseError(
        `Cannot deregister buffer ${this.id}: ${inFlight} uses are in flight, dequeue their completions first`,
        inFlight,
      );
    }
    this.#release();
  }

  /**
   * Ends the registration, at the latest with the last completion.
   *
   * Completions that have arrived are dequeued for it, and kept for whoever
   * dequeues next. If requests remain in flight, nothing can be posted with the
   * buffer any more, and it is deregistered when the last of them is dequeued.
   */
  [Symbol.dispose](): void {
    if (this.#record.closing) return;
    if (this.#record.inFlight > 0) this.#core.settleArrived();
    this.#release();
  }

  #release(): void {
    this.#core.ledger.releaseBuffer(this.#record);
    this.#core.forget(this);
  }
}

/** A part of a registered buffer. */
export class RioSlice {
  readonly #made = true;

  static {
    isSlice = (value): value is RioSlice =>
      typeof value === "object" && value !== null && #made in value;
  }

  /** The buffer that this is a part of. */
  readonly buffer: RioBuffer;
  /** The registration of the buffer. */
  readonly bufferId: RioHandle;
  /** First byte, from the start of the buffer. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** The memory of this part. */
  readonly bytes: Uint8Array;

  /**
   * For this package only: use {@linkcode RioBuffer.slice}.
   *
   * @param buffer The buffer.
   * @param offset First byte.
   * @param length Bytes.
   */
  constructor(buffer: RioBuffer, offset: number, length: number) {
    this.buffer = buffer;
    this.bufferId = buffer.id;
    this.offset = offset;
    this.length = length;
    this.bytes = buffer.bytes.subarray(offset, offset + length);
    // The kernel trusts these numbers.
    Object.freeze(this);
  }
}
