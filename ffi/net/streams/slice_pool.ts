/**
 * Registered memory for streams: slices that are taken for one request and
 * given back when it has completed.
 *
 * @module
 */
import type { RioSession } from "../../session/session.ts";
import { type Piece, Shelf } from "../shelf.ts";

/** Bytes of a small slice: for a request that may wait long for little. */
export const SMALL_SLICE = 2048;
/** Bytes of a large slice: for data in bulk. */
export const LARGE_SLICE = 65536;
/** Bytes that are registered at a time. */
const SLAB_SIZE = 1 << 20;

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
    const slab = () => SLAB_SIZE;
    this.#small = new Shelf(session, { piece: SMALL_SLICE, slab });
    this.#large = new Shelf(session, { piece: LARGE_SLICE, slab });
  }

  /**
   * Takes a slice.
   *
   * @param length How many bytes are wanted; it may have less.
   */
  take(length: number): Piece {
    return (length <= SMALL_SLICE ? this.#small : this.#large).take();
  }

  /** Takes a slice back whose request has completed, or was never accepted. */
  give(slice: Piece): void {
    slice.slab.shelf.give(slice);
  }

  /** Deregisters everything, once every slice was given back. */
  close(): void {
    this.#small.close();
    this.#large.close();
  }
}
