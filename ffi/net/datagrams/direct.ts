/**
 * Datagrams without requests, one at a time: where little arrives, a request is
 * the greater part of the work.
 *
 * @module
 */
import { ADDRESS_SIZE, type IpAddress } from "../../address.ts";
import type { RioDirectSocket } from "../../contract.ts";
import { WSAEMSGSIZE, WSAEWOULDBLOCK } from "../../error_numbers.ts";
import { lengthOf, partOf } from "../../plain_bytes.ts";
import type { Direct } from "../../session/direct.ts";
import type { Permissions } from "../../session/permissions.ts";
import { callError } from "../errors.ts";
import { AddressReader, type AddressWriter } from "./addresses.ts";
import { PER_DATAGRAM } from "./slots.ts";

/** What a call to receive resolves with. */
export type Received = [Uint8Array<ArrayBuffer>, Deno.NetAddr];

/** What arrives before anybody has a place for it; used during one call. */
const arrived = new Uint8Array(65536);

/** Moves datagrams between a socket and the caller's memory. */
export class DirectDatagrams {
  readonly #io: RioDirectSocket;
  readonly #permissions: Permissions;
  readonly #datagramSize: number;
  readonly #senders: AddressReader = new AddressReader();
  readonly #writer: AddressWriter;
  readonly #address: Uint8Array = new Uint8Array(ADDRESS_SIZE);

  /**
   * Takes over the data of a socket, beside what its requests move.
   *
   * @param options The longest datagram, and what writes destinations.
   */
  constructor(
    { io, permissions }: Direct,
    options: { datagramSize: number; writer: AddressWriter },
  ) {
    this.#io = io;
    this.#permissions = permissions;
    this.#datagramSize = options.datagramSize;
    this.#writer = options.writer;
  }

  /**
   * Receives a datagram into an array, or a new one; `null` where none is there.
   *
   * @throws {TypeError} If the array was transferred; no datagram is lost.
   * @throws {Error} If the socket fails.
   */
  receive(p: Uint8Array<ArrayBuffer> | undefined): Received | null {
    const into = this.#place(p);
    for (;;) {
      const length = this.#io.receiveFrom(into, this.#address);
      if (length >= 0) {
        const count = Math.min(length, lengthOf(into));
        // Copied: this address is the caller's to change, as Deno's is.
        const sender = { ...this.#senders.read(this.#address) };
        return [p ? p.subarray(0, count) : arrived.slice(0, count), sender];
      }
      if (length === -WSAEWOULDBLOCK) return null;
      if (PER_DATAGRAM.has(-length)) continue;
      throw callError(-length, "recvfrom", "receive a datagram");
    }
  }

  #place(p: Uint8Array | undefined): Uint8Array {
    if (p === undefined) return arrived.subarray(0, this.#datagramSize);
    const length = lengthOf(p);
    if (length > this.#datagramSize) return partOf(p, 0, this.#datagramSize);
    return p;
  }

  /**
   * Sends a datagram.
   *
   * @param to An IP literal and a port; `null` for the socket's peer.
   * @returns Whether there was room.
   * @throws {Deno.errors.NotCapable} If the destination is not permitted.
   * @throws {Error} If the system does not take it.
   */
  send(data: Uint8Array, to: IpAddress | null): boolean {
    const length = lengthOf(data);
    if (length > this.#datagramSize) {
      throw callError(
        WSAEMSGSIZE,
        "sendto",
        `send ${length} bytes where ${this.#datagramSize} are the most`,
      );
    }
    let sent: number;
    if (to === null) {
      sent = this.#io.send(data);
    } else {
      const { everything } = this.#permissions;
      if (!everything) this.#permissions.require(to.hostname, to.port);
      this.#writer.write(this.#address, to);
      sent = this.#io.sendTo(data, this.#address);
    }
    if (sent >= 0) return true;
    if (sent === -WSAEWOULDBLOCK) return false;
    throw callError(-sent, "sendto", `send ${length} bytes`);
  }
}
