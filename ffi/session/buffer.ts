/**
 * Registered buffers, and the slices of them that requests are posted with.
 *
 * @module
 */
import type { RioHandle } from "../contract.ts";
import { logAsJson } from "../shown.ts";
import { RioBufferInUseError, RioClosedError } from "../errors.ts";
import { assertInteger } from "../arguments.ts";
import type { BufferRecord } from "./ledger.ts";
import type { SessionCore } from "./core.ts";
import { assertInternal, INTERNAL } from "../internal.ts";

/** The ledger's record of a buffer. */
export let recordOf: (buffer: RioBuffer<ArrayBufferLike>) => BufferRecord;
/** Whether a value is a real slice, not an object that looks like one. */
export let isSlice: (value: unknown) => value is RioSlice<ArrayBufferLike>;

/**
 * Memory that is registered with the kernel, once, and used for many requests.
 *
 * A request uses the buffer from its post until its completion is dequeued.
 * Until then the buffer stays registered, also when a `using` block ends, an
 * exception is thrown or the garbage collector runs.
 *
 * Source: Microsoft's page on `RIORegisterBuffer`.
 *
 * @example Register, use, deregister
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(64 * 1024);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await socket.connect(socket.address); // talks to itself
 *
 * const data = buffer.slice(0, 5);
 * data.bytes.set(new TextEncoder().encode("hello"));
 * socket.send(data);
 * console.log(buffer.inFlight); // 1: until the completion is dequeued
 * for await (const batch of socket.completions) {
 *   console.log(batch[0]?.bytesTransferred, buffer.inFlight); // 5 0
 *   break;
 * }
 * ```
 */
export class RioBuffer<T extends ArrayBufferLike = ArrayBuffer>
  implements Disposable {
  readonly #core: SessionCore;
  readonly #record: BufferRecord;

  /** The id that `RIORegisterBuffer` gave. */
  readonly id: RioHandle;
  /** The size in bytes. */
  readonly byteLength: number;
  /**
   * The registered memory.
   *
   * The view stays readable after deregistration, but nothing is received into
   * it any more.
   */
  readonly bytes: Uint8Array<T>;

  static {
    logAsJson(this);
    recordOf = (buffer) => buffer.#record;
  }

  /** @ignore */
  constructor(key: typeof INTERNAL, core: SessionCore, record: BufferRecord) {
    assertInternal(key, "RioSession.registerBuffer()");
    this.#core = core;
    this.#record = record;
    this.id = record.id;
    this.bytes = record.memory.bytes as Uint8Array<T>;
    this.byteLength = this.bytes.byteLength;
  }

  /** How many slices of it are in requests that have not been dequeued yet. */
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
   * Slices may overlap. Do not have two overlapping slices in flight at the
   * same time if the kernel writes to one of them.
   *
   * @param offset First byte.
   * @default {0}
   * @param length Bytes; the rest of the buffer by default.
   * @returns The slice.
   * @throws {RangeError} If the range is not inside the buffer.
   * @throws {RioClosedError} If the buffer was deregistered.
   */
  slice(offset = 0, length?: number): RioSlice<T> {
    if (this.#record.closing) {
      throw new RioClosedError(
        `Cannot slice registered buffer ${this.id}: it was deregistered`,
      );
    }
    const size = this.byteLength;
    assertInteger("offset", offset, 0, size);
    const rest = size - offset;
    if (length !== undefined) assertInteger("length", length, 0, rest);
    return new RioSlice(INTERNAL, this, offset, length ?? rest);
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
   * Ends the registration, now or when the last completion is dequeued.
   *
   * It dequeues completions that have arrived, and keeps them for the next
   * `dequeue()` of their queue. If requests still use the buffer then, nothing
   * new can be posted with it, and the last of them deregisters it.
   */
  [Symbol.dispose](): void {
    if (this.#record.closing) return;
    if (this.#record.inFlight > 0) this.#core.pull();
    this.#release();
  }

  /** What a buffer shows when it is logged or serialised: all but its memory. */
  toJSON(): Record<string, unknown> {
    const { id, byteLength, inFlight, closed } = this;
    return { id, byteLength, inFlight, closed };
  }

  #release(): void {
    this.#core.ledger.releaseBuffer(this.#record);
    this.#core.forget(this);
  }
}

/**
 * A part of a registered buffer, with which requests are posted.
 *
 * @example Receive into one half of a buffer, and send from the other
 * ```ts
 * import { RioSession } from "@winsock/rio";
 *
 * using session = RioSession.open();
 * using buffer = session.registerBuffer(4096);
 * using socket = session.openSocket({ transport: "udp", hostname: "127.0.0.1" });
 * await socket.connect(socket.address); // talks to itself
 *
 * const inbox = buffer.slice(0, 2048);
 * const { written } = new TextEncoder().encodeInto("hello", buffer.bytes.subarray(2048));
 * socket.receive(inbox);
 * socket.send(buffer.slice(2048, written));
 * for await (const batch of socket.completions) {
 *   // The completion names the slice that it was posted with.
 *   const received = batch.find(({ slice }) => slice === inbox);
 *   if (received) {
 *     console.log(inbox.bytes.subarray(0, received.bytesTransferred));
 *     break;
 *   }
 * }
 * ```
 */
export class RioSlice<T extends ArrayBufferLike = ArrayBuffer> {
  readonly #made = true;

  static {
    logAsJson(this);
    isSlice = (value): value is RioSlice<ArrayBufferLike> =>
      typeof value === "object" && value !== null && #made in value;
  }

  /** The buffer that this is a part of. */
  readonly buffer: RioBuffer<T>;
  /** The registration of the buffer. */
  readonly bufferId: RioHandle;
  /** First byte, from the start of the buffer. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  /** The memory of this part. */
  readonly bytes: Uint8Array<T>;

  /** @ignore */
  constructor(
    key: typeof INTERNAL,
    buffer: RioBuffer<T>,
    offset: number,
    length: number,
  ) {
    assertInternal(key, "RioBuffer.slice()");
    this.buffer = buffer;
    this.bufferId = buffer.id;
    this.offset = offset;
    this.length = length;
    this.bytes = buffer.bytes.subarray(offset, offset + length);
    // Native code does not check these numbers: nobody may change them.
    Object.freeze(this);
  }

  /** What a slice shows when it is logged or serialised: all but its memory. */
  toJSON(): Record<string, unknown> {
    const { bufferId, offset, length } = this;
    return { bufferId, offset, length };
  }
}
