/**
 * Native memory for many small rings.
 *
 * @module
 */
import { allocate, type RioMemory } from "../memory.ts";

/** Bytes of one block taken from the system. */
const CHUNK = 1 << 20;
/** From this size on a piece gets a block of its own. */
const LARGE = CHUNK / 4;
/** What one block can hold: 4 GiB less a page. */
const LARGEST = 2 ** 32 - 65536;
const SMALLEST = 256;

/** A piece of native memory, owned until it is given back. */
export interface Piece {
  /** The block that it lies in. */
  readonly memory: RioMemory;
  /** First byte in the block; a multiple of 256. */
  readonly offset: number;
  /** Bytes, a power of two or more than asked for. */
  readonly byteLength: number;
}

/**
 * Hands out zeroed pieces of native memory.
 *
 * Every block of {@linkcode allocate} takes a large range of addresses, so ten
 * thousand sockets share few of them.
 */
export class Arena {
  #chunk: RioMemory | undefined;
  #used = 0;
  readonly #free: Piece[][] = [];

  /**
   * Takes a piece.
   *
   * @param byteLength Bytes needed.
   * @throws {RangeError} If the system has no room.
   */
  take(byteLength: number): Piece {
    if (byteLength > LARGEST) {
      throw new RangeError(`Cannot allocate ${byteLength} bytes at once`);
    }
    if (byteLength > LARGE) {
      return { memory: allocate(byteLength), offset: 0, byteLength };
    }
    const rounded = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(byteLength)));
    const reused = this.#free[Math.log2(rounded)]?.pop();
    if (reused !== undefined) {
      reused.memory.bytes.fill(0, reused.offset, reused.offset + rounded);
      return reused;
    }
    if (this.#chunk === undefined || this.#used + rounded > CHUNK) {
      this.#chunk = allocate(CHUNK);
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += rounded;
    return { memory: this.#chunk, offset, byteLength: rounded };
  }

  /** Gives a piece back; the garbage collector frees large ones. */
  give(piece: Piece): void {
    if (piece.byteLength > LARGE) return;
    (this.#free[Math.log2(piece.byteLength)] ??= []).push(piece);
  }
}
