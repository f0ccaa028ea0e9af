/**
 * The requests of a ring as the kernel takes them: one `mmsghdr` and one
 * `iovec` for each slot.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../constants.ts";
import { joinWords, SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { Arena, Piece } from "./arena.ts";
import { toKernel } from "./control.ts";
import { IOVEC, MMSGHDR, MSGHDR, writePointer } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import { RECEIVE_CONTROL_SIZE, type Scratch } from "./scratch.ts";

/** Words kept for the address of a datagram. */
const NAME_WORDS = 8;
/** Words kept for the control messages of a datagram that is sent. */
const CONTROL_WORDS = 32;

/** Where messages take their memory from. */
export interface MessageMemory {
  /** For what they keep. */
  readonly arena: Arena;
  /** For what the kernel writes beside the data, until the next call. */
  readonly scratch: Scratch;
}

/**
 * A fixed number of slots for requests.
 *
 * The memory belongs to the messages until they are released. The kernel has
 * no use of it between calls.
 */
export class Messages {
  /** How many slots there are, a power of two. */
  readonly capacity: number;
  readonly #arena: Arena;
  readonly #piece: Piece;
  /** The address of the memory that the piece lies in. */
  readonly #start: number;
  /** The `mmsghdr` array. */
  readonly #headers: Uint32Array;
  /** The `iovec` array. */
  readonly #vectors: Uint32Array;
  /** Where datagrams come from or go to; empty on a stream. */
  readonly #names: Uint32Array;
  /** Control messages of datagrams that are sent; empty for anything else. */
  readonly #controls: Uint32Array;
  /** Memory with `#controls` in it, or where those of a stream are checked. */
  readonly #controlView: DataView;
  readonly #headerAddresses: bigint[] = [];

  /**
   * Takes memory for at least so many slots.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(
    { arena, scratch }: MessageMemory,
    options: { stream: boolean; sends: boolean; slots: number },
  ) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1, options.slots)));
    const names = options.stream ? 0 : capacity;
    const controls = options.sends ? names : 0;
    const headerWords = capacity * MMSGHDR.words;
    const vectorWords = capacity * IOVEC.words;
    const nameWords = names * NAME_WORDS;
    const controlWords = controls * CONTROL_WORDS;
    const words = headerWords + vectorWords + nameWords + controlWords;
    this.capacity = capacity;
    this.#arena = arena;
    this.#piece = arena.take(4 * words);
    const { memory: { bytes: { buffer }, address }, offset } = this.#piece;
    this.#start = Number(address);
    const all = new Uint32Array(buffer, offset, words);
    let at = 0;
    const next = (count: number) => all.subarray(at, at += count);
    this.#headers = next(headerWords);
    this.#vectors = next(vectorWords);
    this.#names = next(nameWords);
    this.#controls = next(controlWords);
    this.#controlView = controls > 0 ? new DataView(buffer) : scratch.control;
    for (let slot = 0; slot < capacity; slot++) {
      this.#point(slot, MSGHDR.iov, this.#vectors, IOVEC.words);
      this.setField(slot, MSGHDR.iovCount, 1);
      if (names > 0) this.#point(slot, MSGHDR.name, this.#names, NAME_WORDS);
      if (controls > 0) {
        this.#point(slot, MSGHDR.control, this.#controls, CONTROL_WORDS);
      } else {
        const at = slot * MMSGHDR.words + MSGHDR.control;
        writePointer(this.#headers, at, scratch.controlAddress(slot));
      }
    }
  }

  /** Gives the memory back. */
  release(): void {
    this.#arena.give(this.#piece);
  }

  /** The slot that a counter which wraps around stands for. */
  slot(counter: number): number {
    return counter & (this.capacity - 1);
  }

