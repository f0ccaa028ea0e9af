/**
 * The sending half of a datagram socket: from a caller's arguments to slots in
 * registered memory, and to the system in the order of the calls.
 *
 * @module
 */
import { NativePromise, queueMicrotask } from "../../globals.ts";
import type { IpAddress } from "../../address.ts";
import { lengthOf } from "../../plain_bytes.ts";
import type { RioSocket } from "../../session/socket.ts";
import { assertBytes } from "../arguments.ts";
import { badResource, transferred, withMore } from "../errors.ts";
import { peerAddress } from "../hosts.ts";
import {
  type AddressWriter,
  destination,
  type RioDestination,
} from "./addresses.ts";
import { type RioDatagram, RioDatagramBatch } from "./batch.ts";
import type { DirectDatagrams } from "./direct.ts";
import { type Manner, Manners, type RioDatagramSendOptions } from "./manner.ts";
import { SendGroup, SingleSend } from "./send_group.ts";
import { Sender, type SenderOptions } from "./sender.ts";
import type { SendSlot } from "./slots.ts";
import { Train } from "./train.ts";

const SOON = NativePromise.resolve();

/** How datagrams are sent. */
export interface OutboxOptions extends SenderOptions {
  /** Sends without slots; `null` where datagrams need them. */
  readonly direct: DirectDatagrams | null;
  /** Whether the system cuts apart what is sent together. */
  readonly joins: boolean;
}

