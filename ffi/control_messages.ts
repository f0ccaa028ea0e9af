/**
 * A reader and a writer of control messages, in the form that Windows and Linux
 * have in common: a message starts at a multiple of 8 bytes, with a length of
 * 64 bits, a level and a type of 32 bits each.
 *
 * Source: `WSACMSGHDR` in the Microsoft reference, and `cmsg(3)`.
 *
 * @module
 */
import { alignControl, WSACMSGHDR } from "./layout.ts";

/** The bits of a type of service that are the ECN codepoint. */
export const ECN_MASK = 0x3;

const NOTHING = new DataView(new ArrayBuffer(0));

/**
 * Goes over messages, one after another.
 *
 * One reader serves many datagrams: `begin()` starts over with other messages.
 * It keeps the memory that it read last reachable.
 */
export class ControlReader {
  /** The memory that the messages lie in. */
  view: DataView = NOTHING;
  /** The level of the current message. */
  level = 0;
  /** The type of the current message. */
  type = 0;
  /** Where the payload of the current message starts. */
  at = 0;
  /** Bytes of the payload of the current message. */
  length = 0;
  /** Whether a message with an impossible length ended the reading. */
  malformed = false;
  #next = 0;
  #end = 0;

  /** Starts over with the messages between two offsets. */
  begin(view: DataView, start: number, end: number): this {
    this.view = view;
    this.malformed = false;
    this.#next = start;
    this.#end = end;
    return this;
  }

  /** Goes to the next message; `false` if there is none. */
  next(): boolean {
    const { view } = this;
    const at = this.#next;
    if (at + WSACMSGHDR.size > this.#end) return false;
    const size = view.getUint32(at + WSACMSGHDR.length, true);
    // No real message needs the upper half of the 64-bit length.
    const upper = view.getUint32(at + WSACMSGHDR.length + 4, true);
    if (size < WSACMSGHDR.size || upper !== 0 || at + size > this.#end) {
      this.malformed = true;
      return false;
    }
    this.level = view.getInt32(at + WSACMSGHDR.level, true);
    this.type = view.getInt32(at + WSACMSGHDR.type, true);
    this.at = at + WSACMSGHDR.size;
    this.length = size - WSACMSGHDR.size;
    this.#next = at + alignControl(size);
    return true;
  }

  /** Whether the current message is of a kind, and not shorter than that. */
  is(level: number, type: number, atLeast: number): boolean {
    return this.level === level && this.type === type && this.length >= atLeast;
  }

  /** A 32-bit number of the payload. */
  uint32(offset = 0): number {
    return this.view.getUint32(this.at + offset, true);
  }
}

/**
 * Writes messages one after another, as long as they fit.
 *
 * One writer serves many datagrams, too, and keeps the memory that it wrote
 * last reachable.
 */
export class ControlWriter {
  /** Whether a message did not fit and was left out. */
  overflow = false;
  #view: DataView = NOTHING;
  #payload = 0;
  #start = 0;
  #next = 0;
  #end = 0;

  /** Starts over in the memory between two offsets. */
  begin(view: DataView, start: number, end: number): this {
    this.overflow = false;
    this.#view = view;
    this.#start = this.#next = start;
    this.#end = end;
    return this;
  }

  /** Bytes written since `begin()`, with the padding between messages. */
  get length(): number {
    return this.#next - this.#start;
  }

  /** Starts a message; `false` if it does not fit. */
  add(level: number, type: number, length: number): boolean {
    const at = this.#next;
    const size = WSACMSGHDR.size + length;
    if (at + alignControl(size) > this.#end) {
      this.overflow = true;
      return false;
    }
    this.#view.setUint32(at + WSACMSGHDR.length, size, true);
    this.#view.setUint32(at + WSACMSGHDR.length + 4, 0, true);
    this.#view.setInt32(at + WSACMSGHDR.level, level, true);
    this.#view.setInt32(at + WSACMSGHDR.type, type, true);
    this.#payload = at + WSACMSGHDR.size;
    this.#next = at + alignControl(size);
    return true;
  }

  /** Adds a message that is one 32-bit number. */
  addNumber(level: number, type: number, value: number): void {
    if (this.add(level, type, 4)) this.setUint32(0, value);
  }

  /** Sets a 16-bit number in the payload of the message just added. */
  setUint16(offset: number, value: number): void {
    this.#view.setUint16(this.#payload + offset, value, true);
  }

  /** Sets a 64-bit number in the payload of the message just added. */
  setUint64(offset: number, value: bigint): void {
    this.#view.setBigUint64(this.#payload + offset, value, true);
  }

  /** Sets a 32-bit number in the payload of the message just added. */
  setUint32(offset: number, value: number): void {
    this.#view.setUint32(this.#payload + offset, value, true);
  }
}
