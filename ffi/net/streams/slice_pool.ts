/**
 * Registered memory for streams: slices that are taken for one request and
 * given back when it has completed.
 *
 * @module
 */
import type { RioBuffer, RioSlice } from "../../session/buffer.ts";
import type { RioSession } from "../../session/session.ts";

/** Bytes of a small slice: for a request that may wait long for little. */
export const SMALL_SLICE = 2048;
/** Bytes of a large slice: for data in bulk. */
export const LARGE_SLICE = 65536;
/** Bytes that are registered at a time. */
const SLAB_SIZE = 1 << 20;

/** One registration, cut into slices of one size. */
interface Slab {
  readonly buffer: RioBuffer;
  readonly shelf: Shelf;
  /** Slices that were given back. */
  readonly free: PooledSlice[];
  /** Bytes that were cut into slices: few slabs are ever full. */
  cut: number;
  /** Slices that were not given back. */
  taken: number;
}

/** A slice out of a pool; whoever took it gives it back once. */
export class PooledSlice {
  /** What was registered together with it. */
  readonly slab: Slab;
  readonly #offset: number;
  #part: RioSlice | null = null;

  /** For {@linkcode SlicePool} only. */
  constructor(slab: Slab, offset: number) {
    this.slab = slab;
    this.#offset = offset;
  }

  /**
   * The first bytes, to post; the same length again costs nothing.
   *
   * @param length How many bytes are wanted; what it has limits them.
   */
  part(length: number): RioSlice {
    const size = Math.min(length, this.slab.shelf.sliceSize);
    if (this.#part?.length !== size) {
      this.#part = this.slab.buffer.slice(this.#offset, size);
    }
    return this.#part;
  }
}

/** All slabs with slices of one size. */
class Shelf {
  readonly sliceSize: number;
  readonly #session: RioSession;
  /** Slabs with something to take; it is taken from the last one. */
  readonly #open: Slab[] = [];

  constructor(session: RioSession, sliceSize: number) {
    this.#session = session;
    this.sliceSize = sliceSize;
  }

  take(): PooledSlice {
    const slab = this.#open.at(-1) ?? this.#register();
    const slice = slab.free.pop() ?? this.#cut(slab);
    slab.taken++;
    if (this.#isFull(slab)) this.#open.pop();
    return slice;
  }

  give(slice: PooledSlice): void {
    const { slab } = slice;
    if (this.#isFull(slab)) this.#open.push(slab);
    slab.taken--;
    slab.free.push(slice);
    // One unused slab stays: traffic that comes and goes registers nothing.
    if (
      slab.taken === 0 &&
      this.#open.some((it) => it !== slab && it.taken === 0)
    ) {
      this.#open.splice(this.#open.indexOf(slab), 1);
      slab.buffer[Symbol.dispose]();
    }
  }

  close(): void {
    for (const slab of this.#open) slab.buffer[Symbol.dispose]();
    this.#open.length = 0;
  }

  #register(): Slab {
    const buffer = this.#session.registerBuffer(SLAB_SIZE);
    const slab = { buffer, shelf: this, free: [], cut: 0, taken: 0 };
    this.#open.push(slab);
    return slab;
  }

  #cut(slab: Slab): PooledSlice {
    const slice = new PooledSlice(slab, slab.cut);
    slab.cut += this.sliceSize;
    return slice;
  }

  #isFull(slab: Slab): boolean {
    return slab.taken * this.sliceSize === SLAB_SIZE;
  }
}

/**
 * Slices in two sizes, registered in slabs as they are needed.
 *
 * A slab of which nothing is taken any more is deregistered, but for one of
 * each size.
 */
export class SlicePool {
  readonly #small: Shelf;
  readonly #large: Shelf;

  /**
   * Makes an empty pool.
   *
   * @param session Where memory is registered.
   */
  constructor(session: RioSession) {
    this.#small = new Shelf(session, SMALL_SLICE);
    this.#large = new Shelf(session, LARGE_SLICE);
  }

  /**
   * Takes a slice.
   *
   * @param length How many bytes are wanted; it may have less.
   */
  take(length: number): PooledSlice {
    return (length <= SMALL_SLICE ? this.#small : this.#large).take();
  }

  /** Takes a slice back whose request has completed, or was never accepted. */
  give(slice: PooledSlice): void {
    slice.slab.shelf.give(slice);
  }

  /** Deregisters everything, once every slice was given back. */
  close(): void {
    this.#small.close();
    this.#large.close();
  }
}
