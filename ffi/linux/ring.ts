/**
 * One direction of a request queue: a ring of requests in the kernel's own
 * layout.
 *
 * @module
 */
import { AF_INET, RIO_MSG_DONT_NOTIFY } from "../constants.ts";
import { highWord, SOCKADDR_IN_SIZE, SOCKADDR_INET } from "../layout.ts";
import type { Piece } from "./arena.ts";
import type { CompletionQueue } from "./completion_queue.ts";
import {
  BATCH,
  type Kernel,
  MSGHDR,
  RECEIVE_CONTROL_SIZE,
  writePointer,
} from "./kernel.ts";
import type { Registration } from "./registration.ts";
import {
  HAS_CONTROL,
  HAS_FLAGS,
  HAS_LOCAL,
  HAS_REMOTE,
  Slices,
} from "./slices.ts";
import type { LinuxSocket } from "./socket.ts";

/** 32-bit words of a `struct mmsghdr`: a `msghdr`, then the bytes moved. */
export const MMSGHDR_WORDS = 16;
/** The word of a `struct mmsghdr` with the bytes moved. */
export const MMSGHDR_LENGTH = 14;
/** 32-bit words of a `struct iovec`: base, then length. */
export const IOVEC_WORDS = 4;
/** The word of a `struct iovec` with the length. */
export const IOVEC_LENGTH = 2;
/** Bytes kept for the destination of a send. */
const NAME_SIZE = 32;
/** The same in 32-bit words. */
export const NAME_WORDS = NAME_SIZE / 4;
/** Bytes kept for the control messages of a send. */
export const SEND_CONTROL_SIZE = 128;

/**
 * What starts requests: hands one batch to the kernel and completes what it
 * took. Returns whether another batch may go through.
 */
export type RingDriver = (ring: Ring) => boolean;

/**
 * Requests from `head` to `tail`, of which those before `committed` may start.
 *
 * The three counters wrap around at 32 bits. The memory belongs to the ring;
 * the kernel sees it only during a call.
 */
export class Ring {
  readonly kernel: Kernel;
  readonly socket: LinuxSocket;
  /** Where completions go. */
  readonly queue: CompletionQueue;
  /** Whether this is the sending direction. */
  readonly sends: boolean;
  readonly run: RingDriver;

  /** The most requests from post to dequeue. */
  limit = 0;
  /** Requests from post to dequeue. */
  outstanding = 0;
  head = 0;
  committed = 0;
  tail = 0;
  /** Bytes that the request at the head moved so far, on a stream. */
  progress = 0;
  closed = false;

  /** Whether sends wait for room in the socket. */
  blocked = false;
  /** Where the completion queue lists the receives; -1 while none is pending. */
  position = -1;
  /** Whether the completion queue has it on its ready list. */
  listed = false;
  /** Whether a call may get through; cleared only while epoll watches. */
  ready = true;
  /** Whether the socket has more to tell than data: an end, an error. */
  urgent = false;

  capacity = 0;
  mask = 0;
  /** The `mmsghdr` array; empty on a stream. */
  headers: Uint32Array = new Uint32Array();
  /** The `iovec` array. */
  vectors: Uint32Array = new Uint32Array();
  /** The address of the `iovec` array. */
  vectorsAddress = 0;
  /** Destinations of sends; empty otherwise. */
  names: Uint32Array = new Uint32Array();
  flags: Uint8Array = new Uint8Array();
  /** Which slices beyond the data each request has. */
  extras: Uint8Array = new Uint8Array();
  registrations: (Registration | null)[] = [];
  slices: (Slices | undefined)[] = [];
  /** Control messages of sends, made at the first one that has some. */
  controls: DataView | undefined;

  #contexts = new Uint32Array();
  #addresses: bigint[] = [];
  #base = 0n;
  #namesAddress = 0;
  #controlsAddress = 0;
  #piece: Piece | undefined;
  #controlPiece: Piece | undefined;

  /**
   * Makes a ring.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(
    kernel: Kernel,
    socket: LinuxSocket,
    queue: CompletionQueue,
    options: {
      sends: boolean;
      limit: number;
      run: RingDriver;
    },
  ) {
    this.kernel = kernel;
    this.socket = socket;
    this.queue = queue;
    this.sends = options.sends;
    this.run = options.run;
    this.resize(options.limit);
  }

  /** Requests that may start. */
  get pending(): number {
    return (this.committed - this.head) | 0;
  }

