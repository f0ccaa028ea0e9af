/**
 * The slots of the sending half, made one by one: most sockets never need many.
 *
 * @module
 */
import { type IpAddress, ipVersion } from "../../address.ts";
import { writeControl } from "../../control.ts";
import { WSAEMSGSIZE } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import type { RioSlice } from "../../session/buffer.ts";
import type { RioCompletion } from "../../session/completion.ts";
import { isPermitted, PERMITTED_OPTIONS } from "../../session/permissions.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { AddressWriter } from "./addresses.ts";
import type { Room } from "./room.ts";
import { SendSlot } from "./slots.ts";

/** How slots are made. */
export interface SendSlotOptions {
  /** Takes room for the slots; each is the kernel's while it is sent. */
  room(): Room;
  /** How many datagrams can be on their way to the system. */
  readonly slots: number;
  /** The longest datagram, in bytes. */
  readonly datagramSize: number;
  /** Writes destinations. */
  readonly writer: AddressWriter;
}

/** The slots that are there, and that can be made. */
export class SendSlots {
  readonly #free: SendSlot[] = [];
  readonly #socket: RioSocket;
  readonly #family: 4 | 6;
  readonly #options: SendSlotOptions;
  readonly #completed: (slot: SendSlot, completion: RioCompletion) => void;
  #room: Room | null = null;
  #made = 0;
  #most: number;

  /**
   * Makes none yet.
   *
   * @param socket The bound socket.
   * @param options How they are made.
   * @param completed Told when the send that a slot was posted with has ended.
   */
  constructor(
    socket: RioSocket,
    options: SendSlotOptions,
    completed: (slot: SendSlot, completion: RioCompletion) => void,
  ) {
    this.#socket = socket;
    this.#family = ipVersion(socket.address.hostname) === 6 ? 6 : 4;
    this.#options = options;
    this.#completed = completed;
    this.#most = options.slots;
  }

  /** A slot that is free now; nothing where all are in use. */
  take(): SendSlot | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#made >= this.#most) return free;
    const { datagramSize, room } = this.#options;
    const place = this.#room ??= room();
    const slot: SendSlot = new SendSlot(
      { room: place, index: this.#made, datagramSize },
      (completion) => this.#completed(slot, completion),
    );
    this.#made++;
    return slot;
  }

  /** Takes a slot back that is not in use. */
  give(slot: SendSlot): void {
    this.#free.push(slot);
  }

  /** Makes no more; returns how many there are. */
  close(): number {
    return this.#most = this.#made;
  }

  /** Copies a datagram into a slot, with where it goes. */
  load(slot: SendSlot, data: Uint8Array, to: IpAddress | null): void {
    const { datagramSize, writer } = this.#options;
    const { byteLength } = data;
    if (byteLength > datagramSize) {
      throw new RioError({
        errno: WSAEMSGSIZE,
        syscall: "RIOSend",
        attempt: `send ${byteLength} bytes where ${datagramSize} are the most`,
      });
    }
    slot.data.bytes.set(data);
    if (to) writer.write(slot.remote.bytes, to);
    slot.size = byteLength;
    slot.count = 1;
    slot.to = to;
  }

  /**
   * Posts what is in a slot; nothing leaves before the commit.
   *
   * @param segmentSize Bytes of the datagrams that one is cut into, where it is.
   */
  post(slot: SendSlot, segmentSize: number | undefined): void {
    const { to, size, count } = slot;
    const options = to === null
      ? slot.connectedOptions
      : isPermitted(to)
      ? { ...slot.options, ...PERMITTED_OPTIONS }
      : slot.options;
    const cut = count > 1 ? size : segmentSize;
    this.#socket.send(
      slot.part(size * count),
      cut === undefined
        ? options
        : { ...options, control: this.#segments(slot, cut) },
    );
  }

  /** Writes the control message that cuts a slot's data into datagrams. */
  #segments(slot: SendSlot, segmentSize: number): RioSlice {
    const { bytes } = slot.control;
    return slot.controlPart(writeControl(bytes, this.#family, { segmentSize }));
  }
}
