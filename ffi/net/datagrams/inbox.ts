/**
 * The receiving half of a datagram socket: a few datagrams are taken directly
 * where the system can, many by receives that stay posted.
 *
 * @module
 */
import { readControl, type RioControlInfo } from "../../control.ts";
import * as winsock from "../../error_numbers.ts";
import { lengthOf } from "../../plain_bytes.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { inTurn } from "../../turns.ts";
import type { Driver } from "../driver.ts";
import { denoErrors, toDenoError } from "../errors.ts";
import { Half } from "../half.ts";
import { AddressReader } from "./addresses.ts";
import type { RioReceivedDatagram } from "./batch.ts";
import type { DirectDatagrams, Received } from "./direct.ts";
import type { Room } from "./room.ts";
import { PER_DATAGRAM, ReceiveSlot } from "./slots.ts";

/** A datagram longer than its slot: its head has arrived. */
const TOO_LONG: ReadonlySet<number> = new Set([
  winsock.WSAEMSGSIZE,
  winsock.ERROR_MORE_DATA,
]);
/** The `info` of a datagram whose socket was opened without `info`. */
const NO_INFO: RioControlInfo = Object.freeze({});

/** How datagrams are received. */
export interface InboxOptions {
  /** Runs the receives. */
  readonly driver: Driver;
  /** Receives without slots; `null` where datagrams need them. */
  readonly direct: DirectDatagrams | null;
  /** Whether receives can be posted when somebody wants what has arrived. */
  readonly late: boolean;
  /** Takes room for the slots; the kernel's until the socket is closed. */
  room(): Room;
  /** How many datagrams can wait in registered memory. */
  readonly slots: number;
  /** The longest datagram, in bytes. */
  readonly datagramSize: number;
  /** Whether control messages are received as well. */
  readonly control: boolean;
  /** Whether the system joins datagrams. */
  readonly coalesced: boolean;
}

/** So many are taken directly in a row before slots take many at a time. */
const FEW = 8;

/** What has arrived: a slot with it, or a few datagrams of their own. */
export type Arrival = ReceiveSlot | RioReceivedDatagram[];

/** A call that waits for a datagram. */
interface Receive {
  /** Takes one without a slot; absent where one is needed. */
  take?(): boolean;
  resolve(slot: ReceiveSlot): void;
  reject(error: unknown): void;
}

/** Hands out what arrives, in order. */
export class Inbox extends Half<Receive> {
  readonly #arrived: ReceiveSlot[] = [];
  readonly #senders: AddressReader = new AddressReader();
  readonly #options: Readonly<InboxOptions>;
  /** Receives that were posted and not yet committed. */
  #deferred = 0;
  /** So many are posted before they are committed together. */
  readonly #commitAfter: number;
  /** Slots that were made, each with its receive. */
  #made = 0;
  #room: Room | null = null;
  /** Datagrams that were taken directly without waiting for one. */
  #inARow = 0;
  /** Whether more arrived at a time than is taken directly. */
  #crowded = false;

  /**
   * Posts as many receives as there are slots, unless that can be done when they
   * are needed.
   *
   * @param socket The bound socket.
   * @param options What runs the receives, and how they are made.
   */
  constructor(socket: RioSocket, options: InboxOptions) {
    super(socket, options.driver);
    this.#options = options;
    this.#commitAfter = Math.max(1, options.slots >> 2);
    if (!options.late) this.#post();
  }

