/**
 * The receiving half of a datagram socket: a few datagrams are taken directly
 * where the system can, many by receives that stay posted.
 *
 * @module
 */
import { NativePromise, queueMicrotask } from "../../globals.ts";
import { INTERNAL } from "../../internal.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { inTurn } from "../../turns.ts";
import type { Driver } from "../driver.ts";
import { copyOf } from "../given_back.ts";
import { toDenoError } from "../errors.ts";
import { Half } from "../half.ts";
import { RioDatagramBatch } from "./batch.ts";
import type { Details } from "./details.ts";
import type { DirectDatagrams, Received } from "./direct.ts";
import { FewDatagrams } from "./few.ts";
import {
  type Arrival,
  placeCheck,
  type Receive,
  type ReceiveWishes,
} from "./receive_call.ts";
import { isReport, reported, tooLong } from "./reports.ts";
import { ReceiveSlots, type ReceiveSlotsOptions } from "./receive_slots.ts";
import type { ReceiveSlot } from "./slots.ts";

/** How datagrams are received. */
export interface InboxOptions extends ReceiveSlotsOptions {
  /** Runs the receives. */
  readonly driver: Driver;
  /** Receives without slots; `null` where datagrams need them. */
  readonly direct: DirectDatagrams | null;
  /** Whether receives can be posted when somebody wants what has arrived. */
  readonly late: boolean;
  /** Reads what is told of datagrams. */
  readonly details: Details;
  /** Whether error reports are told; otherwise nothing comes of them. */
  readonly reports: boolean;
}

