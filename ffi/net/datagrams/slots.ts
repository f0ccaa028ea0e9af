/**
 * The slots of a datagram socket: registered room for one datagram each, with
 * its address and control messages, used again and again.
 *
 * @module
 */
import { CONTROL_SIZE } from "../../control.ts";
import type { RioBuffer, RioSlice } from "../../session/buffer.ts";
import type { RioCompletion } from "../../session/requests.ts";
import type { Operation } from "../driver.ts";

/** Bytes kept for an address: 28, rounded up to a cache line. */
const ADDRESS_ROOM = 64;

/** Bytes of registered memory that one slot takes. */
export function slotSize(datagramSize: number): number {
  return CONTROL_SIZE + ADDRESS_ROOM + ((datagramSize + 63) & ~63);
}

/** Room for one datagram. */
abstract class Slot implements Operation {
  /** The whole room for data. */
  readonly data: RioSlice;
  /** The address of the peer. */
  readonly remote: RioSlice;
  /** Control messages. */
  readonly control: RioSlice;
  readonly #buffer: RioBuffer;
  #part: RioSlice;

  constructor(buffer: RioBuffer, index: number, datagramSize: number) {
    this.#buffer = buffer;
    // In this order a short datagram and its address are on the same page.
    const control = index * slotSize(datagramSize);
    const remote = control + CONTROL_SIZE;
    this.control = buffer.slice(control, CONTROL_SIZE);
    this.remote = buffer.slice(remote, ADDRESS_ROOM);
    this.data = buffer.slice(remote + ADDRESS_ROOM, datagramSize);
    this.#part = this.data;
  }

  /** The first bytes of the room; the same size again costs nothing. */
  part(length: number): RioSlice {
    if (this.#part.length !== length) {
      this.#part = this.#buffer.slice(this.data.offset, length);
    }
    return this.#part;
  }

  /** The first bytes of the control room. */
  controlPart(length: number): RioSlice {
    return this.#buffer.slice(this.control.offset, length);
  }

  abstract complete(completion: RioCompletion): void;
}

/** Room for one datagram that arrives. */
export class ReceiveSlot extends Slot {
  /** Options of the receive that is posted with this slot. */
  readonly options: {
    readonly remote: RioSlice;
    readonly control?: RioSlice;
    readonly defer: true;
    readonly context: ReceiveSlot;
  };
  /** Bytes that arrived. */
  length = 0;
  /** Where the next datagram starts, if several were joined in this one. */
  at = 0;
  /** Bytes of each datagram that was joined; 0 if it is one alone. */
  segmentSize = 0;
  #view: Uint8Array | null = null;
  readonly #arrived: (slot: ReceiveSlot, completion: RioCompletion) => void;

  constructor(
    buffer: RioBuffer,
    index: number,
    options: {
      datagramSize: number;
      control: boolean;
      arrived: (slot: ReceiveSlot, completion: RioCompletion) => void;
    },
  ) {
    super(buffer, index, options.datagramSize);
    this.#arrived = options.arrived;
    const { remote, control } = this;
    this.options = options.control
      ? { remote, control, defer: true, context: this }
      : { remote, defer: true, context: this };
  }

  /** A view of what arrived; the same length again costs nothing. */
  view(start: number, end: number): Uint8Array {
    if (start === 0 && this.#view?.length === end) return this.#view;
    const view = this.data.bytes.subarray(start, end);
    if (start === 0) this.#view = view;
    return view;
  }

  complete(completion: RioCompletion): void {
    this.#arrived(this, completion);
  }
}

/** Told when all sends of a group have completed. */
export interface SendGroup {
  /** Sends that have not completed. */
  left: number;
  /** Sends that the system took. */
  sent: number;
  /** The error of the first that it did not take. */
  error: Error | null;
  /** Called when `left` is 0; `null` while nobody waits. */
  done: (() => void) | null;
}

/** Room for one datagram that is sent. */
export class SendSlot extends Slot {
  /** Options of a send with a destination. */
  readonly options: {
    readonly remote: RioSlice;
    readonly defer: true;
    readonly context: SendSlot;
  };
  /** Options of a send on a connected socket. */
  readonly connectedOptions: {
    readonly defer: true;
    readonly context: SendSlot;
  };
  /** The group that the send belongs to, from its post to its completion. */
  group: SendGroup | null = null;
  readonly #completed: (slot: SendSlot, completion: RioCompletion) => void;

  constructor(
    buffer: RioBuffer,
    index: number,
    options: {
      datagramSize: number;
      completed: (slot: SendSlot, completion: RioCompletion) => void;
    },
  ) {
    super(buffer, index, options.datagramSize);
    this.#completed = options.completed;
    this.options = { remote: this.remote, defer: true, context: this };
    this.connectedOptions = { defer: true, context: this };
  }

  complete(completion: RioCompletion): void {
    this.#completed(this, completion);
  }
}
