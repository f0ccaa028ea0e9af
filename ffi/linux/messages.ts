/**
 * The requests of a ring as the kernel takes them: one `mmsghdr` and one
 * `iovec` for each slot.
 *
 * @module
 */
import { WSAEINVAL } from "../error_numbers.ts";
import { joinWords, SOCKADDR_INET } from "../layout.ts";
import type { Arena, Piece } from "./arena.ts";
import { type SocketService, toKernel } from "./control.ts";
import { IOVEC, MMSGHDR, MSGHDR, writePointer } from "./msghdr.ts";
import type { Registration } from "./registration.ts";
import { RECEIVE_CONTROL_SIZE, type Scratch } from "./scratch.ts";
import { readSockaddr, writeSockaddr } from "./sockaddr.ts";

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

/** A part of the memory with some words for each slot. */
interface Area {
  /** Its first word. */
  readonly at: number;
  /** Words per slot. */
  readonly words: number;
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
  readonly #stream: boolean;
  readonly #arena: Arena;
  readonly #piece: Piece;
  /** The address of the piece. */
  readonly #start: number;
  /** All of the piece: the `mmsghdr` array, then the areas below. */
  readonly #words: Uint32Array;
  /** All of it, or where what a stream has no use for is checked. */
  readonly #view: DataView;
  /** The `iovec` array. */
  readonly #vectors: Area;
  /** Where datagrams come from or go to. */
  readonly #names: Area;
  /** Control messages of datagrams that are sent. */
  readonly #controls: Area;
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
    const after = ({ at, words }: Area, next: number): Area => {
      return { at: at + capacity * words, words: next };
    };
    this.#vectors = after({ at: 0, words: MMSGHDR.words }, IOVEC.words);
    this.#names = after(this.#vectors, stream ? 0 : NAME_WORDS);
    this.#controls = after(this.#names, stream || !sends ? 0 : CONTROL_WORDS);
    const byteLength = 4 * after(this.#controls, 0).at;
    this.capacity = capacity;
    this.#stream = stream;
    this.#arena = arena;
    this.#piece = arena.take(byteLength);
    const { memory: { bytes: { buffer }, address }, offset } = this.#piece;
    this.#start = Number(address) + offset;
    this.#words = new Uint32Array(buffer, offset, byteLength / 4);
    this.#view = stream
      ? scratch.control
      : new DataView(buffer, offset, byteLength);
    for (let slot = 0; slot < capacity; slot++) {
      this.#point(slot, MSGHDR.iov, this.#address(this.#vectors, slot));
      this.setField(slot, MSGHDR.iovCount, 1);
      if (stream) continue;
      this.#point(slot, MSGHDR.name, this.#address(this.#names, slot));
      const control = sends
        ? this.#address(this.#controls, slot)
        : scratch.controlAddress(slot);
      this.#point(slot, MSGHDR.control, control);
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
    const areas = [
      [source.#vectors, this.#vectors],
      [source.#names, this.#names],
      [source.#controls, this.#controls],
    ] as const;
    for (const [old, area] of areas) {
      const start = old.at + from * old.words;
      const words = source.#words.subarray(start, start + old.words);
      this.#words.set(words, area.at + to * area.words);
    }
    for (const word of [MSGHDR.nameLength, MSGHDR.controlLength]) {
      this.setField(to, word, source.field(from, word));
    }
  }

  /** Describes a request that has only data, for a start. */
  set(
    slot: number,
    data: Registration | null,
    offset: number,
    length: number,
  ): void {
    const words = this.#words;
    const at = this.#vectors.at + slot * IOVEC.words;
    // Word by word: a whole address would be a number on the heap.
    const low = data === null ? 0 : data.low + offset;
    const high = data === null ? 0 : data.high;
    words[at + IOVEC.base] = low;
    words[at + IOVEC.base + 1] = low > 0xFFFFFFFF ? high + 1 : high;
    words[at + IOVEC.length] = length;
    this.setField(slot, MSGHDR.nameLength, 0);
    this.setField(slot, MSGHDR.controlLength, 0);
  }

  /** Makes the kernel write the address and control messages of a datagram. */
  want(slot: number, name: boolean, control: boolean): void {
    if (this.#stream) return;
    if (name) this.setField(slot, MSGHDR.nameLength, SOCKADDR_INET.size);
    if (control) {
      this.setField(slot, MSGHDR.controlLength, RECEIVE_CONTROL_SIZE);
    }
  }

  /** Copies the address that a datagram came from. */
  readName(slot: number, target: DataView, offset: number): void {
    readSockaddr(this.#view, this.#place(this.#names, slot), target, offset);
  }

  /** Copies the destination of a send; 0 or an error number. */
  setName(slot: number, source: DataView, offset: number): number {
    const at = this.#place(this.#names, slot);
    const length = writeSockaddr(source, offset, this.#view, at);
    if (length < 0) return -length;
    // A stream goes to its peer whatever is named.
    if (!this.#stream) this.setField(slot, MSGHDR.nameLength, length);
    return 0;
  }

  /** Copies the control messages of a send; 0 or an error number. */
  setControl(
    slot: number,
    source: DataView,
    offset: number,
    length: number,
    service: SocketService,
  ): number {
    const at = this.#place(this.#controls, slot);
    const room = CONTROL_WORDS * 4;
    const view = this.#view;
    const used = toKernel(source, offset, length, view, at, room, service);
    if (used < 0) return WSAEINVAL;
    // A stream has no use for them.
    if (!this.#stream) this.setField(slot, MSGHDR.controlLength, used);
    return 0;
  }

  /** A slot's control messages, as the kernel takes them. */
  controls(slot: number): { view: DataView; start: number; end: number } {
    const start = this.#place(this.#controls, slot);
    const length = this.field(slot, MSGHDR.controlLength);
    return { view: this.#view, start, end: start + length };
  }

  /** Has the next call move so much of a slot's data. */
  setDataLength(slot: number, bytes: number): void {
    this.#words[this.#vectors.at + slot * IOVEC.words + IOVEC.length] = bytes;
  }

  /** The low word of the address of a slot's data. */
  dataLow(slot: number): number {
    return this.#words[this.#vectors.at + slot * IOVEC.words + IOVEC.base]!;
  }

  /** The high word. */
  dataHigh(slot: number): number {
    return this.#words[this.#vectors.at + slot * IOVEC.words + IOVEC.base + 1]!;
  }

  /** The bytes of a slot's data slice, or what is left of it. */
  dataLength(slot: number): number {
    return this.#words[this.#vectors.at + slot * IOVEC.words + IOVEC.length]!;
  }

  /** Makes a slot go on behind bytes that were moved. */
  advance(slot: number, bytes: number): void {
    const words = this.#words;
    const at = this.#vectors.at + slot * IOVEC.words;
    const base = joinWords(words[at]!, words[at + 1]!);
    writePointer(words, at + IOVEC.base, base + bytes);
    words[at + IOVEC.length] = words[at + IOVEC.length]! - bytes;
  }

  /** A word of a slot's `mmsghdr`, by `MSGHDR` or `MMSGHDR`. */
  field(slot: number, word: number): number {
    return this.#words[slot * MMSGHDR.words + word]!;
  }

  /** Sets a word of a slot's `mmsghdr`. */
  setField(slot: number, word: number, value: number): void {
    this.#words[slot * MMSGHDR.words + word] = value;
  }

  /** The address of a slot's `mmsghdr`, as the fast calls take it. */
  headerAddress(slot: number): bigint {
    // Made at first use and kept: a ring that drains starts over at slot 0.
    return this.#headerAddresses[slot] ??= BigInt(
      this.#start + slot * MMSGHDR.words * 4,
    );
  }

  #point(slot: number, word: number, address: number): void {
    writePointer(this.#words, slot * MMSGHDR.words + word, address);
  }

  #address(area: Area, slot: number): number {
    return this.#start + 4 * (area.at + slot * area.words);
  }

  /** Where an area has a slot, in `#view`. */
  #place(area: Area, slot: number): number {
    return this.#stream ? 0 : 4 * (area.at + slot * area.words);
  }
}
