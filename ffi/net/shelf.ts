/**
 * Registered memory in pieces of one size: taken by somebody, given back, and
 * taken by somebody else.
 *
 * @module
 */
import type { RioBuffer, RioSlice } from "../session/buffer.ts";
import type { RioSession } from "../session/session.ts";

/** One registration, cut into pieces of one size. */
interface Slab {
  readonly buffer: RioBuffer;
  readonly shelf: Shelf;
  /** Pieces that were given back. */
  readonly free: Piece[];
  /** Bytes that were cut into pieces: few slabs are ever full. */
  cut: number;
  /** Pieces that were not given back. */
  taken: number;
  /** Whether somebody may still read what was given back: it serves no more. */
  retired: boolean;
}

/** A piece of a slab; whoever took it gives it back once. */
export class Piece {
  /** What was registered together with it. */
  readonly slab: Slab;
  /** Its first byte in the slab. */
  readonly offset: number;
  #part: RioSlice | null = null;

  /** For {@linkcode Shelf} only. */
  constructor(slab: Slab, offset: number) {
    this.slab = slab;
    this.offset = offset;
  }

  /** What it is a part of. */
  get buffer(): RioBuffer {
    return this.slab.buffer;
  }

  /**
   * The first bytes, to post; the same length again costs nothing.
   *
   * @param length How many bytes are wanted; what it has limits them.
   */
  part(length: number): RioSlice {
    const size = Math.min(length, this.slab.shelf.pieceSize);
    if (this.#part?.length !== size) {
      this.#part = this.slab.buffer.slice(this.offset, size);
    }
    return this.#part;
  }
}

/**
 * All slabs with pieces of one size, registered as they are needed. A slab of
 * which nothing is taken any more is deregistered, but for one.
 */
export class Shelf {
  /** Bytes of a piece. */
  readonly pieceSize: number;
  readonly #session: RioSession;
  readonly #slabSize: (slabs: number) => number;
  /** Slabs with something to take; it is taken from the last one. */
  readonly #open: Slab[] = [];
  /** Slabs that are there. */
  #slabs = 0;

  /**
   * Registers nothing yet.
   *
   * @param session Where memory is registered.
   * @param sizes Bytes of a piece; and of the next slab, when there are so many.
   */
  constructor(
    session: RioSession,
    sizes: { piece: number; slab: (slabs: number) => number },
  ) {
    this.#session = session;
    this.pieceSize = sizes.piece;
    this.#slabSize = sizes.slab;
  }

  /** Whether nothing is taken. */
  get unused(): boolean {
    return this.#slabs === this.#open.filter(isUnused).length;
  }

  /** Takes a piece. */
  take(): Piece {
    const slab = this.#open.at(-1) ?? this.#register();
    const piece = slab.free.pop() ?? this.#cut(slab);
    slab.taken++;
    if (this.#isFull(slab)) this.#open.pop();
    return piece;
  }

  /**
   * Takes a piece back that the kernel does not use.
   *
   * @param read Whether somebody may still read it: then its slab serves nobody
   * else, and is deregistered when the last piece is back.
   */
  give(piece: Piece, read: boolean = false): void {
    const { slab } = piece;
    if (this.#isFull(slab) && !slab.retired) this.#open.push(slab);
    slab.taken--;
    slab.free.push(piece);
    if (read && !slab.retired) {
      slab.retired = true;
      this.#open.splice(this.#open.indexOf(slab), 1);
    }
    if (slab.taken > 0) return;
    // One unused slab stays: traffic that comes and goes registers nothing.
    if (!slab.retired) {
      if (!this.#open.some((it) => it !== slab && isUnused(it))) return;
      this.#open.splice(this.#open.indexOf(slab), 1);
    }
    this.#slabs--;
    slab.buffer[Symbol.dispose]();
  }

  /** Deregisters everything, once every piece was given back. */
  close(): void {
    for (const slab of this.#open) slab.buffer[Symbol.dispose]();
    this.#slabs -= this.#open.length;
    this.#open.length = 0;
  }

  #register(): Slab {
    const buffer = this.#allocate(this.#slabSize(this.#slabs));
    const slab: Slab = {
      buffer,
      shelf: this,
      free: [],
      cut: 0,
      taken: 0,
      retired: false,
    };
    this.#slabs++;
    this.#open.push(slab);
    return slab;
  }

  /** Registers a slab; no more than a piece where there is no room for more. */
  #allocate(size: number): RioBuffer {
    try {
      return this.#session.registerBuffer(size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#session.registerBuffer(this.pieceSize);
    }
  }

  #cut(slab: Slab): Piece {
    const piece = new Piece(slab, slab.cut);
    slab.cut += this.pieceSize;
    return piece;
  }

  #isFull({ taken, buffer }: Slab): boolean {
    return (taken + 1) * this.pieceSize > buffer.byteLength;
  }
}

function isUnused(slab: Slab): boolean {
  return slab.taken === 0;
}
