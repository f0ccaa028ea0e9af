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

/** A slice out of a pool; whoever took it gives it back once. */
export class PooledSlice {
  /** What was registered together with it. */
  readonly slab: Slab;
  /** Bytes. */
  readonly size: number;
  readonly #offset: number;
  #part: RioSlice | null = null;

  /** For {@linkcode Slab} only. */
  constructor(slab: Slab, offset: number, size: number) {
    this.slab = slab;
    this.size = size;
    this.#offset = offset;
  }

  /** The first bytes, to post; the same length again costs nothing. */
  part(length: number): RioSlice {
    if (this.#part?.length !== length) {
      this.#part = this.slab.buffer.slice(this.#offset, length);
    }
    return this.#part;
  }
}

/** One registration, cut into slices of one size. */
class Slab {
  readonly buffer: RioBuffer;
  readonly shelf: Shelf;
  readonly #free: PooledSlice[] = [];
  #cut = 0;
  #taken = 0;

  constructor(session: RioSession, shelf: Shelf) {
    this.buffer = session.registerBuffer(SLAB_SIZE);
    this.shelf = shelf;
  }

  /** Whether nothing of it is taken. */
  get unused(): boolean {
    return this.#taken === 0;
  }

  /** Whether everything of it is taken. */
  get exhausted(): boolean {
    return this.#taken * this.shelf.sliceSize === SLAB_SIZE;
  }

  take(): PooledSlice {
    this.#taken++;
    const free = this.#free.pop();
    if (free) return free;
    // Slices are made when they are needed first: few slabs are ever full.
    const { sliceSize } = this.shelf;
    return new PooledSlice(this, this.#cut++ * sliceSize, sliceSize);
  }

  give(slice: PooledSlice): void {
    this.#taken--;
    this.#free.push(slice);
  }
}

/** All slabs with slices of one size. */
class Shelf {
  readonly sliceSize: number;
  readonly #session: RioSession;
  /** Slabs with something to take; of the last one it is taken next. */
  readonly #open: Slab[] = [];

  constructor(session: RioSession, sliceSize: number) {
    this.#session = session;
    this.sliceSize = sliceSize;
  }

  take(): PooledSlice {
    let slab = this.#open.at(-1);
    if (slab === undefined) {
      slab = new Slab(this.#session, this);
      this.#open.push(slab);
    }
    const slice = slab.take();
    if (slab.exhausted) this.#open.pop();
    return slice;
  }

  give(slice: PooledSlice): void {
    const { slab } = slice;
    if (slab.exhausted) this.#open.push(slab);
    slab.give(slice);
    // One unused slab stays: traffic that comes and goes registers nothing.
    if (slab.unused && this.#open.some((it) => it !== slab && it.unused)) {
      this.#open.splice(this.#open.indexOf(slab), 1);
      slab.buffer[Symbol.dispose]();
    }
  }

  close(): void {
    for (const slab of this.#open) slab.buffer[Symbol.dispose]();
    this.#open.length = 0;
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
