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
import type { AddressReader, AddressWriter } from "./addresses.ts";
import { isReport, reported } from "./reports.ts";

/** What a call to receive resolves with. */
export type Received = [Uint8Array<ArrayBuffer>, Deno.NetAddr];

/** What arrives before anybody has a place for it; used during one call. */
const arrived = new Uint8Array(65536);

/** How datagrams are moved. */
export interface DirectOptions {
  /** The longest datagram, in bytes. */
  readonly datagramSize: number;
  /** Reads where they come from. */
  readonly senders: AddressReader;
  /** Writes destinations. */
  readonly writer: AddressWriter;
  /** Whether a receive tells of earlier datagrams that did not arrive. */
  readonly reports: boolean;
}

/** Moves datagrams between a socket and the caller's memory. */
export class DirectDatagrams {
  readonly #io: RioDirectSocket;
  readonly #permissions: Permissions;
  readonly #options: Readonly<DirectOptions>;
  readonly #address: Uint8Array = new Uint8Array(ADDRESS_SIZE);

  /** Whether the datagram that was received last is only the head of one. */
  truncated = false;

  /** Takes over the data of a socket, beside what its requests move. */
  constructor({ io, permissions }: Direct, options: DirectOptions) {
    this.#io = io;
    this.#permissions = permissions;
    this.#options = options;
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
        this.truncated = count < length;
        // Copied: this address is the caller's to change, as Deno's is.
        const sender = { ...this.#options.senders.read(this.#address) };
        return [p ? p.subarray(0, count) : arrived.slice(0, count), sender];
      }
      if (length === -WSAEWOULDBLOCK) return null;
      if (isReport(-length)) {
        if (!this.#options.reports) continue;
        throw reported(-length, "recvfrom");
      }
      throw callError(-length, "recvfrom", "receive a datagram");
    }
  }

  #place(p: Uint8Array | undefined): Uint8Array {
    const { datagramSize } = this.#options;
    if (p === undefined) return arrived.subarray(0, datagramSize);
    return lengthOf(p) > datagramSize ? partOf(p, 0, datagramSize) : p;
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
    const { datagramSize, writer } = this.#options;
    if (length > datagramSize) {
      throw callError(
        WSAEMSGSIZE,
        "sendto",
        `send ${length} bytes where ${datagramSize} are the most`,
      );
    }
    let sent: number;
    if (to === null) {
      sent = this.#io.send(data);
    } else {
      const { everything } = this.#permissions;
      if (!everything) this.#permissions.require(to.hostname, to.port);
      writer.write(this.#address, to);
      sent = this.#io.sendTo(data, this.#address);
    }
    if (sent >= 0) return true;
    if (sent === -WSAEWOULDBLOCK) return false;
    throw callError(-sent, "sendto", `send ${length} bytes`);
  }
}
