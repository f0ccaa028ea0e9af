/**
 * Sending datagrams from slots in registered memory: who waits for one, what was
 * posted, and what has become of it.
 *
 * @module
 */
import { NativePromise } from "../../globals.ts";
import type { IpAddress } from "../../address.ts";
import { lengthOf } from "../../plain_bytes.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Driver } from "../driver.ts";
import { denoErrors, toDenoError, transferred, withMore } from "../errors.ts";
import { Half } from "../half.ts";
import type { Manner } from "./manner.ts";
import { isReport } from "./reports.ts";
import { type SendGroup, SendGroups } from "./send_group.ts";
import { type SendSlotOptions, SendSlots } from "./send_slots.ts";
import type { SendSlot } from "./slots.ts";

/** A call that waits for a free slot. */
interface SlotCall {
  use(slot: SendSlot): void;
  reject(error: unknown): void;
}

/** How slots are sent. */
export interface SenderOptions extends SendSlotOptions {
  /** Runs the sends. */
  readonly driver: Driver;
}

/** Sends slots, and waits for free ones. */
export abstract class Sender extends Half<SlotCall> {
  readonly #groups: SendGroups = new SendGroups();
  readonly #slots: SendSlots;
  /** Sends that were posted and not yet committed. */
  #deferred = 0;
  /** Who waits until nothing is on its way. */
  #idle: PromiseWithResolvers<void> | null = null;