  /** Copies a slot of other messages of the same kind. */
  copy(source: Messages, from: number, to: number): void {
    copyWords(source.#vectors, from, this.#vectors, to, IOVEC.words);
    copyWords(source.#names, from, this.#names, to, NAME_WORDS);
    copyWords(source.#controls, from, this.#controls, to, CONTROL_WORDS);
    for (const word of [MSGHDR.nameLength, MSGHDR.controlLength]) {
      this.setField(to, word, source.field(from, word));
    }
  }

  /** Describes a request that has only data, for a start. */
  set(slot: number, address: number, length: number): void {
    const at = slot * IOVEC.words;
    writePointer(this.#vectors, at + IOVEC.base, address);
    this.#vectors[at + IOVEC.length] = length;
    this.setField(slot, MSGHDR.nameLength, 0);
    this.setField(slot, MSGHDR.controlLength, 0);
  }

  /** Makes the kernel write the address and control messages of a datagram. */
  want(slot: number, name: boolean, control: boolean): void {
    if (this.#names.length === 0) return;
    if (name) this.setField(slot, MSGHDR.nameLength, SOCKADDR_INET.size);
    if (control) {
      this.setField(slot, MSGHDR.controlLength, RECEIVE_CONTROL_SIZE);
    }
  }

  /** Copies the address that a datagram came from. */
  readName(slot: number, target: DataView, offset: number): void {
    const length = this.field(slot, MSGHDR.nameLength);
    const at = slot * NAME_WORDS;
    for (let i = 0; i < length / 4; i++) {
      target.setUint32(offset + 4 * i, this.#names[at + i]!, true);
    }
    if (length === SOCKADDR_INET.size) target.setUint16(offset, AF_INET6, true);
  }

  /** Copies the destination of a send; `false` for no known family. */
  setName(slot: number, source: DataView, offset: number): boolean {
    const family = source.getUint16(offset, true);
    if (family !== AF_INET && family !== AF_INET6) return false;
    const names = this.#names;
    // A stream goes to its peer whatever is named.
    if (names.length === 0) return true;
    const at = slot * NAME_WORDS;
    const size = family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_INET.size;
    for (let i = 0; i < size / 4; i++) {
      names[at + i] = source.getUint32(offset + 4 * i, true);
    }
    if (family === AF_INET6) {
      names[at] = names[at]! & 0xFFFF0000 | linux.AF_INET6;
    }
    this.setField(slot, MSGHDR.nameLength, size);
    return true;
  }

  /** Copies the control messages of a send; `false` for bad ones. */
  setControl(
    slot: number,
    source: DataView,
    offset: number,
    length: number,
  ): boolean {
    const { byteOffset, byteLength } = this.#controls;
    // A stream has no use for them.
    const at = byteLength === 0 ? 0 : byteOffset + slot * CONTROL_WORDS * 4;
    const view = this.#controlView;
    const size = toKernel(source, offset, length, view, at, CONTROL_WORDS * 4);
    if (size < 0) return false;
    if (byteLength > 0) this.setField(slot, MSGHDR.controlLength, size);
    return true;
  }

  /** The bytes of a slot's data slice, or what is left of it. */
  dataLength(slot: number): number {
    return this.#vectors[slot * IOVEC.words + IOVEC.length]!;
  }

  /** Makes a slot go on behind bytes that were moved. */
  advance(slot: number, bytes: number): void {
    const vectors = this.#vectors;
    const at = slot * IOVEC.words;
    const base = joinWords(vectors[at]!, vectors[at + 1]!);
    writePointer(vectors, at + IOVEC.base, base + bytes);
    vectors[at + IOVEC.length] = vectors[at + IOVEC.length]! - bytes;
  }

  /** A word of a slot's `mmsghdr`, by `MSGHDR` or `MMSGHDR`. */
  field(slot: number, word: number): number {
    return this.#headers[slot * MMSGHDR.words + word]!;
  }

  /** Sets a word of a slot's `mmsghdr`. */
  setField(slot: number, word: number, value: number): void {
    this.#headers[slot * MMSGHDR.words + word] = value;
  }

  /** The address of a slot's `mmsghdr`, as the fast calls take it. */
  headerAddress(slot: number): bigint {
    // Made at first use and kept: a ring that drains starts over at slot 0.
    return this.#headerAddresses[slot] ??= BigInt(
      this.#start + this.#headers.byteOffset + slot * MMSGHDR.words * 4,
    );
  }

  /** Points a slot's `mmsghdr` at its place in an array. */
  #point(slot: number, word: number, array: Uint32Array, words: number): void {
    const place = this.#start + array.byteOffset + slot * words * 4;
    writePointer(this.#headers, slot * MMSGHDR.words + word, place);
  }
}

function copyWords(
  source: Uint32Array,
  from: number,
  target: Uint32Array,
  to: number,
  words: number,
): void {
  if (source.length === 0) return;
  target.set(source.subarray(from * words, (from + 1) * words), to * words);
}
