/**
 * Datagrams without requests, one at a time: where little arrives, a request is
 * the greater part of the work.
 *
 * @module
 */
import { ADDRESS_SIZE, type IpAddress, isIpv4 } from "../../address.ts";
import type { RioDirectSocket } from "../../contract.ts";
import { WSAEMSGSIZE, WSAEWOULDBLOCK } from "../../error_numbers.ts";
import {
  CONTROL_SIZE,
  followDestination,
  writeControl,
} from "../../control.ts";
import { lengthOf, partOf } from "../../plain_bytes.ts";
import type { Direct } from "../../session/direct.ts";
import type { Permissions } from "../../session/permissions.ts";
import { callError } from "../errors.ts";
import type { AddressReader, AddressWriter } from "./addresses.ts";
import type { Locals } from "./local.ts";
import { assertReaches, type Manner } from "./manner.ts";
import { isReport, reported } from "./reports.ts";

/** What a call to receive resolves with. */
export type Received = [Uint8Array<ArrayBuffer>, Deno.NetAddr];

/** What arrives before anybody has a place for it; used during one call. */
const arrived = new Uint8Array(65536);
/** As much of it as the longest datagrams of the last socket take. */
let place = arrived;

function placeFor(datagramSize: number): Uint8Array<ArrayBuffer> {
  if (place.length !== datagramSize) place = arrived.subarray(0, datagramSize);
  return place;
}

/** How datagrams are moved. */
export interface DirectOptions {
  /** The longest datagram, in bytes. */
  readonly datagramSize: number;
  /** Reads where they come from. */
  readonly senders: AddressReader;
  /** Reads where they arrive; `null` where that is not told. */
  readonly locals: Locals | null;
  /** Writes destinations. */
  readonly writer: AddressWriter;
  /** Whether the peer of a connected socket is reached by IPv4. */
  hasIpv4Peer(): boolean;
  /** Whether a receive tells of earlier datagrams that did not arrive. */
  readonly reports: boolean;
}

/** Moves datagrams between a socket and the caller's memory. */
export class DirectDatagrams {
  readonly #io: RioDirectSocket;
  readonly #permissions: Permissions;
  readonly #options: Readonly<DirectOptions>;
  readonly #address: Uint8Array = new Uint8Array(ADDRESS_SIZE);
  /** Where datagrams arrive that are copied. */
  readonly #place: Uint8Array<ArrayBuffer>;
  readonly #control: Uint8Array = new Uint8Array(CONTROL_SIZE);
  /** How what is in `#control` is sent, and its length. */
  #manner: Manner | null = null;
  #controlLength = 0;

  /** Whether the datagram that was received last is only the head of one. */
  truncated = false;
  /** Where it arrived, if that was asked for and is known. */
  local: string | undefined = undefined;

  /** Takes over the data of a socket, beside what its requests move. */
  constructor({ io, permissions }: Direct, options: DirectOptions) {
    this.#io = io;
    this.#permissions = permissions;
    this.#options = options;
    this.#place = placeFor(options.datagramSize);
  }

  /**
   * Receives a datagram into an array, or a new one; `null` where none is there.
   * The sender is frozen, the same object for all that come from there.
   *
   * @param tells Whether to find out where it arrived.
   * @throws {TypeError} If the array was transferred; no datagram is lost.
   * @throws {Error} If the socket fails.
   */
  receive(
    p: Uint8Array<ArrayBuffer> | undefined,
    tells: boolean = false,
  ): Received | null {
    const into = p === undefined ? this.#place : this.#partOf(p);
    const room = p === undefined ? into.length : lengthOf(into);
    const locals = tells ? this.#options.locals : null;
    const call = locals === null ? "recvfrom" : "recvmsg";
    for (;;) {
      const length = locals === null
        ? this.#io.receiveFrom(into, this.#address)
        : this.#io.receiveFrom(into, this.#address, locals.bytes);
      if (length >= 0) {
        if (locals !== null) this.local = locals.read(locals.bytes);
        const count = Math.min(length, room);
        this.truncated = count < length;
        const sender = this.#options.senders.read(this.#address);
        return [p ? p.subarray(0, count) : arrived.slice(0, count), sender];
      }
      if (length === -WSAEWOULDBLOCK) return null;
      if (isReport(-length)) {
        if (!this.#options.reports) continue;
        throw reported(-length, call);
      }
      throw callError(-length, call, "receive a datagram");
    }
  }

  #partOf(p: Uint8Array): Uint8Array {
    const { datagramSize } = this.#options;
    return lengthOf(p) > datagramSize ? partOf(p, 0, datagramSize) : p;
  }

  /**
   * Sends a datagram.
   *
   * @param to An IP literal and a port; `null` for the socket's peer.
   * @param manner How it is sent; `null` for as others are.
   * @returns Whether there was room.
   * @throws {TypeError} If it cannot leave from where it was asked to.
   * @throws {Deno.errors.NotCapable} If the destination is not permitted.
   * @throws {Error} If the system does not take it.
   */
  send(
    data: Uint8Array,
    to: IpAddress | null,
    manner: Manner | null,
  ): boolean {
    const length = lengthOf(data);
    const { datagramSize, writer } = this.#options;
    const call = manner === null ? "sendto" : "sendmsg";
    if (length > datagramSize) {
      throw callError(
        WSAEMSGSIZE,
        call,
        `send ${length} bytes where ${datagramSize} are the most`,
      );
    }
    if (to !== null) {
      const { everything } = this.#permissions;
      if (!everything) this.#permissions.require(to.hostname, to.port);
      writer.write(this.#address, to);
    }
    const sent = manner !== null
      ? this.#sendMessage(data, to !== null, manner)
      : to === null
      ? this.#io.send(data)
      : this.#io.sendTo(data, this.#address);
    if (sent >= 0) return true;
    if (sent === -WSAEWOULDBLOCK) return false;
    throw callError(-sent, call, `send ${length} bytes`);
  }

  #sendMessage(data: Uint8Array, addressed: boolean, manner: Manner): number {
    const address = addressed ? this.#address : null;
    const ipv4 = address === null
      ? this.#options.hasIpv4Peer()
      : isIpv4(address);
    assertReaches(manner, ipv4);
    if (this.#manner !== manner) {
      this.#manner = null;
      this.#controlLength = writeControl(this.#control, 4, manner);
      this.#manner = manner;
    }
    followDestination(this.#control, ipv4);
    const control = this.#control.subarray(0, this.#controlLength);
    return this.#io.sendMessage(data, address, control);
  }
}
