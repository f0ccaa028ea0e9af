/**
 * Small-integer handles for the objects of a backend.
 *
 * @module
 */

/** Handles hold an index in their low bits and a generation above. */
const INDEX_BITS = 20;
const INDEX_MASK = (1 << INDEX_BITS) - 1;

/** What can be given a handle. */
export interface Handled {
  /** The handle; 0 before the object is in a table. */
  handle: number;
}

/**
 * A table of objects by handle.
 *
 * A handle is never given out twice, so a stale one finds nothing instead of
 * somebody else's object.
 */
export class HandleTable<T extends Handled> {
  readonly #items: (T | undefined)[] = [undefined];
  readonly #generations: number[] = [0];
  readonly #free: number[] = [];

  /**
   * Puts an object in the table and sets its handle.
   *
   * @param item The object.
   * @returns The handle, or 0 when the table is full.
   */
  add(item: T): number {
    let index = this.#free.pop();
    if (index === undefined) {
      if (this.#items.length >= INDEX_MASK) return 0;
      index = this.#items.push(undefined) - 1;
      this.#generations.push(0);
    }
    this.#items[index] = item;
    return item.handle = this.#generations[index]! * (1 << INDEX_BITS) + index;
  }

  /** The object of a handle, if there is one. */
  get(handle: number): T | undefined {
    const item = this.#items[handle & INDEX_MASK];
    return item !== undefined && item.handle === handle ? item : undefined;
  }

  /** Takes an object out, if it is there; its handle is dead from here on. */
  take(handle: number): T | undefined {
    const item = this.get(handle);
    if (item === undefined) return undefined;
    const index = handle & INDEX_MASK;
    this.#items[index] = undefined;
    this.#generations[index]!++;
    this.#free.push(index);
    return item;
  }

  /** Everything in the table. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }
}
