/**
 * What is told of a datagram besides its data: where it comes from, where it
 * arrived, and what its control messages say.
 *
 * @module
 */
import { readControl, type RioControlInfo } from "../../control.ts";
import type { AddressReader } from "./addresses.ts";
import type { Locals } from "./local.ts";
import type { ReceiveSlot } from "./slots.ts";

/** The `info` of a datagram whose socket was opened without `info`. */
export const NO_INFO: RioControlInfo = Object.freeze({});

/** How details are read. */
export interface DetailsOptions {
  /** Reads where datagrams come from. */
  readonly senders: AddressReader;
  /** Reads where they arrive; `null` where that is not told. */
  readonly locals: Locals | null;
  /** Whether the control messages are told. */
  readonly info: boolean;
}

/** Reads what slots hold besides the data. */
export class Details {
  readonly #options: Readonly<DetailsOptions>;

  /** Makes a reader for one socket. */
  constructor(options: DetailsOptions) {
    this.#options = options;
  }

  /** The sender of what is in a slot; frozen. */
  sender(slot: ReceiveSlot): Deno.NetAddr {
    return this.#options.senders.read(slot.remote.bytes);
  }

  /** The address that it arrived at, if it is known. */
  local(slot: ReceiveSlot): string | undefined {
    const { locals } = this.#options;
    return locals === null ? undefined : locals.of(slot);
  }

  /** What its control messages say; frozen. */
  info(slot: ReceiveSlot): RioControlInfo {
    if (!this.#options.info) return NO_INFO;
    return Object.freeze(readControl(slot.control.bytes));
  }
}