  /**
   * Changes the limit; requests in the ring stay.
   *
   * @throws {RangeError} If the system has no room.
   */
  resize(limit: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1, limit)));
    if (capacity > this.capacity) this.#grow(capacity);
    this.limit = limit;
  }

  /**
   * Writes a request at the tail; {@linkcode setExtras} says what else it has,
   * {@linkcode push} makes it count.
   */
  stage(
    registration: Registration | null,
    offset: number,
    length: number,
    flags: number,
    context: number,
  ): number {
    const slot = this.tail & this.mask;
    const vectors = this.vectors;
    const at = slot * IOVEC_WORDS;
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
    vectors[at + IOVEC_LENGTH] = length;
    this.registrations[slot] = registration;
    this.flags[slot] = flags;
    const contexts = this.#contexts;
    contexts[2 * slot] = context;
    contexts[2 * slot + 1] = highWord(context);
    return slot;
  }

  /** Accepts the request that was staged. */
  push(): void {
    this.tail = (this.tail + 1) | 0;
    this.outstanding++;
  }

  /** The slices of a slot beyond its data. */
  slicesAt(slot: number): Slices {
    return this.slices[slot] ??= new Slices();
  }

  /** Says which slices beyond its data a staged request has. */
  setExtras(slot: number, extras: number): void {
    const before = this.extras[slot]!;
    if ((before | extras) === 0) return;
    this.extras[slot] = extras;
    if (this.headers.length > 0) this.#link(slot, before, extras);
  }

  /** Where the control messages of a send go, as an offset in `controls`. */
  reserveControl(slot: number): number {
    if (this.controls === undefined) this.#makeControls();
    return slot * SEND_CONTROL_SIZE;
  }

  /** How many requests from the head on can go in one call, and may. */
  batch(): number {
    const slot = this.head & this.mask;
    const count = Math.min(this.pending, BATCH, this.capacity - slot);
    for (let i = 0; i < count; i++) {
      const registration = this.registrations[slot + i]!;
      if (registration !== null && !registration.usable) return i;
      if (this.extras[slot + i] !== 0 && !this.#slicesUsable(slot + i)) {
        return i;
      }
    }
    return count;
  }

  /** The address of a slot's `mmsghdr`, as the fast calls take it. */
  headerAddress(slot: number): bigint {
    // Made at first use and kept: a ring that drains starts over at slot 0.
    return this.#addresses[slot] ??= this.#base +
      BigInt(slot * MMSGHDR_WORDS * 4);
  }

  /** Completes the request at the head. */
  complete(status: number, bytes: number): void {
    const slot = this.head & this.mask;
    const contexts = this.#contexts;
    this.head = (this.head + 1) | 0;
    this.progress = 0;
    this.queue.push(
      this,
      this.flags[slot]! & RIO_MSG_DONT_NOTIFY,
      status,
      bytes,
      contexts[2 * slot]!,
      contexts[2 * slot + 1]!,
    );
    if (this.head === this.tail) this.head = this.committed = this.tail = 0;
  }

  /** Notes that the kernel has nothing more for receives now. */
  drained(): void {
    this.urgent = false;
    this.ready = !this.socket.watched;
  }

  /** Ends the ring: what it holds completes with a status. */
  close(status: number): void {
    this.closed = true;
    this.queue.deactivate(this);
    while (this.head !== this.tail) this.complete(status, 0);
    if (this.outstanding === 0) this.queue.settle(this);
    this.release();
  }

  /** Gives the memory back; the kernel has no use of it between calls. */
  release(): void {
    const { arena } = this.kernel;
    if (this.#piece !== undefined) arena.give(this.#piece);
    if (this.#controlPiece !== undefined) arena.give(this.#controlPiece);
    this.#piece = this.#controlPiece = undefined;
  }

  #slicesUsable(slot: number): boolean {
    const slices = this.slices[slot]!;
    const extras = this.extras[slot]!;
    // What a send names was copied when it was posted.
    return this.sends ||
      ((extras & HAS_REMOTE) === 0 || slices.remote!.usable) &&
        ((extras & HAS_LOCAL) === 0 || slices.local!.usable) &&
        ((extras & HAS_CONTROL) === 0 || slices.control!.usable) &&
        ((extras & HAS_FLAGS) === 0 || slices.flags!.usable);
  }

  /** Points a slot's header at its address and control messages. */
  #link(slot: number, before: number, extras: number): void {
    const { headers } = this;
    const at = slot * MMSGHDR_WORDS;
    if ((extras & HAS_REMOTE) !== 0) {
      let name = this.#namesAddress + slot * NAME_SIZE;
      let length: number = SOCKADDR_INET.size;
      if (!this.sends) {
        const slices = this.slices[slot]!;
        name = slices.remote!.address + slices.remoteOffset;
      } else if (this.names[slot * NAME_WORDS]! << 16 === AF_INET << 16) {
        length = SOCKADDR_IN_SIZE;
      }
      writePointer(headers, at + MSGHDR.name, name);
      headers[at + MSGHDR.nameLength] = length;
    } else if ((before & HAS_REMOTE) !== 0) {
      writePointer(headers, at + MSGHDR.name, 0);
      headers[at + MSGHDR.nameLength] = 0;
    }
    // The kernel's packet info tells the local address, too.
    const usesControl = this.sends ? HAS_CONTROL : HAS_CONTROL | HAS_LOCAL;
    if ((extras & usesControl) !== 0) {
      // A batch never holds two slots with the same place in it.
      const control = this.sends
        ? this.#controlsAddress + slot * SEND_CONTROL_SIZE
        : this.kernel.controlAddress + slot % BATCH * RECEIVE_CONTROL_SIZE;
      writePointer(headers, at + MSGHDR.control, control);
      headers[at + MSGHDR.controlLength] = this.sends
        ? this.slices[slot]!.controlLength
        : RECEIVE_CONTROL_SIZE;
    } else if ((before & usesControl) !== 0) {
      writePointer(headers, at + MSGHDR.control, 0);
      headers[at + MSGHDR.controlLength] = 0;
    }
  }

  #grow(capacity: number): void {
    const stream = this.socket.stream;
    const headerBytes = stream ? 0 : capacity * MMSGHDR_WORDS * 4;
    const vectorBytes = capacity * IOVEC_WORDS * 4;
    const nameBytes = this.sends && !stream ? capacity * NAME_SIZE : 0;
    const old = {
      piece: this.#piece,
      mask: this.mask,
      vectors: this.vectors,
      names: this.names,
      flags: this.flags,
      extras: this.extras,
      contexts: this.#contexts,
      registrations: this.registrations,
      slices: this.slices,
      controls: this.controls,
      controlPiece: this.#controlPiece,
    };
    const flags = new Uint8Array(capacity);
    const extras = new Uint8Array(capacity);
    const contexts = new Uint32Array(2 * capacity);
    const piece = this.kernel.arena.take(headerBytes + vectorBytes + nameBytes);
    const { buffer } = piece.memory.bytes;
    const at = piece.offset;
    this.#piece = piece;
    this.#base = piece.memory.address + BigInt(at);
    const base = Number(this.#base);
    this.headers = new Uint32Array(buffer, at, headerBytes / 4);
    this.vectors = new Uint32Array(buffer, at + headerBytes, vectorBytes / 4);
    this.names = new Uint32Array(
      buffer,
      at + headerBytes + vectorBytes,
      nameBytes / 4,
    );
    this.vectorsAddress = base + headerBytes;
    this.#namesAddress = base + headerBytes + vectorBytes;
    this.flags = flags;
    this.extras = extras;
    this.#contexts = contexts;
    this.#addresses = [];
    this.registrations = [];
    this.slices = [];
    this.controls = this.#controlPiece = undefined;
    this.capacity = capacity;
    this.mask = capacity - 1;
    for (let slot = 0; slot < this.headers.length / MMSGHDR_WORDS; slot++) {
      const header = slot * MMSGHDR_WORDS;
      writePointer(
        this.headers,
        header + MSGHDR.iov,
        this.vectorsAddress + slot * IOVEC_WORDS * 4,
      );
      this.headers[header + MSGHDR.iovCount] = 1;
    }
    for (let i = this.head; i !== this.tail; i = (i + 1) | 0) {
      const from = i & old.mask;
      const to = i & this.mask;
      for (let word = 0; word < IOVEC_WORDS; word++) {
        this.vectors[to * IOVEC_WORDS + word] = old
          .vectors[from * IOVEC_WORDS + word]!;
      }
      this.flags[to] = old.flags[from]!;
      contexts[2 * to] = old.contexts[2 * from]!;
      contexts[2 * to + 1] = old.contexts[2 * from + 1]!;
      this.registrations[to] = old.registrations[from]!;
      if (old.extras[from] === 0) continue;
      this.slices[to] = old.slices[from];
      if (nameBytes > 0) {
        for (let word = 0; word < NAME_WORDS; word++) {
          this.names[to * NAME_WORDS + word] = old
            .names[from * NAME_WORDS + word]!;
        }
      }
      if (old.controls !== undefined) {
        const target = this.reserveControl(to);
        for (let i = 0; i < SEND_CONTROL_SIZE; i++) {
          this.controls!.setUint8(
            target + i,
            old.controls.getUint8(from * SEND_CONTROL_SIZE + i),
          );
        }
      }
      this.setExtras(to, old.extras[from]!);
    }
    if (old.piece !== undefined) this.kernel.arena.give(old.piece);
    if (old.controlPiece !== undefined) {
      this.kernel.arena.give(old.controlPiece);
    }
  }

  #makeControls(): void {
    const byteLength = this.capacity * SEND_CONTROL_SIZE;
    const { memory, offset } = this.#controlPiece = this.kernel.arena.take(
      byteLength,
    );
    this.controls = new DataView(memory.bytes.buffer, offset, byteLength);
    this.#controlsAddress = Number(memory.address) + offset;
  }
}