/** Hands out what arrives: what came first, to the call that came last. */
export class Inbox extends Half<Receive> {
  readonly #options: Readonly<InboxOptions>;
  readonly #slots: ReceiveSlots;
  /** Receives without slots; `null` where datagrams need them. */
  readonly #few: FewDatagrams | null;
  /** Whether the calls that wait change places at the end of this turn. */
  #turning = false;
  /** What the next receive is told; `null` for nothing. */
  #failure: unknown = null;
  /** Datagrams in slots of which only the head was received. */
  #truncated = 0;

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
    this.#few = options.direct && new FewDatagrams(
      options.direct,
      (error) => this.#failure = error,
    );
    this.#slots = new ReceiveSlots(socket, options, {
      arrived: () => this.#deliver(),
      failed: (completion) => this.#failed(completion),
      refused: (error) => this.#refused(error),
    });
    if (!options.late) this.#slots.post();
  }

  /** Datagrams of which only the head was received, so far. */
  get truncated(): number {
    return this.#truncated + (this.#few?.truncated ?? 0);
  }

  /** A slot with a datagram, if one has arrived. */
  #next(): ReceiveSlot | undefined {
    if (this.#slots.arrived === 0) {
      this.#slots.post();
      this.glance();
    }
    return this.#slots.take();
  }

  /**
   * What has arrived, if anything has: a slot, or a few datagrams without slots
   * where few come.
   */
  nextMany(): Arrival | undefined {
    if (this.#failure !== null) this.#tell();
    const few = this.#few;
    if (few === null || few.areMany || this.calls.length > 0) {
      return this.#next();
    }
    return this.#slots.take() ?? few.takeMany();
  }

  /** Receives a datagram into an array, or a new one. */
  receive(
    p: Uint8Array<ArrayBuffer> | undefined,
    wishes: ReceiveWishes,
  ): Promise<Received> {
    if (this.#failure !== null) this.#tell();
    if (wishes.signal?.aborted) this.look();
    // Taken first, without a wait: it arrived before anything else.
    const slot = this.#slots.take();
    if (slot !== undefined) {
      return NativePromise.resolve(inTurn(this.#copy(slot, p, wishes)));
    }
    const few = this.#few;
    if (few !== null && !few.areMany) {
      const received = few.next(p, wishes);
      if (received !== null) return NativePromise.resolve(inTurn(received));
    } else if (this.calls.length === 0) {
      const next = this.#next();
      if (next !== undefined) {
        return NativePromise.resolve(inTurn(this.#copy(next, p, wishes)));
      }
    }
    return this.#waitForOne(p, wishes);
  }

  #waitForOne(
    p: Uint8Array<ArrayBuffer> | undefined,
    wishes: ReceiveWishes,
  ): Promise<Received> {
    const few = this.#few;
    few?.waited();
    const { promise, resolve, reject } = NativePromise.withResolvers<
      Received
    >();
    const check = placeCheck(p);
    const call: Receive = {
      check,
      resolve: (slot) => {
        try {
          resolve(this.#copy(slot, p, wishes));
        } catch (error) {
          reject(error);
        }
      },
      reject,
    };
    if (few !== null) {
      call.take = () => {
        check();
        const received = few.take(p, wishes);
        if (received !== null) resolve(received);
        return received !== null;
      };
    }
    return this.#enqueue(call, promise, wishes.signal);
  }

  /** Copies a datagram out of a slot, which receives again after that. */
  #copy(
    slot: ReceiveSlot,
    p: Uint8Array<ArrayBuffer> | undefined,
    { rejectTruncated }: ReceiveWishes,
  ): Received {
    try {
      const arrived = slot.take();
      const size = p ? Math.min(arrived.length, p.byteLength) : arrived.length;
      if (slot.truncated || size < arrived.length) {
        this.#truncated++;
        if (rejectTruncated) throw tooLong(size);
      }
      // Copied: this address is the caller's to change, as Deno's is.
      const sender = copyOf(this.details.sender(slot));
      if (!p) return [new Uint8Array(arrived), sender];
      p.set(size < arrived.length ? arrived.subarray(0, size) : arrived);
      return [p.subarray(0, size), sender];
    } finally {
      this.#release(slot);
    }
  }

  /** Has a slot receive again, or be taken again if there is more in it. */
  #release(slot: ReceiveSlot): void {
    if (slot.more) {
      this.#slots.putBack(slot);
      this.#deliver();
    } else this.#slots.recycle(slot);
  }

  override told(): void {
    const { calls } = this;
    const waiting = calls.length;
    while (calls.length > 0) {
      const call = calls.at(-1)!;
      if (call.take === undefined) {
        this.poll();
        break;
      }
      try {
        if (!call.take()) break;
      } catch (error) {
        call.reject(error);
      }
      this.#pop();
    }
    // Before those who were served ask again: see #turn.
    const served = calls.length < waiting;
    if (served && calls.length > 1 && !this.#turning) this.#turn();
  }

  /** Gives what has arrived to those who wait. */
  #deliver(): void {
    while (this.calls.length > 0 && this.#slots.arrived > 0) {
      if (this.calls.length > 2 && !this.#turning) {
        this.#turning = true;
        queueMicrotask(this.#turn);
      }
      const call = this.#pop()!;
      try {
        call.check?.();
      } catch (error) {
        call.reject(error);
        continue;
      }
      call.resolve(this.#slots.take()!);
    }
  }

  /**
   * Makes a batch of what has arrived.
   *
   * @param first What was taken; nothing for an empty batch.
   */
  batch(first: Arrival | undefined): RioDatagramBatch {
    if (first === undefined || Array.isArray(first)) {
      const arrived = { slots: [], datagrams: first ?? [] };
      return new RioDatagramBatch(INTERNAL, this, arrived);
    }
    const slots = [first, ...this.#slots.takeAll()];
    if (slots.length === 1 && this.#few !== null) this.#few.crowded = false;
    try {
      const arrived = { slots, datagrams: [] };
      const batch = new RioDatagramBatch(INTERNAL, this, arrived);
      for (const { truncated } of batch) if (truncated) this.#truncated++;
      return batch;
    } catch (error) {
      for (const slot of slots) this.recycle(slot);
      throw error;
    }
  }

  /**
   * What {@linkcode Inbox.nextMany} gives; a promise only where it has to wait.
   *
   * @param signal Ends the wait; a datagram that arrives later goes to the next.
   */
  arrival(signal: AbortSignal | undefined): Arrival | Promise<Arrival> {
    if (signal?.aborted) this.look();
    const arrived = this.nextMany();
    return arrived ? inTurn(arrived) : this.#waitForMany(signal);
  }

  #waitForMany(signal: AbortSignal | undefined): Promise<Arrival> {
    const few = this.#few;
    const { promise, resolve, reject } = NativePromise.withResolvers<Arrival>();
    const call: Receive = { resolve, reject };
    // Where many come at a time, slots take them with one call.
    if (few !== null && !few.crowded) {
      few.waited();
      call.take = () => {
        const arrived = few.takeMany();
        if (arrived !== undefined) resolve(arrived);
        return arrived !== undefined;
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
    if (this.#failure !== null) this.#tell();
    signal?.throwIfAborted();
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

  /** Reads what is told of datagrams. */
  get details(): Details {
    return this.#options.details;
  }

  /** Posts a slot again when its datagrams were taken; throws nothing. */
  recycle(slot: ReceiveSlot): void {
    this.#slots.recycle(slot);
  }

  override close(): void {
    super.close();
    this.#slots.close();
  }

  /** Throws what came when nobody waited. */
  #tell(): never {
    const failure = this.#failure;
    this.#failure = null;
    throw failure;
  }

  /** Posts again; tells a caller only of errors that concern the socket. */
  #failed({ status, error }: RioCompletion): void {
    if (this.closed || this.socket.closed) return;
    try {
      this.#slots.post();
    } catch (cause) {
      this.#refused(cause);
      return;
    }
    if (isReport(status)) {
      if (!this.#options.reports) return;
      const failure = reported(status, "RIOReceive");
      const call = this.#pop();
      if (call) call.reject(failure);
      else this.#failure = failure;
    } else this.#pop()?.reject(toDenoError(error));
  }

  /** No receive may be posted that would end these waits. */
  #refused(error: unknown): void {
    this.abandoned(toDenoError(error));
  }

  /**
   * The call that came last, which waits no more: whoever races receives with a
   * timeout has given the others up.
   */
  #pop(): Receive | undefined {
    const call = this.calls.pop();
    if (this.calls.length === 0) this.rest();
    return call;
  }

  /**
   * Turns the order of those who wait on: Deno looks at them in the opposite
   * order the next time that something arrives.
   */
  readonly #turn = (): void => {
    this.#turning = false;
    this.calls.reverse();
  };
}
