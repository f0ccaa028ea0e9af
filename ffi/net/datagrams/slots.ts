/**
 * The slots of a datagram socket: registered room for one datagram each, with
 * its address and control messages, used again and again.
 *
 * @module
 */
import type { IpAddress } from "../../address.ts";
import { CONTROL_SIZE, writeControl } from "../../control.ts";
import type { RioSlice } from "../../session/buffer.ts";
import type { RioReceiveOptions, RioSendOptions } from "../../session/post.ts";
import type { Operation } from "../driver.ts";
import type { Manner } from "./manner.ts";
import type { Room } from "./room.ts";
import type { SendGroup } from "./send_group.ts";

/** Bytes kept for an address: 28, rounded up. */
const ADDRESS_ROOM = 32;

/** Bytes of registered memory that one slot takes. */
export function slotSize(size: number): number {
  return CONTROL_SIZE + 2 * ADDRESS_ROOM + ((size + 63) & ~63);
}

/** The place of a slot in registered memory. */
interface Place {
  /** Where the slots are. */
  room: Pick<Room, "buffer" | "offset">;
  /** How many slots are before it. */
  index: number;
  /** Bytes of data in each. */
  size: number;
}

/** Room for one datagram. */
abstract class Slot implements Operation {
  /** The whole room for data. */
  readonly data: RioSlice;
  /** The address of the peer. */
  readonly remote: RioSlice;
  /** The address of this host. */
  readonly local: RioSlice;
  /** Control messages. */
  readonly control: RioSlice;
  readonly complete: Operation["complete"];

  /**
   * Makes the room for the datagram of one request at a time.
   *
   * @param place Where it is.
   * @param complete Called when the request has completed.
   */
  constructor(
    { room: { buffer, offset }, index, size }: Place,
    complete: Operation["complete"],
  ) {
    this.complete = complete;
    // In this order a short datagram and its address are on the same page.
    const control = offset + index * slotSize(size);
    const remote = control + CONTROL_SIZE;
    this.control = buffer.slice(control, CONTROL_SIZE);
    this.remote = buffer.slice(remote, ADDRESS_ROOM);
    const local = remote + ADDRESS_ROOM;
    this.local = buffer.slice(local, ADDRESS_ROOM);
    this.data = buffer.slice(local + ADDRESS_ROOM, size);
  }
}

/** Room for one datagram that arrives, or for several that were joined. */
export class ReceiveSlot extends Slot {
  /** Options of the receive that is posted with this slot. */
  readonly options: Readonly<RioReceiveOptions>;
  readonly #longest: number;
  #length = 0;
  /** Where the next datagram starts. */
  #at = 0;
  #cut = false;
  /** Bytes of each datagram that was joined; 0 if it is one alone. */
  segmentSize = 0;
  /** Whether the datagram that was taken last is only the head of one. */
  truncated = false;
  #view: Uint8Array<ArrayBuffer> | null = null;

  /**
   * Makes it.
   *
   * @param place Where it is, how much of each datagram is taken, and whether
   * control messages and the local address are received as well.
   */
  constructor(
    place: Place & { datagramSize: number; control: boolean; local: boolean },
    complete: Operation["complete"],
  ) {
    super(place, complete);
    const { remote, local, control } = this;
    this.#longest = place.datagramSize;
    this.options = {
      remote,
      ...(place.local ? { local } : {}),
      ...(place.control ? { control } : {}),
      defer: true,
      context: this,
    };
  }

  /** Says what has arrived, and whether it was cut; nothing was taken yet. */
  fill(length: number, cut: boolean): void {
    this.#length = length;
    this.#cut = cut;
    this.#at = 0;
    this.segmentSize = 0;
  }

  /** Whether there is a datagram that was not taken. */
  get more(): boolean {
    return this.#at < this.#length;
  }

  /**
   * Takes the next datagram.
   *
   * @returns A view of it; the same length as before costs nothing.
   */
  take(): Uint8Array<ArrayBuffer> {
    const start = this.#at;
    const next = this.segmentSize === 0
      ? this.#length
      : Math.min(start + this.segmentSize, this.#length);
    const end = Math.min(next, start + this.#longest);
    this.#at = next;
    this.truncated = end < next || this.#cut && !this.more;
    if (start === 0 && this.#view?.length === end) return this.#view;
    const view = this.data.bytes.subarray(start, end);
    if (start === 0) this.#view = view;
    return view;
  }
}

/** Room for one datagram that is sent. */
export class SendSlot extends Slot {
  /** Options of a send with a destination. */
  readonly options: Readonly<RioSendOptions>;
  /** Options of a send on a connected socket. */
  readonly connectedOptions: Readonly<RioSendOptions>;
  /** The group that the send belongs to, from its post to its completion. */
  group: SendGroup | null = null;
  /** Which datagram of the group is the first in it. */
  index = 0;
  /** What is sent from it next, one by one; `null` for nothing. */
  rest: Uint8Array[] | null = null;
  /** Datagrams that it has, and bytes of each. */
  count = 1;
  size = 0;
  /** Where they go; `null` for the socket's peer. */
  to: IpAddress | null = null;
  /** Whether they were sent once more. */
  repeated = false;
  /** How they are sent; `null` for as others are. */
  manner: Manner | null = null;
  #part: RioSlice;
  /** The control messages that were written last, and what for. */
  #messages: RioSlice | null = null;
  #cut: number | undefined;
  #manner: Manner | null = null;

  constructor(place: Place, complete: Operation["complete"]) {
    super(place, complete);
    this.#part = this.data;
    this.options = { remote: this.remote, defer: true, context: this };
    this.connectedOptions = { defer: true, context: this };
  }

  /** The first bytes of the room; the same size again costs nothing. */
  part(length: number): RioSlice {
    if (this.#part.length !== length) {
      this.#part = this.data.buffer.slice(this.data.offset, length);
    }
    return this.#part;
  }

  /**
   * The control messages of a send; the same again cost nothing.
   *
   * @param cut Bytes of the datagrams that its data is cut into, where it is.
   */
  messages(cut: number | undefined, manner: Manner | null): RioSlice {
    const { control: { buffer, offset, bytes } } = this;
    if (
      this.#messages !== null && this.#cut === cut && this.#manner === manner
    ) return this.#messages;
    this.#messages = null;
    const { ecn, local } = manner ?? {};
    // A send puts them into the form that its destination needs.
    const length = writeControl(bytes, 4, { segmentSize: cut, ecn, local });
    this.#cut = cut;
    this.#manner = manner;
    return this.#messages = buffer.slice(offset, length);
  }
}
