/**
 * The requests of a ring as the kernel takes them: one `mmsghdr` and one
 * `iovec` for each slot.
 *
 * @module
 */
import { AF_INET, AF_INET6 } from "../constants.ts";
import { highWord, SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { Arena, Piece } from "./arena.ts";
import { toKernel } from "./control.ts";
import { IOVEC, MMSGHDR, MSGHDR, writePointer } from "./msghdr.ts";
import * as linux from "./numbers.ts";
import type { Registration } from "./registration.ts";
import { RECEIVE_CONTROL_SIZE, type Scratch } from "./scratch.ts";
import { HAS_CONTROL, HAS_LOCAL, HAS_REMOTE, Slices } from "./slices.ts";

/** Bytes kept for the destination of a send. */
const NAME_SIZE = 32;
const NAME_WORDS = NAME_SIZE / 4;
/** Bytes kept for the control messages of a send. */
const SEND_CONTROL_SIZE = 128;

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
  /** What is left of a counter that wraps around: its slot. */
  readonly mask: number;
  /** Whether they are sends. */
  readonly sends: boolean;
  /** The `RIO_MSG_*` flags of each slot. */
  readonly flags: Uint8Array;
  /** Which slices beyond the data each slot has. */
  readonly extras: Uint8Array;

  readonly #memory: MessageMemory;
  readonly #piece: Piece;
  readonly #base: bigint;
  /** The `mmsghdr` array; empty on a stream. */
  readonly #headers: Uint32Array;
  /** The `iovec` array. */
  readonly #vectors: Uint32Array;
  readonly #vectorsAddress: number;
  /** Destinations of datagrams; empty otherwise. */
  readonly #names: Uint32Array;
  readonly #namesAddress: number;
  /** Control messages of sends, taken when the first one has some. */
  #controls: Piece | null = null;
  #controlsView: DataView | null = null;
  readonly #registrations: (Registration | null)[] = [];
  readonly #slices: (Slices | undefined)[] = [];
  readonly #contexts: Uint32Array;
  readonly #addresses: bigint[] = [];

  /**
   * Takes memory for at least so many slots.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(
    memory: MessageMemory,
    options: { stream: boolean; sends: boolean; slots: number },
  ) {
    const { stream, sends, slots } = options;
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1, slots)));
    const headerWords = stream ? 0 : capacity * MMSGHDR.words;
    const vectorWords = capacity * IOVEC.words;
    const nameWords = sends && !stream ? capacity * NAME_WORDS : 0;
    this.capacity = capacity;
    this.mask = capacity - 1;
    this.sends = sends;
    this.flags = new Uint8Array(capacity);
    this.extras = new Uint8Array(capacity);
    this.#contexts = new Uint32Array(2 * capacity);
    this.#memory = memory;
    this.#piece = memory.arena.take(
      4 * (headerWords + vectorWords + nameWords),
    );
    const { memory: { bytes: { buffer }, address }, offset } = this.#piece;
    this.#base = address + BigInt(offset);
    const vectorsAt = offset + 4 * headerWords;
    const namesAt = vectorsAt + 4 * vectorWords;
    this.#headers = new Uint32Array(buffer, offset, headerWords);
    this.#vectors = new Uint32Array(buffer, vectorsAt, vectorWords);
    this.#names = new Uint32Array(buffer, namesAt, nameWords);
    this.#vectorsAddress = Number(address) + vectorsAt;
    this.#namesAddress = Number(address) + namesAt;
    for (let at = 0; at < headerWords; at += MMSGHDR.words) {
      const slot = at / MMSGHDR.words;
      writePointer(this.#headers, at + MSGHDR.iov, this.vectorAddress(slot));
      this.#headers[at + MSGHDR.iovCount] = 1;
    }
  }

  /** Gives the memory back. */
  release(): void {
    const { arena } = this.#memory;
    arena.give(this.#piece);
    if (this.#controls !== null) arena.give(this.#controls);
  }

  /** Copies a request from a slot of other messages of the same kind. */
  copy(source: Messages, from: number, to: number): void {
    copySlot(source.#vectors, from, this.#vectors, to, IOVEC.words);
    copySlot(source.#contexts, from, this.#contexts, to, 2);
    this.flags[to] = source.flags[from]!;
    this.#registrations[to] = source.#registrations[from]!;
    const extras = source.extras[from]!;
    if (extras === 0) return;
    this.#slices[to] = source.#slices[from];
    copySlot(source.#names, from, this.#names, to, NAME_WORDS);
    if (source.#controls !== null) {
      copySlot(
        bytesOf(source.#controls),
        from,
        bytesOf(this.#takeControls()),
        to,
        SEND_CONTROL_SIZE,
      );
    }
    this.setExtras(to, extras);
  }

  /** Writes a request: its data, flags and context. */
  set(
    slot: number,
    registration: Registration | null,
    offset: number,
    length: number,
    flags: number,
    context: number,
  ): void {
    const vectors = this.#vectors;
    const at = slot * IOVEC.words;
    if (registration === null) {
      vectors[at] = 0;
      vectors[at + 1] = 0;
    } else {
      const low = registration.low + offset;
      vectors[at] = low;
      vectors[at + 1] = low > 0xFFFFFFFF
        ? registration.high + 1
        : registration.high;
    }
    vectors[at + IOVEC.length] = length;
    this.#registrations[slot] = registration;
    this.flags[slot] = flags;
    this.#contexts[2 * slot] = context;
    this.#contexts[2 * slot + 1] = highWord(context);
  }

  /** The slices of a slot beyond its data. */
  slices(slot: number): Slices {
    return this.#slices[slot] ??= new Slices();
  }

  /** Says which slices beyond its data a slot has, and tells the kernel. */
  setExtras(slot: number, extras: number): void {
    if ((this.extras[slot]! | extras) === 0) return;
    this.extras[slot] = extras;
    if (this.#headers.length === 0) return;
    this.#linkName(slot, (extras & HAS_REMOTE) !== 0);
    // The kernel tells the local address of a datagram in a control message.
    const inControl = this.sends ? HAS_CONTROL : HAS_CONTROL | HAS_LOCAL;
    this.#linkControl(slot, (extras & inControl) !== 0);
  }

  /** Copies the destination of a datagram; `false` for no known family. */
  setName(slot: number, source: DataView, offset: number): boolean {
    const family = source.getUint16(offset, true);
    if (family !== AF_INET && family !== AF_INET6) return false;
    const names = this.#names;
    if (names.length === 0) return true;
    const at = slot * NAME_WORDS;
    const size = family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_INET.size;
    for (let i = 0; i < size / 4; i++) {
      names[at + i] = source.getUint32(offset + 4 * i, true);
    }
    if (family === AF_INET6) {
      names[at] = names[at]! & 0xFFFF0000 | linux.AF_INET6;
    }
    return true;
  }

  /** Copies control messages of a send; their length, or -1 for bad ones. */
  setControl(
    slot: number,
    source: DataView,
    offset: number,
    length: number,
  ): number {
    this.#takeControls();
    const at = slot * SEND_CONTROL_SIZE;
    const target = this.#controlsView!;
    return this.slices(slot).controlLength = toKernel(
      source,
      offset,
      length,
      target,
      at,
      SEND_CONTROL_SIZE,
    );
  }

  /** Whether all memory of a slot may still be given to the kernel. */
  usable(slot: number): boolean {
    const registration = this.#registrations[slot]!;
    if (registration !== null && !registration.usable) return false;
    const extras = this.extras[slot]!;
    // What a send names beside its data was copied when it was posted.
    return extras === 0 || this.sends || this.#slices[slot]!.usable(extras);
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
    const base = vectors[at]! + bytes;
    vectors[at] = base;
    if (base > 0xFFFFFFFF) vectors[at + 1]!++;
    vectors[at + IOVEC.length]! -= bytes;
  }

  /** The lower half of a slot's context. */
  contextLow(slot: number): number {
    return this.#contexts[2 * slot]!;
  }

  /** The upper half of a slot's context. */
  contextHigh(slot: number): number {
    return this.#contexts[2 * slot + 1]!;
  }

  /** The address of a slot's `mmsghdr`, as the fast calls take it. */
  headerAddress(slot: number): bigint {
    // Made at first use and kept: a ring that drains starts over at slot 0.
    return this.#addresses[slot] ??= this.#base +
      BigInt(slot * MMSGHDR.words * 4);
  }

  /** The address of a slot's `iovec`. */
  vectorAddress(slot: number): number {
    return this.#vectorsAddress + slot * IOVEC.words * 4;
  }

  /** How many bytes the kernel moved for a slot. */
  bytesMoved(slot: number): number {
    return this.#headers[slot * MMSGHDR.words + MMSGHDR.bytes]!;
  }

  /** The kernel's flags of what was received; 0 on a stream. */
  messageFlags(slot: number): number {
    return this.#headers[slot * MMSGHDR.words + MSGHDR.flags] ?? 0;
  }

  /** Bytes of the address that the kernel wrote; 0 on a stream. */
  nameLength(slot: number): number {
    return this.#headers[slot * MMSGHDR.words + MSGHDR.nameLength] ?? 0;
  }

  /** Bytes of control messages that the kernel wrote; 0 on a stream. */
  controlLength(slot: number): number {
    return this.#headers[slot * MMSGHDR.words + MSGHDR.controlLength] ?? 0;
  }

  #linkName(slot: number, named: boolean): void {
    let address = 0;
    let length = 0;
    if (named && this.sends) {
      address = this.#namesAddress + slot * NAME_SIZE;
      const family = this.#names[slot * NAME_WORDS]! & 0xFFFF;
      length = family === AF_INET ? SOCKADDR_IN_SIZE : SOCKADDR_INET.size;
    } else if (named) {
      const { remote, remoteOffset } = this.#slices[slot]!;
      address = remote!.address + remoteOffset;
      length = SOCKADDR_INET.size;
    }
    const at = slot * MMSGHDR.words;
    writePointer(this.#headers, at + MSGHDR.name, address);
    this.#headers[at + MSGHDR.nameLength] = length;
  }

  #linkControl(slot: number, used: boolean): void {
    let address = 0;
    let length = 0;
    if (used && this.sends) {
      const { memory, offset } = this.#controls!;
      address = Number(memory.address) + offset + slot * SEND_CONTROL_SIZE;
      length = this.#slices[slot]!.controlLength;
    } else if (used) {
      address = this.#memory.scratch.controlAddress(slot);
      length = RECEIVE_CONTROL_SIZE;
    }
    const at = slot * MMSGHDR.words;
    writePointer(this.#headers, at + MSGHDR.control, address);
    this.#headers[at + MSGHDR.controlLength] = length;
  }

  #takeControls(): Piece {
    if (this.#controls === null) {
      const size = this.capacity * SEND_CONTROL_SIZE;
      const { memory, offset } = this.#controls = this.#memory.arena.take(size);
      this.#controlsView = new DataView(memory.bytes.buffer, offset, size);
    }
    return this.#controls;
  }
}

function copySlot<T extends Uint8Array | Uint32Array>(
  source: T,
  from: number,
  target: T,
  to: number,
  size: number,
): void {
  if (source.length === 0) return;
  target.set(source.subarray(from * size, (from + 1) * size), to * size);
}

function bytesOf({ memory, offset, byteLength }: Piece): Uint8Array {
  return memory.bytes.subarray(offset, offset + byteLength);
}