/** Sends datagrams, and waits for room. */
export class Outbox extends Sender {
  readonly #options: Readonly<OutboxOptions>;
  readonly #writer: AddressWriter;
  #flush: Promise<void> | null = null;
  readonly #commitNow = (): void => {
    this.#flush = null;
    this.#depart();
    this.commit();
  };
  /** Whether a datagram was sent directly a moment ago. */
  #justSent = false;
  readonly #sendAlone = (): void => {
    this.#justSent = false;
  };
  readonly #train: Train = new Train();
  readonly #manners: Manners = new Manners();
  /** The socket has a peer: a destination is not needed. */
  connected = false;

  /**
   * Sends nothing yet.
   *
   * @param socket The bound socket.
   * @param options What runs the sends, and how they are made.
   */
  constructor(socket: RioSocket, options: OutboxOptions) {
    super(socket, options);
    this.#options = options;
    this.#writer = options.writer;
  }

  /** Sends one datagram; bytes sent. */
  send(
    data: Uint8Array,
    addr: RioDestination | undefined,
    options: RioDatagramSendOptions,
  ): Promise<number> {
    try {
      const manner = this.#manners.of(options);
      if (this.#sendDirectly(data, addr, manner)) {
        // What else is sent before anybody awaits this one leaves together.
        this.#justSent = true;
        queueMicrotask(this.#sendAlone);
        return NativePromise.resolve(data.byteLength);
      }
      return this.#sendInSlot(data, addr, manner);
    } catch (error) {
      return NativePromise.reject(error);
    }
  }

  /**
   * Sends a datagram at once, if none is to be sent before it or together with
   * it, and there is room.
   */
  #sendDirectly(
    data: Uint8Array,
    addr: RioDestination | undefined,
    manner: Manner | null,
  ): boolean {
    const { direct } = this.#options;
    if (manner?.segmentSize !== undefined) return false;
    if (direct === null || this.#justSent || this.closed) return false;
    if (!this.isAlone || this.#train.slot !== null) return false;
    assertBytes("data", data);
    let to: IpAddress | null = null;
    if (addr !== undefined || !this.connected) {
      to = destination(addr);
      const host = this.#writer.known(to.hostname);
      if (host === undefined) return false;
      to.hostname = host;
    }
    return direct.send(data, to, manner);
  }

  async #sendInSlot(
    data: Uint8Array,
    addr: RioDestination | undefined,
    manner: Manner | null,
  ): Promise<number> {
    const send = new SingleSend();
    // Afterwards it may be transferred: what was sent stays sent.
    const length = data?.byteLength;
    const posted = this.#post(send, data, addr, manner, this.#options.joins);
    if (posted) await posted;
    // The commit comes a microtask later: calls that are made one after the
    // other, and not awaited one by one, leave together.
    await (this.#flush ??= SOON.then(this.#commitNow));
    const { first, index } = send;
    if (first.left > 0) await this.ended(first);
    first.assertSent(index);
    return length;
  }

  /** Sends many datagrams; datagrams sent. */
  async sendMany(datagrams: Iterable<RioDatagram>): Promise<number> {
    if (isOne(datagrams) && this.#sendOne(datagrams)) return 1;
    const { joins } = this.#options;
    const group = new SendGroup();
    let index = 0;
    try {
      for (const datagram of datagrams) {
        group.index = index++;
        const posted = this.#postOne(group, datagram, joins);
        if (posted) await posted;
        if (group.refused) break;
      }
    } finally {
      this.#depart();
      this.commit();
    }
    if (this.closed && group.refused) throw group.error;
    try {
      await this.settled(group);
    } catch (error) {
      throw ofDatagram(error, group);
    }
    return group.sent;
  }

  /** Sends the only datagram of a call directly, if that can be done. */
  #sendOne(datagrams: Iterable<RioDatagram>): boolean {
    for (const datagram of datagrams) {
      try {
        const manner = this.#manners.of(datagram);
        return this.#sendDirectly(datagram.data, datagram.addr, manner);
      } catch (error) {
        throw ofDatagram(error, { failedIndex: 0, sent: 0 });
      }
    }
    return false;
  }

  /** Posts one of many; one that cannot be posted ends the call. */
  #postOne(
    group: SendGroup,
    datagram: RioDatagram,
    joins: boolean,
  ): Promise<void> | void {
    const { index } = group;
    try {
      const { data, addr } = datagram;
      const manner = this.#manners.of(datagram);
      return this.#post(group, data, addr, manner, joins)
        ?.catch((error) => group.refuse(error, index));
    } catch (error) {
      group.refuse(error, index);
    }
  }

  override drain(): Promise<void> {
    this.#depart();
    return super.drain();
  }

  override idle(): Promise<void> {
    this.#depart();
    return super.idle();
  }

  override close(): void {
    try {
      // What was sent and not awaited leaves before the socket is closed.
      this.#depart();
      this.commit();
      // What has left by now was sent.
      if (!this.isAlone) this.poll();
    } catch {
      // What cannot leave ends with the socket.
    }
    super.close();
  }

  /**
   * Posts one send; a promise only where it has to wait for something.
   *
   * @param joins Whether it may leave with those before and after it: then the
   * caller sees to it that {@linkcode Outbox.#depart} follows.
   */
  #post(
    group: SendGroup,
    data: Uint8Array,
    addr: RioDestination | undefined,
    manner: Manner | null,
    joins: boolean,
  ): Promise<void> | void {
    if (this.closed) throw badResource();
    assertBytes("data", data);
    let to: IpAddress | null = null;
    if (addr !== undefined || !this.connected) {
      to = destination(addr);
      const host = this.#writer.known(to.hostname);
      if (host === undefined) {
        this.#depart();
        return this.#lookUp(group, data, to, manner);
      }
      to.hostname = host;
    }
    if (!joins) return this.place(group, data, to, manner);
    if (this.#train.add(group, data, to, manner)) return;
    this.#depart();
    const slot = this.take();
    if (!slot) return this.placeNext(group, data, to, manner);
    this.load(slot, group, data, to, manner);
    // What is cut apart already is not joined with others.
    if (manner?.segmentSize === undefined) this.#train.begin(slot);
    else this.dispatch(slot);
  }

  /** Posts what was joined; if it cannot be, its group is told. */
  #depart(): void {
    const slot = this.#train.end();
    if (slot === null) return;
    const group = slot.group!;
    try {
      this.dispatch(slot);
    } catch (error) {
      group.failed(error, slot.index);
    }
  }

  async #lookUp(
    group: SendGroup,
    data: Uint8Array,
    to: IpAddress,
    manner: Manner | null,
  ): Promise<void> {
    const length = lengthOf(data);
    const { index } = group;
    const found = await peerAddress(this.socket, to);
    if (this.closed) throw badResource();
    if (lengthOf(data) !== length) throw transferred("send");
    group.index = index;
    await this.place(group, data, found, manner);
  }

  protected override refused({ size, count, data }: SendSlot): Uint8Array[] {
    this.#train.refuse(size);
    // Copied: the slot is where each of them is put.
    const all = data.bytes.slice(0, count * size);
    return Array.from(
      { length: count },
      (_, i) => all.subarray(i * size, (i + 1) * size),
    );
  }
}

/** Whether there is no more than one, as an array or a batch can tell. */
function isOne(datagrams: Iterable<RioDatagram>): boolean {
  return (Array.isArray(datagrams) || datagrams instanceof RioDatagramBatch) &&
    datagrams.length === 1;
}

/** The error of a call that was given many, which says which of them it is. */
function ofDatagram(
  error: unknown,
  { failedIndex: index, sent }: Pick<SendGroup, "failedIndex" | "sent">,
): unknown {
  if (index === Infinity) return error;
  const more = `datagram ${index} of those given, ${sent} were sent`;
  return withMore(error, more, { index, sent });
}
