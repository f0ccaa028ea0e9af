/**
 * The slots of the sending half, made one by one: most sockets never need many.
 *
 * @module
 */
import { type IpAddress, isIpv4 } from "../../address.ts";
import { WSAEMSGSIZE } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import type { RioCompletion } from "../../session/completion.ts";
import { isPermitted, PERMITTED_OPTIONS } from "../../session/permissions.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { AddressWriter } from "./addresses.ts";
import { assertReaches, assertSegments, type Manner } from "./manner.ts";
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
      { room: place, index: this.#made, size: datagramSize },
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

  /**
   * Copies a datagram into a slot, with where it goes.
   *
   * @throws {TypeError} If it cannot leave from where it was asked to.
   * @throws {RangeError} If it would be cut into too many.
   */
  load(
    slot: SendSlot,
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): void {
    const { datagramSize, writer } = this.#options;
    const { byteLength } = data;
    if (byteLength > datagramSize) {
      throw new RioError({
        errno: WSAEMSGSIZE,
        syscall: "RIOSend",
        attempt: `send ${byteLength} bytes where ${datagramSize} are the most`,
      });
    }
    if (manner !== null) assertSegments(manner, byteLength);
    slot.data.bytes.set(data);
    if (to) writer.write(slot.remote.bytes, to);
    if (manner !== null) {
      assertReaches(
        manner,
        to === null ? hasIpv4Peer(this.#socket) : isIpv4(slot.remote.bytes),
      );
    }
    slot.manner = manner;
    slot.size = byteLength;
    slot.count = 1;
    slot.repeated = false;
    slot.to = to;
  }

  /** Posts what is in a slot; nothing leaves before the commit. */
  post(slot: SendSlot): void {
    const { to, size, count, manner } = slot;
    const options = to === null
      ? slot.connectedOptions
      : isPermitted(to)
      ? { ...slot.options, ...PERMITTED_OPTIONS }
      : slot.options;
    const cut = count > 1 ? size : manner?.segmentSize;
    this.#socket.send(
      slot.part(size * count),
      cut === undefined && manner === null
        ? options
        : { ...options, control: slot.messages(cut, manner) },
    );
  }
}

/** Whether the peer of a connected socket is reached by IPv4. */
export function hasIpv4Peer({ remoteAddress }: RioSocket): boolean {
  return remoteAddress !== null && !remoteAddress.hostname.includes(":");
}