  /** A slot with a datagram, if one has arrived. */
  next(): ReceiveSlot | undefined {
    if (this.#arrived.length === 0) {
      if (this.#made < this.#options.slots) this.#post();
      this.#commit();
      this.glance();
    }
    return this.#arrived.shift();
  }

  /**
   * What has arrived, if anything has: a slot, or a few datagrams without slots
   * where few come.
   */
  nextMany(): Arrival | undefined {
    const { direct } = this.#options;
    if (direct === null || this.#inARow >= FEW || this.calls.length > 0) {
      return this.next();
    }
    return this.#arrived.shift() ?? this.#few(direct);
  }

  /** Takes a few datagrams without slots; counts how many in a row. */
  #few(direct: DirectDatagrams): RioReceivedDatagram[] | undefined {
    const few: RioReceivedDatagram[] = [];
    while (few.length < FEW) {
      const received = direct.receive(undefined);
      if (received === null) break;
      const [data, addr] = received;
      few.push({ data, addr: Object.freeze(addr), info: NO_INFO });
    }
    this.#inARow = few.length === 0 ? 0 : this.#inARow + few.length;
    this.#crowded = few.length === FEW;
    return few.length === 0 ? undefined : few;
  }

  /**
   * Receives a datagram into an array, or a new one.
   *
   * @param signal Ends the wait; no datagram is lost.
   */
  receive(
    p: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Received> {
    // The datagram is taken first: callers are served in their order.
    const slot = this.#arrived.shift();
    if (slot !== undefined) {
      return Promise.resolve(inTurn(this.#copy(slot, p)));
    }
    const { direct } = this.#options;
    if (direct === null || this.#inARow >= FEW) {
      const next = this.next();
      if (next !== undefined) {
        return Promise.resolve(inTurn(this.#copy(next, p)));
      }
    } else if (this.calls.length === 0) {
      const received = direct.receive(p);
      this.#inARow = received === null ? 0 : this.#inARow + 1;
      if (received !== null) return Promise.resolve(inTurn(received));
    }
    return this.#waitDirectly(p, signal);
  }

  #waitDirectly(
    p: Uint8Array<ArrayBuffer> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Received> {
    const { direct } = this.#options;
    this.#inARow = 0;
    const expected = p && lengthOf(p) > 0;
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const call: Receive = {
      resolve: (slot) => {
        try {
          resolve(this.#copy(slot, p));
        } catch (error) {
          reject(error);
        }
      },
      reject,
    };
    if (direct !== null) {
      call.take = () => {
        if (expected && lengthOf(p) === 0) {
          throw new TypeError("Cannot receive: the array was transferred");
        }
        const received = direct.receive(p);
        if (received !== null) resolve(received);
        return received !== null;
      };
    }
    return this.#enqueue(call, promise, signal);
  }

  /** Copies a datagram out of a slot, which receives again after that. */
  #copy(
    slot: ReceiveSlot,
    p: Uint8Array<ArrayBuffer> | undefined,
  ): Received {
    try {
      const arrived = slot.take();
      // Copied: this address is the caller's to change, as Deno's is.
      const sender = { ...this.senderOf(slot) };
      if (!p) return [new Uint8Array(arrived), sender];
      const size = Math.min(arrived.length, p.byteLength);
      p.set(size < arrived.length ? arrived.subarray(0, size) : arrived);
      return [p.subarray(0, size), sender];
    } finally {
      if (slot.more) this.putBack(slot);
      else this.recycle(slot);
    }
  }

  override told(): void {
    const { calls } = this;
    while (calls.length > 0) {
      const call = calls[0]!;
      if (call.take === undefined) return this.poll();
      try {
        if (!call.take()) return;
      } catch (error) {
        call.reject(error);
      }
      this.#shift();
    }
  }

  /** All other slots with datagrams; does not look for more. */
  takeArrived(): ReceiveSlot[] {
    const slots = this.#arrived.splice(0);
    if (slots.length === 0) this.#crowded = false;
    return slots;
  }

  /**
   * Waits for what {@linkcode Inbox.nextMany} gives; callers are served in their
   * order.
   *
   * @param signal Ends the wait; a datagram that arrives later goes to the next.
   */
  arrival(signal?: AbortSignal): Promise<Arrival> {
    const { direct } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Arrival>();
    const call: Receive = { resolve, reject };
    // Where many come at a time, slots take them with one call.
    if (direct !== null && !this.#crowded) {
      this.#inARow = 0;
      call.take = () => {
        const few = this.#few(direct);
        if (few !== undefined) resolve(few);
        return few !== undefined;
      };
    }
    return this.#enqueue(call, promise, signal);
  }

  /** Has a call wait for its turn, or for the signal. */
  #enqueue<T>(
    call: Receive,
    outcome: Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const abort = () => {
      const at = this.calls.indexOf(call);
      if (at < 0) return;
      this.calls.splice(at, 1);
      if (this.calls.length === 0) this.rest();
      call.reject(signal!.reason);
    };
    // First: a signal that cannot be listened to leaves no call behind, which
    // would take a datagram that nobody gets.
    signal?.addEventListener("abort", abort, { once: true });
    this.calls.push(call);
    this.wait();
    if (signal === undefined) return outcome;
    return outcome.finally(() => signal.removeEventListener("abort", abort));
  }

  /** The sender of what is in a slot; frozen. */
  senderOf(slot: ReceiveSlot): Deno.NetAddr {
    return this.#senders.read(slot.remote.bytes);
  }

  /** What the control messages of a slot say; frozen. */
  infoOf(slot: ReceiveSlot): RioControlInfo {
    if (!this.#options.control) return NO_INFO;
    return Object.freeze(readControl(slot.control.bytes));
  }

  /** Posts a slot again when its datagrams were taken. */
  recycle(slot: ReceiveSlot): void {
    // The session may have been closed, and the socket with it.
    if (this.closed || this.socket.closed) return;
    this.#repost(slot);
    if (this.#deferred >= this.#commitAfter) this.#commit();
  }

  /** Gives a slot in which there is more to the next call, or keeps it first. */
  putBack(slot: ReceiveSlot): void {
    const call = this.#shift();
    if (call) call.resolve(slot);
    else this.#arrived.unshift(slot);
  }

  override close(): void {
    super.close();
    const { outstandingReceives } = this.socket;
    const here = outstandingReceives + this.#arrived.length;
    // What is not here is in batches, which can be read until they are disposed.
    if (this.#room !== null) this.#room.read = this.#made > here;
    this.#arrived.length = 0;
  }

  /** Makes the slots, and posts a receive with each; goes on where it failed. */
  #post(): void {
    const { slots, datagramSize, control, room } = this.#options;
    const place = this.#room ??= room();
    while (this.#made < slots) {
      const slot: ReceiveSlot = new ReceiveSlot(
        { room: place, index: this.#made, datagramSize, control },
        (completion) => this.#arrive(slot, completion),
      );
      this.#repost(slot);
      this.#made++;
    }
    this.#commit();
  }

  #repost(slot: ReceiveSlot): void {
    this.socket.receive(slot.data, slot.options);
    this.#deferred++;
  }

  #commit(): void {
    if (this.#deferred === 0) return;
    denoErrors(() => this.socket.commit("receive"));
    // Not before: if the commit fails, the next one starts the receives.
    this.#deferred = 0;
  }

  #arrive(slot: ReceiveSlot, completion: RioCompletion): void {
    const { status, bytesTransferred } = completion;
    if (status !== 0 && !TOO_LONG.has(status)) {
      this.#failed(slot, completion);
      return;
    }
    const segmentSize = this.#options.coalesced
      ? readControl(slot.control.bytes).segmentSize ?? 0
      : 0;
    slot.fill(bytesTransferred, segmentSize);
    const call = this.#shift();
    if (call) call.resolve(slot);
    else this.#arrived.push(slot);
  }

  /** Posts again; tells a caller only of errors that concern the socket. */
  #failed(slot: ReceiveSlot, { status, error }: RioCompletion): void {
    try {
      this.#repost(slot);
      this.#commit();
    } catch (cause) {
      this.abandoned(toDenoError(cause));
      return;
    }
    if (!PER_DATAGRAM.has(status)) this.#shift()?.reject(toDenoError(error));
  }

  /** The call that has waited longest, which waits no more. */
  #shift(): Receive | undefined {
    const call = this.calls.shift();
    if (this.calls.length === 0) this.rest();
    return call;
  }
}
