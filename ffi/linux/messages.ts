/**
 * The requests of a ring as the kernel takes them: one `iovec` for each slot,
 * and one `mmsghdr` where datagrams go in batches.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../constants.ts";
import { joinWords, SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { Arena, Piece } from "./arena.ts";
import { toKernel } from "./control.ts";
import { IOVEC, MMSGHDR, MSGHDR, writePointer } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import type { Registration } from "./registration.ts";
import { RECEIVE_CONTROL_SIZE, type Scratch } from "./scratch.ts";
import {
  HAS_CONTROL,
  HAS_LOCAL,
  HAS_REMOTE,
  HAS_SLICES,
  Slices,
} from "./slices.ts";

/** Words kept for the destination of a datagram. */
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
  /** Whether they are sends. */
  readonly sends: boolean;

  readonly #arena: Arena;
  readonly #piece: Piece;
  /** The address of the memory that the piece lies in. */
  readonly #start: number;
  /** The `mmsghdr` array; empty on a stream. */
  readonly #headers: Uint32Array;
  /** The `iovec` array. */
  readonly #vectors: Uint32Array;
  /** Destinations of datagrams; empty for anything else. */
  readonly #names: Uint32Array;
  /** Control messages of datagrams that are sent; empty for anything else. */
  readonly #controls: Uint32Array;
  /** Memory with `#controls` in it, or where those of a stream are checked. */
  readonly #controlView: DataView;
  readonly #flags: Uint8Array;
  readonly #contexts: Float64Array;
  readonly #registrations: (Registration | null)[] = [];
  readonly #slices: (Slices | undefined)[] = [];
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
    const { stream, sends, slots } = options;
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1, slots)));
    const headers = stream ? 0 : capacity;
    const names = sends ? headers : 0;
    const headerWords = headers * MMSGHDR.words;
    const vectorWords = capacity * IOVEC.words;
    const nameWords = names * NAME_WORDS;
    const controlWords = names * CONTROL_WORDS;
    this.capacity = capacity;
    this.sends = sends;
    this.#flags = new Uint8Array(capacity);
    this.#contexts = new Float64Array(capacity);
    this.#arena = arena;
    this.#piece = arena.take(
      4 * (headerWords + vectorWords + nameWords + controlWords),
    );
    const { bytes: { buffer }, address } = this.#piece.memory;
    this.#start = Number(address);
    let at = this.#piece.offset;
    const words = (count: number) => {
      const array = new Uint32Array(buffer, at, count);
      at += array.byteLength;
      return array;
    };
    this.#headers = words(headerWords);
    this.#vectors = words(vectorWords);
    this.#names = words(nameWords);
    this.#controls = words(controlWords);
    this.#controlView = names > 0 ? new DataView(buffer) : scratch.control;
    for (let slot = 0; slot < headers; slot++) {
      this.#link(slot, MSGHDR.iov, this.vectorAddress(slot));
      this.#setField(slot, MSGHDR.iovCount, 1);
      if (sends) {
        const name = this.#address(this.#names, slot * NAME_WORDS);
        const control = this.#address(this.#controls, slot * CONTROL_WORDS);
        this.#link(slot, MSGHDR.name, name);
        this.#link(slot, MSGHDR.control, control);
      } else {
        this.#link(slot, MSGHDR.control, scratch.controlAddress(slot));
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

  /** Copies a request from a slot of other messages of the same kind. */
  copy(source: Messages, from: number, to: number): void {
    copyWords(source.#vectors, from, this.#vectors, to, IOVEC.words);
    copyWords(source.#names, from, this.#names, to, NAME_WORDS);
    copyWords(source.#controls, from, this.#controls, to, CONTROL_WORDS);
    this.#flags[to] = source.#flags[from]!;
    this.#contexts[to] = source.#contexts[from]!;
    this.#registrations[to] = source.#registrations[from]!;
    this.#slices[to] = source.#slices[from];
    const kinds = this.flags(to, HAS_SLICES);
    if (kinds === 0) return;
    if (this.sends) {
      this.#setLengths(
        to,
        source.field(from, MSGHDR.nameLength),
        source.field(from, MSGHDR.controlLength),
      );
    } else this.linkSlices(to, kinds);
  }

  /** Writes a request: its data, flags and context, and nothing else. */
  set(
    slot: number,
    registration: Registration | null,
    offset: number,
    length: number,
    flags: number,
    context: number,
  ): void {
    const address = registration === null ? 0 : registration.address + offset;
    const at = slot * IOVEC.words;
    writePointer(this.#vectors, at + IOVEC.base, address);
    this.#vectors[at + IOVEC.length] = length;
    this.#registrations[slot] = registration;
    this.#contexts[slot] = context;
    if (this.flags(slot, HAS_SLICES) !== 0) {
      this.#setLengths(slot, 0, 0);
      // With an address the kernel would write to it, whatever the length.
      if (!this.sends) this.#link(slot, MSGHDR.name, 0);
    }
    this.#flags[slot] = flags;
  }

  /** The slices of a receive; {@linkcode linkSlices} makes them count. */
  slices(slot: number): Slices {
    return this.#slices[slot] ??= new Slices();
  }

  /** Points the kernel at those slices of a receive that there are. */
  linkSlices(slot: number, kinds: number): void {
    this.#flags[slot]! |= kinds;
    const named = (kinds & HAS_REMOTE) !== 0;
    if (named) this.#link(slot, MSGHDR.name, this.slices(slot).remote.address);
    this.#setLengths(
      slot,
      named ? SOCKADDR_INET.size : 0,
      // The kernel tells the local address of a datagram there, too.
      (kinds & (HAS_CONTROL | HAS_LOCAL)) === 0 ? 0 : RECEIVE_CONTROL_SIZE,
    );
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
    this.#flags[slot]! |= HAS_REMOTE;
    this.#setField(slot, MSGHDR.nameLength, size);
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
    const size = toKernel(
      source,
      offset,
      length,
      this.#controlView,
      // A stream has no use for them.
      byteLength === 0 ? 0 : byteOffset + slot * CONTROL_WORDS * 4,
      CONTROL_WORDS * 4,
    );
    if (size < 0) return false;
    this.#flags[slot]! |= HAS_CONTROL;
    this.#setField(slot, MSGHDR.controlLength, size);
    return true;
  }

  /** Whether all memory of a slot may still be given to the kernel. */
  usable(slot: number): boolean {
    const registration = this.#registrations[slot]!;
    if (registration !== null && !registration.usable) return false;
    const kinds = this.flags(slot, HAS_SLICES);
    // What a send names beside its data was copied when it was posted.
    return kinds === 0 || this.sends || this.#slices[slot]!.usable(kinds);
  }

  /** Which of some flags a slot has: `RIO_MSG_*`, and `HAS_*` for slices. */
  flags(slot: number, mask: number): number {
    return this.#flags[slot]! & mask;
  }

  /** The context of a slot. */
  context(slot: number): number {
    return this.#contexts[slot]!;
  }

  /** Whether a slot has a data slice. */
  hasData(slot: number): boolean {
    return this.#registrations[slot] !== null;
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

  /** A word of a slot's `mmsghdr`, by `MSGHDR` or `MMSGHDR`; 0 on a stream. */
  field(slot: number, word: number): number {
    return this.#headers[slot * MMSGHDR.words + word]!;
  }

  /** The address of a slot's `mmsghdr`, as the fast calls take it. */
  headerAddress(slot: number): bigint {
    // Made at first use and kept: a ring that drains starts over at slot 0.
    return this.#headerAddresses[slot] ??= BigInt(
      this.#address(this.#headers, slot * MMSGHDR.words),
    );
  }

  /** The address of a slot's `iovec`. */
  vectorAddress(slot: number): number {
    return this.#address(this.#vectors, slot * IOVEC.words);
  }

  #address(array: Uint32Array, word: number): number {
    return this.#start + array.byteOffset + 4 * word;
  }

  /** Sets a word of a slot's `mmsghdr`; a stream has none. */
  #setField(slot: number, word: number, value: number): void {
    if (this.#headers.length === 0) return;
    this.#headers[slot * MMSGHDR.words + word] = value;
  }

  #setLengths(slot: number, name: number, control: number): void {
    this.#setField(slot, MSGHDR.nameLength, name);
    this.#setField(slot, MSGHDR.controlLength, control);
  }

  #link(slot: number, word: number, address: number): void {
    if (this.#headers.length === 0) return;
    writePointer(this.#headers, slot * MMSGHDR.words + word, address);
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
