/**
 * Datagrams that the system joined: how long each of them is.
 *
 * Some drivers of Windows join datagrams and do not say so: the whole looks like
 * one that is longer than any network carries.
 *
 * @module
 */
import { readControl } from "../../control.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { AddressReader } from "./addresses.ts";

/** The longest datagram that Ethernet carries in one piece, in bytes. */
const ETHERNET = 1472;
/** The longest datagram that there can be: nothing is known of the program's. */
export const LONGEST = 65535;
const LOOPBACK = /^(127\.|::1$)/;

/** Whether this system was seen to join datagrams without a word. */
let silent = false;

/** What has arrived, beside its data. */
interface Arrived {
  readonly remote: { readonly bytes: Uint8Array };
  readonly control: { readonly bytes: Uint8Array };
}

/** What is joined on one socket. */
export class Joins {
  readonly #socket: Pick<RioSocket, "closed" | "setOption">;
  readonly #senders: AddressReader;
  /** What is longer, and alone as it seems, is in doubt. */
  readonly #longest: number;

  /**
   * Has the system join datagrams, unless it was seen not to say so.
   *
   * @param socket The socket.
   * @param senders Reads where a datagram comes from.
   * @param doubts The longest datagram that the program expects; `null` where
   * the system always says what it joined.
   */
  constructor(
    socket: Pick<RioSocket, "closed" | "setOption">,
    senders: AddressReader,
    doubts: { datagramSize: number } | null,
  ) {
    this.#socket = socket;
    this.#senders = senders;
    const { datagramSize } = doubts ?? { datagramSize: Infinity };
    this.#longest = datagramSize === LONGEST ? ETHERNET : datagramSize;
    if (doubts === null || !silent) socket.setOption("coalescedSize", LONGEST);
  }

  /** Bytes of each datagram in a slot; 0 if there is one alone. */
  sizeIn(slot: Arrived, length: number): number {
    const { segmentSize = 0 } = readControl(slot.control.bytes);
    if (segmentSize === 0 && length > this.#longest) this.#doubt(slot, length);
    return segmentSize;
  }

  #doubt({ remote }: Arrived, length: number): void {
    const { hostname } = this.#senders.read(remote.bytes);
    // No driver joins what stays on this machine.
    if (LOOPBACK.test(hostname) || this.#socket.closed) return;
    try {
      this.#socket.setOption("coalescedSize", 0);
    } catch {
      // It goes on as it is.
    }
    if (silent) return;
    silent = true;
    // deno-lint-ignore no-console -- a fault of the system, and nobody to throw at
    console.warn(
      `@winsock/rio: ${length} bytes arrived as one datagram although more than ${this.#longest} were not to be expected: ` +
        "the system may have joined datagrams without saying so, as some network drivers do. Option coalesce is off from now on.",
    );
  }
}
