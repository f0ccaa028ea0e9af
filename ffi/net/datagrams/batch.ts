/**
 * Datagrams that arrived together, in the memory they arrived in.
 *
 * @module
 */
import { readControl, type RioControlInfo } from "../../control.ts";
import type { ReceiveSlot } from "./slots.ts";

/** One datagram, to send or received. */
export interface RioDatagram {
  /** The payload. */
  readonly data: Uint8Array;
  /** Where it goes or comes from; not needed on a connected socket. */
  readonly addr?: Deno.Addr;
}

/** One datagram of a batch. */
export interface RioReceivedDatagram extends RioDatagram {
  /** The payload, in registered memory: valid until the batch is disposed. */
  readonly data: Uint8Array;
  /** Where it comes from. */
  readonly addr: Deno.NetAddr;
  /** What its control messages say; empty unless asked for with `info`. */
  readonly info: RioControlInfo;
}

/** What a batch needs from its socket; for this package only. */
export interface BatchOwner {
  /** Reads the sender of a slot. */
  sender(slot: ReceiveSlot): Deno.NetAddr;
  /** Posts the slots again. */
  recycle(slots: ReceiveSlot[]): void;
}

/**
 * Datagrams received together.
 *
 * Nothing is copied: `data` views the registered memory, which belongs to the
 * batch until it is disposed and to the kernel after that. Dispose batches
 * soon: their memory cannot receive anything in the meantime.
 */
export class RioDatagramBatch
  implements Disposable, Iterable<RioReceivedDatagram> {
  readonly #owner: BatchOwner;
  readonly #datagrams: RioReceivedDatagram[];
  #slots: ReceiveSlot[];

  /**
   * For this package only: use {@linkcode RioDatagramConn.receiveMany}.
   *
   * @param owner The socket.
   * @param slots The slots with the datagrams.
   */
  constructor(owner: BatchOwner, slots: ReceiveSlot[]) {
    this.#owner = owner;
    this.#slots = slots;
    this.#datagrams = [];
    for (const slot of slots) {
      const step = slot.segmentSize || slot.length || 1;
      for (let at = slot.at; at < slot.length || at === 0; at += step) {
        const end = Math.min(at + step, slot.length);
        this.#datagrams.push(new Received(owner, slot, at, end));
      }
    }
  }

  /** How many datagrams there are. */
  get length(): number {
    return this.#datagrams.length;
  }

  /** The datagrams, in the order of their arrival. */
  [Symbol.iterator](): IterableIterator<RioReceivedDatagram> {
    return this.#datagrams.values();
  }

  /** Gives the memory back to the socket; a second call does nothing. */
  [Symbol.dispose](): void {
    const slots = this.#slots;
    if (slots.length === 0) return;
    this.#slots = [];
    this.#datagrams.length = 0;
    this.#owner.recycle(slots);
  }
}

class Received implements RioReceivedDatagram {
  readonly #owner: BatchOwner;
  readonly #slot: ReceiveSlot;
  readonly data: Uint8Array;

  constructor(
    owner: BatchOwner,
    slot: ReceiveSlot,
    start: number,
    end: number,
  ) {
    this.#owner = owner;
    this.#slot = slot;
    this.data = slot.view(start, end);
  }

  get addr(): Deno.NetAddr {
    return this.#owner.sender(this.#slot);
  }

  get info(): RioControlInfo {
    return this.#slot.options.control
      ? readControl(this.#slot.control.bytes)
      : {};
  }
}
