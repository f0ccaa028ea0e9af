/**
 * The sending half of a datagram socket: from a caller's arguments to slots in
 * registered memory, and to the system in the order of the calls.
 *
 * @module
 */
import type { IpAddress } from "../../address.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import { assertBytes } from "../arguments.ts";
import type { Driver } from "../driver.ts";
import { badResource, denoErrors, toDenoError } from "../errors.ts";
import { Half } from "../half.ts";
import { permittedHost } from "../hosts.ts";
import { type AddressWriter, destination } from "./addresses.ts";
import type { RioDatagram } from "./batch.ts";
import type { DirectDatagrams } from "./direct.ts";
import { type SendSlotOptions, SendSlots } from "./send_slots.ts";
import { SendGroup, SendGroups } from "./send_group.ts";
import type { SendSlot } from "./slots.ts";
import { Train } from "./train.ts";

/** Options of {@linkcode RioDatagramConn.send}. */
export interface RioDatagramSendOptions {
  /**
   * Cut the data into datagrams of so many bytes, the last may be shorter: the
   * system does it, and sends them at the price of one.
   */
  segmentSize?: number;
}

const SOON = Promise.resolve();

/** A call that waits for a free slot. */
interface SlotCall {
  use(slot: SendSlot): void;
  reject(error: unknown): void;
}

/** How datagrams are sent. */
export interface OutboxOptions extends SendSlotOptions {
  /** Runs the sends. */
  readonly driver: Driver;
  /** Sends without slots; `null` where datagrams need them. */
  readonly direct: DirectDatagrams | null;
  /** Whether the system cuts apart what is sent together. */
  readonly joins: boolean;
}

