/**
 * The sending half of a datagram socket: from a caller's arguments to slots in
 * registered memory, and to the system in the order of the calls.
 *
 * @module
 */
import { type IpAddress, ipVersion } from "../../address.ts";
import { writeControl } from "../../control.ts";
import { WSAEMSGSIZE } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
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
import type { Room } from "./room.ts";
import { type SendGroup, SendSlot } from "./slots.ts";

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
export interface OutboxOptions {
  /** Runs the sends. */
  readonly driver: Driver;
  /** Sends without slots; `null` where datagrams need them. */
  readonly direct: DirectDatagrams | null;
  /** Writes destinations. */
  readonly writer: AddressWriter;
  /** Takes room for the slots; each is the kernel's while it is sent. */
  room(): Room;
  /** How many datagrams can be on their way to the system. */
  readonly slots: number;
  /** The longest datagram, in bytes. */
  readonly datagramSize: number;
}

/** Sends datagrams, and waits for room. */
export class Outbox extends Half<SlotCall> {
  readonly #options: Readonly<OutboxOptions>;
  readonly #family: 4 | 6;
  readonly #writer: AddressWriter;
  readonly #free: SendSlot[] = [];
  /** The groups that somebody waits for. */
  readonly #groups: Set<SendGroup> = new Set();
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
  /** Slots that were made. */
  #made = 0;
  #room: Room | null = null;
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
    this.#family = ipVersion(socket.address.hostname) === 6 ? 6 : 4;
    this.#writer = options.writer;
  }

  /** Sends one datagram; bytes sent. */
  send(
    data: Uint8Array,
    addr: Deno.Addr | undefined,
    { segmentSize }: RioDatagramSendOptions,
  ): Promise<number> {
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
    if (this.#deferred > 0 || this.#groups.size > 0 || this.calls.length > 0) {
      return false;
    }
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
    const group = newGroup(segmentSize);
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
    const group = newGroup();
    try {
      for (const { data, addr } of datagrams) {
        const posted = this.#post(group, data, addr);
        if (posted) await posted;
      }
    } finally {
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
    const made = this.#made;
    this.#made = this.#options.slots;
    for (let i = 0; i < made; i++) {
      if (!this.#take()) await this.#takeNext(() => {});
    }
  }

  override close(): void {
    try {
      // What was sent and not awaited leaves before the socket is closed.
      this.#commit();
    } catch {
      // What cannot leave ends with the socket.
    }
    super.close();
  }

  override rejectAll(reason: unknown): void {
    super.rejectAll(reason);
    for (const group of this.#groups) {
      group.error ??= reason as Error;
      group.done!();
    }
    this.#groups.clear();
  }

  /** Posts one send; a promise only where it has to wait for something. */
  #post(
    group: SendGroup,
    data: Uint8Array,
    addr: Deno.Addr | undefined,
  ): Promise<void> | void {
    if (this.closed) throw badResource();
    assertBytes("data", data);
    if (addr === undefined && this.connected) {
      return this.#place(group, data, null);
    }
    const to = destination(addr);
    const host = this.#writer.known(to.hostname);
    if (host === undefined) return this.#lookUp(group, data, to);
    to.hostname = host;
    return this.#place(group, data, to);
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
    if (slot) return this.#fill(slot, group, data, to);
    return this.#takeNext((slot) => this.#fill(slot, group, data, to));
  }

  /** Copies into a slot and posts it; nothing leaves before the commit. */
  #fill(
    slot: SendSlot,
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress | null,
  ): void {
    const { byteLength } = data;
    try {
      const { datagramSize } = this.#options;
      if (byteLength > datagramSize) {
        throw new RioError({
          errno: WSAEMSGSIZE,
          syscall: "RIOSend",
          attempt:
            `send ${byteLength} bytes where ${datagramSize} are the most`,
        });
      }
      slot.data.bytes.set(data);
      if (to) this.#writer.write(slot.remote.bytes, to);
      const options = to ? slot.options : slot.connectedOptions;
      const { segmentSize } = group;
      this.socket.send(
        slot.part(byteLength),
        segmentSize === undefined
          ? options
          : { ...options, control: this.#segments(slot, segmentSize) },
      );
    } catch (error) {
      this.#give(slot);
      throw toDenoError(error);
    }
    this.#deferred++;
    slot.group = group;
    group.left++;
  }

  /** Writes the control message that cuts a slot's data into datagrams. */
  #segments(slot: SendSlot, segmentSize: number) {
    const { bytes } = slot.control;
    return slot.controlPart(writeControl(bytes, this.#family, { segmentSize }));
  }

  /** A slot that is free now. */
  #take(): SendSlot | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made < this.#options.slots) return this.#make();
    this.#commit();
    this.poll();
    return this.#free.pop();
  }

  /** Makes one more slot: most sockets never need many. */
  #make(): SendSlot {
    const { datagramSize, room } = this.#options;
    const place = this.#room ??= room();
    const slot: SendSlot = new SendSlot(
      { room: place, index: this.#made, datagramSize },
      (completion) => this.#completed(slot, completion),
    );
    this.#made++;
    return slot;
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
    else this.#free.push(slot);
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
      const { promise, resolve } = Promise.withResolvers<void>();
      group.done = resolve;
      this.#groups.add(group);
      this.wait();
      await promise;
    }
    if (group.error) throw group.error;
  }

  #completed(slot: SendSlot, completion: RioCompletion): void {
    const group = slot.group!;
    slot.group = null;
    if (completion.status === 0) group.sent++;
    else group.error ??= toDenoError(completion.error) as Error;
    this.#give(slot);
    if (--group.left > 0 || !group.done) return;
    this.#groups.delete(group);
    group.done();
    this.#restIfIdle();
  }

  #restIfIdle(): void {
    if (this.calls.length === 0 && this.#groups.size === 0) this.rest();
  }
}

function newGroup(segmentSize?: number): SendGroup {
  return { left: 0, sent: 0, error: null, segmentSize, done: null };
}
