/**
 * Sending datagrams: from a caller's arguments to slots of the outbox.
 *
 * @module
 */
import { assertPort } from "../../address.ts";
import { writeControl } from "../../control.ts";
import type { RioDatagram } from "./batch.ts";
import type { SendGroup, SendSlot } from "./slots.ts";
import { badResource, denoErrors, toDenoError } from "../errors.ts";
import { AddressWriter } from "../hosts.ts";
import type { Outbox } from "./outbox.ts";
import { permittedHost } from "../permitted.ts";

/** Options of {@linkcode RioDatagramConn.send}. */
export interface RioDatagramSendOptions {
  /**
   * Cut the data into datagrams of so many bytes, the last may be shorter: the
   * system does it, and sends them at the price of one.
   */
  segmentSize?: number;
}

/** Where a datagram goes. */
interface Destination {
  hostname: string;
  port: number;
}

/** Sends datagrams through an outbox, in the order of the calls. */
export class Sender {
  readonly #outbox: Outbox;
  readonly #family: 4 | 6;
  readonly #writer: AddressWriter;
  #closed = false;
  /** The socket has a peer: a destination is not needed. */
  connected = false;

  /**
   * Sends nothing yet.
   *
   * @param outbox The slots.
   * @param family The family of the socket.
   */
  constructor(outbox: Outbox, family: 4 | 6) {
    this.#outbox = outbox;
    this.#family = family;
    this.#writer = new AddressWriter(family === 6);
  }

  /** Sends one datagram; bytes sent. */
  async send(
    p: Uint8Array,
    addr: Deno.Addr | undefined,
    options: RioDatagramSendOptions,
  ): Promise<number> {
    const group = newGroup();
    const posted = this.#post(group, p, addr, options);
    if (posted) await posted;
    try {
      await this.#outbox.flush();
    } catch (error) {
      throw toDenoError(error);
    }
    if (group.left > 0 || group.error) await this.#settled(group);
    return p.byteLength;
  }

  /** Sends many datagrams; datagrams sent. */
  async sendMany(datagrams: Iterable<RioDatagram>): Promise<number> {
    const group = newGroup();
    try {
      for (const { data, addr } of datagrams) {
        const posted = this.#post(group, data, addr, {});
        if (posted) await posted;
      }
    } finally {
      denoErrors(() => this.#outbox.commit());
    }
    await this.#settled(group);
    return group.sent;
  }

  /** Waits until all that was sent has left. */
  drain(): Promise<void> {
    return this.#outbox.takeAll();
  }

  /** Ends every wait; the socket is closed next. */
  close(): void {
    this.#closed = true;
    try {
      // What was sent and not awaited leaves before the socket is closed.
      this.#outbox.commit();
    } catch {
      // What cannot leave ends with the socket.
    }
    this.#outbox.close();
  }

  /** Ends the registration, when the socket was closed. */
  release(): void {
    this.#outbox.release();
  }

  /** Posts one send; a promise only where it has to wait for something. */
  #post(
    group: SendGroup,
    p: Uint8Array,
    addr: Deno.Addr | undefined,
    options: RioDatagramSendOptions,
  ): Promise<void> | void {
    this.#assertOpen();
    assertBytes(p);
    if (addr === undefined && this.connected) {
      return this.#place(group, p, undefined, options);
    }
    const to = destination(addr);
    const host = this.#writer.known(to.hostname);
    if (host === undefined) return this.#lookUp(group, p, to, options);
    to.hostname = host;
    return this.#place(group, p, to, options);
  }

  async #lookUp(
    group: SendGroup,
    p: Uint8Array,
    { hostname, port }: Destination,
    options: RioDatagramSendOptions,
  ): Promise<void> {
    const host = await permittedHost(this.#outbox.socket, { hostname, port });
    this.#assertOpen();
    await this.#place(group, p, { hostname: host, port }, options);
  }

  /** Posts with a slot that is free, or in its turn with one that gets free. */
  #place(
    group: SendGroup,
    p: Uint8Array,
    to: Destination | undefined,
    options: RioDatagramSendOptions,
  ): Promise<void> | void {
    const slot = denoErrors(() => this.#outbox.take());
    if (slot) return this.#fill(group, slot, p, to, options);
    return this.#outbox.wait((slot) => this.#fill(group, slot, p, to, options));
  }

  #fill(
    group: SendGroup,
    slot: SendSlot,
    p: Uint8Array,
    to: Destination | undefined,
    options: RioDatagramSendOptions,
  ): void {
    try {
      slot.data.bytes.set(p.subarray(0, slot.data.length));
      if (to) this.#writer.write(slot.remote.bytes, to.hostname, to.port);
      const { segmentSize } = options;
      this.#outbox.post(slot, group, {
        length: p.byteLength,
        connected: to === undefined,
        controlLength: segmentSize === undefined
          ? 0
          : writeControl(slot.control.bytes, this.#family, { segmentSize }),
      });
    } catch (error) {
      this.#outbox.give(slot);
      throw toDenoError(error);
    }
  }

  /** Waits for the outcome of a group. */
  async #settled(group: SendGroup): Promise<void> {
    if (group.left > 0) await this.#outbox.finish(group);
    if (group.error) throw group.error;
  }

  #assertOpen(): void {
    if (this.#closed) throw badResource();
  }
}

function newGroup(): SendGroup {
  return { left: 0, sent: 0, error: null, done: null };
}

/** Refuses what is not an array of bytes. */
export function assertBytes(p: unknown): asserts p is Uint8Array {
  // A proxy only looks like one.
  if (p instanceof Uint8Array && ArrayBuffer.isView(p)) return;
  throw new TypeError(`Invalid data ${String(p)}: give a Uint8Array`);
}

/** The destination of a send, with Deno's default host. */
export function destination(addr: unknown): Destination {
  const { hostname, port } = (addr ?? {}) as {
    hostname?: string | null;
    port?: number;
  };
  assertPort(port);
  return { hostname: hostname ?? "127.0.0.1", port };
}
