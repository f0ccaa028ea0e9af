/**
 * The receive slots of a datagram socket. Each is in one place at any time, so
 * that none is ever lost:
 *
 * | place   | until                                               |
 * | ------- | --------------------------------------------------- |
 * | idle    | a receive is posted with it; tried again if it fails |
 * | posted  | its receive has ended: arrived, or idle             |
 * | arrived | somebody takes it                                   |
 * | taken   | it was read, or its batch is disposed: idle         |
 *
 * @module
 */
import * as winsock from "../../error_numbers.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { denoErrors } from "../errors.ts";
import type { Joins } from "./joins.ts";
import type { Room } from "./room.ts";
import { ReceiveSlot } from "./slots.ts";

/** A datagram longer than its slot: its head has arrived. */
const TOO_LONG: ReadonlySet<number> = new Set([
  winsock.WSAEMSGSIZE,
  winsock.ERROR_MORE_DATA,
]);

/** How slots are made. */
export interface ReceiveSlotsOptions {
  /** Takes room for them; the kernel's until the socket is closed. */
  room(): Room;
  /** How many there can be. */
  readonly slots: number;
  /** Bytes of each. */
  readonly size: number;
  /** The longest datagram, in bytes; what is longer is cut. */
  readonly datagramSize: number;
  /** Whether control messages are received as well. */
  readonly control: boolean;
  /** Whether the address that it arrived at is received as well. */
  readonly local: boolean;
  /** Says what the system joined; `null` where it joins nothing. */
  readonly joins: Joins | null;
}

/** Who is told of slots. */
export interface ReceiveSlotsOwner {
  /** A datagram has arrived. */
  arrived(): void;
  /** A receive has failed; its slot is idle. */
  failed(completion: RioCompletion): void;
  /** A receive could not be posted; its slot is idle. */
  refused(error: unknown): void;
}

/** Posts receives, and keeps what has arrived. */
export class ReceiveSlots {
  readonly #idle: ReceiveSlot[] = [];
  readonly #arrived: ReceiveSlot[] = [];
  readonly #socket: RioSocket;
  readonly #options: Readonly<ReceiveSlotsOptions>;
  readonly #owner: ReceiveSlotsOwner;
  /** So many are posted before they are committed together. */
  readonly #commitAfter: number;
  /** Receives that were posted and not yet committed. */
  #deferred = 0;
  #made = 0;
  #room: Room | null = null;
  #closed = false;

  /** Makes none yet. */
  constructor(
    socket: RioSocket,
    options: ReceiveSlotsOptions,
    owner: ReceiveSlotsOwner,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#owner = owner;
    this.#commitAfter = Math.max(1, options.slots >> 2);
  }

  /** How many have arrived and were not taken. */
  get arrived(): number {
    return this.#arrived.length;
  }

  /**
   * Posts a receive with every slot that is idle, and with those that were not
   * made yet; goes on where it failed.
   *
   * @throws {RioError} If the system refuses.
   */
  post(): void {
    while (this.#made < this.#options.slots) {
      this.#make();
      this.#postIdle();
    }
    this.#postIdle();
    this.#commit();
  }

  /** Takes the one that arrived first. */
  take(): ReceiveSlot | undefined {
    return this.#arrived.shift();
  }

  /** Takes all that have arrived. */
  takeAll(): ReceiveSlot[] {
    return this.#arrived.splice(0);
  }

  /** Puts one back in which there is more, to be taken first. */
  putBack(slot: ReceiveSlot): void {
    this.#arrived.unshift(slot);
  }

  /** Posts one again when its datagrams were taken; throws nothing. */
  recycle(slot: ReceiveSlot): void {
    this.#idle.push(slot);
    // The session may have been closed, and the socket with it.
    if (this.#closed || this.#socket.closed) return;
    try {
      this.#postIdle();
      if (this.#deferred >= this.#commitAfter) this.#commit();
    } catch (error) {
      this.#owner.refused(error);
    }
  }

  /** Gives what has arrived up; what is in batches can still be read. */
  close(): void {
    this.#closed = true;
    const { outstandingReceives } = this.#socket;
    const here = outstandingReceives + this.#arrived.length + this.#idle.length;
    if (this.#room !== null) this.#room.read = this.#made > here;
    this.#arrived.length = 0;
  }

  #make(): void {
    const { room, size, datagramSize, control, local } = this.#options;
    const place = this.#room ??= room();
    const slot: ReceiveSlot = new ReceiveSlot(
      { room: place, index: this.#made, size, datagramSize, control, local },
      (completion) => this.#completed(slot, completion),
    );
    this.#idle.push(slot);
    this.#made++;
  }

  #postIdle(): void {
    for (;;) {
      const slot = this.#idle.at(-1);
      if (slot === undefined) return;
      this.#socket.receive(slot.data, slot.options);
      // Not before: a receive that was refused leaves its slot here.
      this.#idle.pop();
      this.#deferred++;
    }
  }

  #commit(): void {
    if (this.#deferred === 0) return;
    denoErrors(() => this.#socket.commit("receive"));
    // Not before: if the commit fails, the next one starts the receives.
    this.#deferred = 0;
  }

  #completed(slot: ReceiveSlot, completion: RioCompletion): void {
    const { status, bytesTransferred } = completion;
    const truncated = TOO_LONG.has(status);
    if (status !== 0 && !truncated) {
      this.#idle.push(slot);
      this.#owner.failed(completion);
      return;
    }
    slot.fill(bytesTransferred, truncated);
    this.#arrived.push(slot);
    const { joins } = this.#options;
    if (joins !== null) slot.segmentSize = joins.sizeIn(slot, bytesTransferred);
    this.#owner.arrived();
  }
}