  /**
   * Sends nothing yet.
   *
   * @param socket The bound socket.
   * @param options What runs the sends, and how they are made.
   */
  constructor(socket: RioSocket, options: SenderOptions) {
    super(socket, options.driver);
    this.#slots = new SendSlots(
      socket,
      options,
      (slot, completion) => this.#completed(slot, completion),
    );
  }

  /**
   * Takes note that the system, or a path, did not take what was joined, or one
   * of it: it is sent one by one.
   *
   * @returns The datagrams that are in the slot.
   */
  protected abstract refused(slot: SendSlot): Uint8Array[];

  /**
   * Waits until all that was sent has left: takes every slot, and gives none
   * back. Nothing can be sent after that.
   */
  async drain(): Promise<void> {
    const made = this.#slots.close();
    for (let i = 0; i < made; i++) {
      if (!this.take()) await this.#takeNext(() => {});
    }
  }

  /** Hands everything to the system, and waits until it has taken it. */
  async idle(): Promise<void> {
    this.commit();
    if (this.#isIdle) return;
    this.#idle ??= NativePromise.withResolvers();
    this.wait();
    await this.#idle.promise;
  }

  get #isIdle(): boolean {
    return this.socket.outstandingSends === 0 && this.calls.length === 0;
  }

  override rejectAll(reason: unknown): void {
    super.rejectAll(reason);
    this.#groups.failAll(reason);
    this.#endIdle();
  }

  /** Whether nothing is on its way, or about to be. */
  protected get isAlone(): boolean {
    return this.#deferred === 0 && this.#groups.empty &&
      this.calls.length === 0;
  }

  /** Posts with a slot that is free, or in its turn with one that gets free. */
  protected place(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): Promise<void> | void {
    const slot = this.take();
    if (!slot) return this.placeNext(group, data, to, manner);
    this.load(slot, group, data, to, manner);
    this.dispatch(slot);
  }

  /** Posts with the next slot that gets free. */
  protected placeNext(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): Promise<void> {
    const length = lengthOf(data);
    const { index } = group;
    return this.#takeNext((slot) => {
      group.index = index;
      if (lengthOf(data) !== length) {
        this.give(slot);
        throw transferred("send");
      }
      this.load(slot, group, data, to, manner);
      this.dispatch(slot);
    });
  }

  /** Copies a datagram into a slot. */
  protected load(
    slot: SendSlot,
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): void {
    try {
      this.#slots.load(slot, data, to, manner);
    } catch (error) {
      this.give(slot);
      throw toDenoError(error);
    }
    slot.group = group;
    slot.index = group.index;
  }

  /** Posts what is in a slot; nothing leaves before the commit. */
  protected dispatch(slot: SendSlot): void {
    const group = slot.group!;
    try {
      this.#slots.post(slot);
    } catch (error) {
      slot.group = null;
      this.give(slot);
      throw toDenoError(error);
    }
    this.#deferred++;
    group.left++;
  }

  /** A slot that is free now. */
  protected take(): SendSlot | undefined {
    const slot = this.#slots.take();
    if (slot !== undefined) return slot;
    this.commit();
    this.poll();
    return this.#slots.take();
  }

  /**
   * Waits until a slot is free: the system has taken an earlier datagram.
   *
   * @param use Called at once when the slot is there: whoever comes later stays
   * behind.
   */
  #takeNext(use: (slot: SendSlot) => void): Promise<void> {
    const { promise, resolve, reject } = NativePromise.withResolvers<void>();
    const call: SlotCall = {
      use(slot) {
        try {
          resolve(use(slot));
        } catch (error) {
          reject(error);
        }
      },
      reject,
    };
    // Before the commit: what that completes is for this call.
    this.calls.push(call);
    this.wait();
    try {
      this.commit();
    } catch (error) {
      const index = this.calls.indexOf(call);
      if (index >= 0) this.calls.splice(index, 1);
      reject(error);
      this.#restIfIdle();
    }
    return promise;
  }

  /** Gives a slot to whoever waits for one, or back to the free ones. */
  protected give(slot: SendSlot): void {
    const call = this.calls.shift();
    if (call) call.use(slot);
    else this.#slots.give(slot);
    this.#restIfIdle();
  }

  /** Hands everything posted to the system, and completes what it took. */
  protected commit(): void {
    if (this.#deferred === 0 || this.socket.closed) return;
    denoErrors(() => this.socket.commit("send"));
    // Not before: if the commit fails, the next one starts the sends.
    this.#deferred = 0;
    this.poll();
  }

  /** Waits until all sends of a group have ended. */
  protected ended(group: SendGroup): Promise<void> {
    const ended = this.#groups.wait(group);
    this.wait();
    return ended;
  }

  /** Waits for the outcome of a group. */
  protected async settled(group: SendGroup): Promise<void> {
    if (group.left > 0) await this.ended(group);
    if (group.error !== null) throw group.error;
  }

  #completed(slot: SendSlot, completion: RioCompletion): void {
    const group = slot.group!;
    const alone = slot.count === 1;
    if (alone && isReport(completion.status) && this.#sendAgain(slot)) return;
    if (completion.status === 0) group.took(slot.index, slot.count);
    else if (slot.count > 1 && !this.closed) {
      slot.rest = this.refused(slot);
      slot.index--;
    } else group.failed(this.#errorOf(slot, completion), slot.index);
    if (slot.rest === null || !this.#sendNext(slot, group)) {
      slot.group = null;
      this.give(slot);
    }
    if (this.#groups.finished(group)) this.#restIfIdle();
  }

  #errorOf({ manner }: SendSlot, { error }: RioCompletion): unknown {
    const told = toDenoError(error);
    return manner?.segmentSize === undefined ? told : withMore(
      told,
      `its segmentSize was ${manner.segmentSize}: the path may take less`,
    );
  }

  /**
   * Sends the next of what is sent one by one, from the same slot: whoever drains
   * the socket waits for that.
   *
   * @returns Whether there was one.
   */
  #sendNext(slot: SendSlot, group: SendGroup): boolean {
    const next = this.closed ? undefined : slot.rest!.shift();
    if (next === undefined) {
      slot.rest = null;
      return false;
    }
    const { index: posting } = group;
    const index = slot.index + 1;
    try {
      group.index = index;
      this.load(slot, group, next, slot.to, slot.manner);
      this.dispatch(slot);
    } catch (error) {
      // It was given back.
      slot.rest = null;
      group.failed(error, index);
    } finally {
      group.index = posting;
    }
    try {
      this.commit();
    } catch (error) {
      group.failed(error, index);
    }
    return true;
  }

  /**
   * Sends a slot once more whose send was told what became of an earlier
   * datagram: this one has not left.
   */
  #sendAgain(slot: SendSlot): boolean {
    if (slot.repeated || this.closed || this.socket.closed) return false;
    slot.repeated = true;
    try {
      this.#slots.post(slot);
    } catch {
      return false;
    }
    this.#deferred++;
    try {
      this.commit();
    } catch {
      // It is posted: the next commit starts it.
    }
    return true;
  }

  #restIfIdle(): void {
    if (this.#idle !== null && this.#isIdle) this.#endIdle();
    if (this.#idle !== null) return;
    if (this.calls.length === 0 && this.#groups.empty) this.rest();
  }

  #endIdle(): void {
    this.#idle?.resolve();
    this.#idle = null;
  }
}
