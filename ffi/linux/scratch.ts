/**
 * Native memory that a system call uses while it runs.
 *
 * @module
 */
import { allocate } from "../memory.ts";
import { BATCH, IOVEC, MSGHDR, writePointer } from "./msghdr.ts";

/** Bytes of control messages that the kernel can write per datagram. */
export const RECEIVE_CONTROL_SIZE = 256;

const VECTOR_AT = 64;
const BYTE_AT = 80;
const CONTROL_AT = 4096;

/** Words of a `struct epoll_event`, which only x86-64 packs. */
export const EVENT_WORDS: number = Deno.build.arch === "x86_64" ? 3 : 4;
/** The most events of one call. */
export const EVENTS = 256;

/**
 * Room that all rings of a thread share, each for one call at a time: between
 * two calls nothing in it matters.
 */
export class Scratch {
  /** The address of a `msghdr` for one byte that nobody reads. */
  readonly peekAddress: bigint;
  /** Control messages of datagrams, one area for each of a batch. */
  readonly control: DataView;
  /** One event for a change of interest, then those that epoll tells. */
  readonly events: Uint32Array;
  /** The address of the first of these. */
  readonly eventsAddress: bigint;
  readonly #controlAddress: number;

  /**
   * Allocates it.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor() {
    const controlSize = BATCH * RECEIVE_CONTROL_SIZE;
    const eventsAt = CONTROL_AT + controlSize;
    const eventWords = (1 + EVENTS) * EVENT_WORDS;
    const { bytes: { buffer }, address } = allocate(eventsAt + eventWords * 4);
    const start = Number(address);
    this.peekAddress = address;
    this.control = new DataView(buffer, CONTROL_AT, controlSize);
    this.#controlAddress = start + CONTROL_AT;
    this.events = new Uint32Array(buffer, eventsAt, eventWords);
    this.eventsAddress = address + BigInt(eventsAt);
    const words = new Uint32Array(buffer);
    writePointer(words, MSGHDR.iov, start + VECTOR_AT);
    words[MSGHDR.iovCount] = 1;
    writePointer(words, VECTOR_AT / 4 + IOVEC.base, start + BYTE_AT);
    words[VECTOR_AT / 4 + IOVEC.length] = 1;
  }

  /**
   * Where the control messages of a slot go, in {@linkcode Scratch.control}. A
   * batch never holds two slots with the same place.
   */
  controlAt(slot: number): number {
    return slot % BATCH * RECEIVE_CONTROL_SIZE;
  }

  /** The same as an address. */
  controlAddress(slot: number): number {
    return this.#controlAddress + this.controlAt(slot);
  }
}