/** Sends datagrams, and waits for room. */
export class Outbox extends Half<SlotCall> {
  readonly #options: Readonly<OutboxOptions>;
  readonly #writer: AddressWriter;
  readonly #groups: SendGroups = new SendGroups();
  /** Sends that were posted and not yet committed. */
  #deferred = 0;
  #flush: Promise<void> | null = null;
  readonly #commitNow = (): void => {
    this.#flush = null;
    this.#commit();
  };
  /** Whether a datagram was sent directly a moment ago. */
  #justSent = false;
  readonly #sendAlone = (): void => {
    this.#justSent = false;
  };
  readonly #train: Train = new Train();
  readonly #slots: SendSlots;
  /** The socket has a peer: a destination is not needed. */
  connected = false;

  /**
   * Sends nothing yet.
   *
   * @param socket The bound socket.
   * @param options What runs the sends, and how they are made.
   */
  constructor(socket: RioSocket, options: OutboxOptions) {
    super(socket, options.driver);
    this.#options = options;
    this.#writer = options.writer;
    this.#slots = new SendSlots(
      socket,
      options,
      (slot, completion) => this.#completed(slot, completion),
    );
  }

  /** Sends one datagram; bytes sent. */
  send(
    data: Uint8Array,
    addr: Deno.Addr | undefined,
    { segmentSize }: RioDatagramSendOptions,
  ): Promise<number> {
    // Whoever sends many may call this while he is asked for the next one.
    this.#depart();
    try {
      if (segmentSize === undefined && this.#sendDirectly(data, addr)) {
        return Promise.resolve(data.byteLength);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#sendInSlot(data, addr, segmentSize);
  }

  /**
   * Sends a datagram at once, if none is to be sent before it or together with
   * it, and there is room.
   */
  #sendDirectly(data: Uint8Array, addr: Deno.Addr | undefined): boolean {
    const { direct } = this.#options;
    if (direct === null || this.#justSent || this.closed) return false;
    if (!this.#isAlone) return false;
    assertBytes("data", data);
    let to: IpAddress | null = null;
    if (addr !== undefined || !this.connected) {
      to = destination(addr);
      const host = this.#writer.known(to.hostname);
      if (host === undefined) return false;
      to.hostname = host;
    }
    if (!direct.send(data, to)) return false;
    // What else is sent before anybody awaits this one leaves together.
    this.#justSent = true;
    queueMicrotask(this.#sendAlone);
    return true;
  }

  async #sendInSlot(
    data: Uint8Array,
    addr: Deno.Addr | undefined,
    segmentSize: number | undefined,
  ): Promise<number> {
    const group = new SendGroup(segmentSize);
    const posted = this.#post(group, data, addr);
    if (posted) await posted;
    // The commit comes a microtask later: calls that are made one after the
    // other, and not awaited one by one, leave together.
    await (this.#flush ??= SOON.then(this.#commitNow));
    if (group.left > 0 || group.error) await this.#settled(group);
    return data.byteLength;
  }

  /** Sends many datagrams; datagrams sent. */
  async sendMany(datagrams: Iterable<RioDatagram>): Promise<number> {
    const group = new SendGroup();
    try {
      for (const { data, addr } of datagrams) {
        const posted = this.#post(group, data, addr, this.#options.joins);
        if (posted) await posted;
      }
    } finally {
      if (!this.#departAlone(group)) this.#depart();
      this.#commit();
    }
    await this.#settled(group);
    return group.sent;
  }

  /**
   * Waits until all that was sent has left: takes every slot, and gives none
   * back. Nothing can be sent after that.
   */
  async drain(): Promise<void> {
    const made = this.#slots.close();
    for (let i = 0; i < made; i++) {
      if (!this.#take()) await this.#takeNext(() => {});
    }
  }

  override close(): void {
    try {
      // What was sent and not awaited leaves before the socket is closed.
      this.#depart();
      this.#commit();
    } catch {
      // What cannot leave ends with the socket.
    }
    super.close();
  }

  override rejectAll(reason: unknown): void {
    super.rejectAll(reason);
    this.#groups.failAll(reason);
  }

  /**
   * Posts one send; a promise only where it has to wait for something.
   *
   * @param joins Whether it may leave with those before and after it: then the
   * caller ends with {@linkcode Outbox.#depart}.
   */
  #post(
    group: SendGroup,
    data: Uint8Array,
    addr: Deno.Addr | undefined,
    joins = false,
  ): Promise<void> | void {
    if (this.closed) throw badResource();
    assertBytes("data", data);
    let to: IpAddress | null = null;
    if (addr !== undefined || !this.connected) {
      to = destination(addr);
      const host = this.#writer.known(to.hostname);
      if (host === undefined) {
        this.#depart();
        return this.#lookUp(group, data, to);
      }
      to.hostname = host;
    }
    if (!joins) return this.#place(group, data, to);
    if (this.#train.add(group, data, to)) return;
    this.#depart();
    const slot = this.#take();
    if (!slot) return this.#placeNext(group, data, to);
    this.#load(slot, group, data, to);
    this.#train.begin(slot);
  }

  /** Sends the last datagram of a call directly, if nothing is before it. */
  #departAlone(group: SendGroup): boolean {
    const { direct } = this.#options;
    const { slot } = this.#train;
    if (direct === null || slot === null || slot.count > 1) return false;
    if (slot.group !== group || !this.#isAlone) return false;
    try {
      if (!direct.send(slot.data.bytes.subarray(0, slot.size), slot.to)) {
        return false;
      }
      group.sent++;
    } catch (error) {
      group.failed(error);
    }
    this.#train.end();
    slot.group = null;
    this.#give(slot);
    return true;
  }

  /** Whether nothing is on its way, or about to be. */
  get #isAlone(): boolean {
    return this.#deferred === 0 && this.#groups.empty &&
      this.calls.length === 0;
  }

  /** Posts what was joined; if it cannot be, its group is told. */
  #depart(): void {
    const slot = this.#train.end();
    if (slot === null) return;
    const group = slot.group!;
    try {
      this.#dispatch(slot);
    } catch (error) {
      group.failed(error);
    }
  }

  async #lookUp(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress,
  ): Promise<void> {
    to.hostname = await permittedHost(this.socket, to);
    if (this.closed) throw badResource();
    await this.#place(group, data, to);
  }

  /** Posts with a slot that is free, or in its turn with one that gets free. */
  #place(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
  ): Promise<void> | void {
    const slot = this.#take();
    if (!slot) return this.#placeNext(group, data, to);
    this.#load(slot, group, data, to);
    this.#dispatch(slot);
  }

  #placeNext(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
  ): Promise<void> {
    return this.#takeNext((slot) => {
      this.#load(slot, group, data, to);
      this.#dispatch(slot);
    });
  }

  /** Copies a datagram into a slot. */
  #load(
    slot: SendSlot,
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
  ): void {
    try {
      this.#slots.load(slot, data, to);
    } catch (error) {
      this.#give(slot);
      throw toDenoError(error);
    }
    slot.group = group;
  }

  /** Posts what is in a slot; nothing leaves before the commit. */
  #dispatch(slot: SendSlot): void {
    const group = slot.group!;
    try {
      this.#slots.post(slot, group.segmentSize);
    } catch (error) {
      slot.group = null;
      this.#give(slot);
      throw toDenoError(error);
    }
    this.#deferred++;
    group.left++;
  }

  /** A slot that is free now. */
  #take(): SendSlot | undefined {
    const slot = this.#slots.take();
    if (slot !== undefined) return slot;
    this.#commit();
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
    this.#commit();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.calls.push({
      use(slot) {
        try {
          resolve(use(slot));
        } catch (error) {
          reject(error);
        }
      },
      reject,
    });
    this.wait();
    return promise;
  }

  /** Gives a slot to whoever waits for one, or back to the free ones. */
  #give(slot: SendSlot): void {
    const call = this.calls.shift();
    if (call) call.use(slot);
    else this.#slots.give(slot);
    this.#restIfIdle();
  }

  /** Hands everything posted to the system, and completes what it took. */
  #commit(): void {
    if (this.#deferred === 0 || this.socket.closed) return;
    denoErrors(() => this.socket.commit("send"));
    // Not before: if the commit fails, the next one starts the sends.
    this.#deferred = 0;
    this.poll();
  }

  /** Waits for the outcome of a group. */
  async #settled(group: SendGroup): Promise<void> {
    if (group.left > 0) {
      const settled = this.#groups.wait(group);
      this.wait();
      await settled;
    }
    if (group.error) throw group.error;
  }

  #completed(slot: SendSlot, completion: RioCompletion): void {
    const group = slot.group!;
    if (completion.status !== 0 && slot.count > 1 && !this.closed) {
      this.#sendApart(slot, group);
      return;
    }
    slot.group = null;
    if (completion.status === 0) group.sent += slot.count;
    else group.failed(toDenoError(completion.error));
    this.#give(slot);
    this.#finished(group);
  }

  /**
   * Sends what was joined one by one: the system, or a path, does not take such
   * datagrams together, or one of them could not be sent.
   */
  async #sendApart(slot: SendSlot, group: SendGroup): Promise<void> {
    const { size, count, to, data } = slot;
    this.#train.refuse(size);
    // Copied: whoever waits for a slot must not hold one.
    const all = data.bytes.slice(0, count * size);
    slot.group = null;
    this.#give(slot);
    try {
      for (let at = 0; at < all.length; at += size) {
        const posted = this.#place(group, all.subarray(at, at + size), to);
        if (posted) await posted;
      }
      this.#commit();
    } catch (error) {
      group.failed(error);
    }
    this.#finished(group);
  }

  #finished(group: SendGroup): void {
    if (this.#groups.finished(group)) this.#restIfIdle();
  }

  #restIfIdle(): void {
    if (this.calls.length === 0 && this.#groups.empty) this.rest();
  }
}
