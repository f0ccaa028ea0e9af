/**
 * The addresses that datagrams arrived at: an answer leaves from there, which a
 * socket that is bound to every address of the host would not do by itself.
 *
 * @module
 */
import { ADDRESS_SIZE, readAddress } from "../../address.ts";
import { writeDestination } from "../../control.ts";
import { SOCKADDR_INET } from "../../layout.ts";
import { WILDCARDS } from "../../session/open_socket.ts";
import { isOwnAddress } from "../../session/own_address.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { ReceiveSlot } from "./slots.ts";

/** No address, a group or a broadcast to all: nothing can be sent from it. */
const NOBODYS =
  /^(0\.0\.0\.0|255\.255\.255\.255|::|2(2[4-9]|3\d)\..*|ff.*:.*)$/;
/** So many addresses are kept in mind. */
const KNOWN = 256;

/** Reads the addresses; the same again costs a comparison. */
export class Locals {
  /** Takes the 28 bytes of an address that is read without a slot. */
  readonly bytes: Uint8Array = new Uint8Array(ADDRESS_SIZE);
  readonly #last: Uint8Array = new Uint8Array(ADDRESS_SIZE);
  readonly #socket: RioSocket;
  readonly #tells: boolean;
  #hostname: string | undefined = undefined;
  /** Addresses that answers can leave from, or cannot. */
  readonly #own: Map<string, boolean> = new Map();

  /**
   * Makes a reader.
   *
   * @param socket The socket.
   * @param tells Whether a receive fills `local` on such a socket, with an
   * address of the host; otherwise its control messages say where a datagram was
   * sent to, which may have been a broadcast.
   */
  constructor(socket: RioSocket, tells: boolean) {
    this.#socket = socket;
    this.#tells = tells;
  }

  /** Where what is in a slot arrived; nothing where that is not known. */
  of({ local, control }: ReceiveSlot): string | undefined {
    if (!this.#tells) writeDestination(local.bytes, control.bytes);
    return this.read(local.bytes);
  }

  /** The same of 28 bytes. */
  read(bytes: Uint8Array): string | undefined {
    const last = this.#last;
    let same = true;
    for (let i = 0; same && i < ADDRESS_SIZE; i++) same = bytes[i] === last[i];
    if (same) return this.#hostname;
    last.set(bytes.subarray(0, ADDRESS_SIZE));
    const hostname = readHost(last);
    const usable = hostname !== undefined &&
      (this.#tells || this.#isOwn(hostname));
    return this.#hostname = usable ? hostname : undefined;
  }

  #isOwn(hostname: string): boolean {
    const known = this.#own.get(hostname);
    if (known !== undefined) return known;
    const own = isOwnAddress(this.#socket, hostname);
    if (this.#own.size >= KNOWN) this.#own.clear();
    this.#own.set(hostname, own);
    return own;
  }
}

function readHost(bytes: Uint8Array): string | undefined {
  if (bytes[SOCKADDR_INET.family] === 0) return undefined;
  const { hostname } = readAddress(bytes, "udp");
  return NOBODYS.test(hostname) ? undefined : hostname;
}

/**
 * Reads where datagrams arrive on a socket that was opened with
 * `TOLD_WHERE`.
 *
 * @param tells As for {@linkcode Locals}.
 * @returns Reads the addresses; `null` where there is one alone.
 */
export function openLocals(socket: RioSocket, tells: boolean): Locals | null {
  return WILDCARDS.has(socket.address.hostname)
    ? new Locals(socket, tells)
    : null;
}
