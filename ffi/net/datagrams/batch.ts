/**
 * Datagrams that arrived together, in the memory they arrived in.
 *
 * @module
 */
import { logAsJson } from "../../shown.ts";
import type { RioControlInfo, RioSendControl } from "../../control.ts";
import { assertInternal, type INTERNAL } from "../../internal.ts";
import type { RioDestination } from "./addresses.ts";
import type { Details } from "./details.ts";
import type { ReceiveSlot } from "./slots.ts";

/** One datagram, to send or received. */
export interface RioDatagram extends RioSendControl {
  /** The payload. */
  readonly data: Uint8Array;
  /** Where it goes or comes from; not needed on a connected socket. */
  readonly addr?: RioDestination;
}

/** Refuses every use of what it stands for. */
const refuse = (): never => {
  throw new TypeError(
    "The batch was disposed, and its memory receives other datagrams: copy data that is to be kept",
  );
};

/** In place of data that may be another datagram's by now. */
const GONE: Uint8Array<ArrayBuffer> = new Proxy(new Uint8Array(), {
  defineProperty: refuse,
  deleteProperty: refuse,
  get: refuse,
  getOwnPropertyDescriptor: refuse,
  getPrototypeOf: refuse,
  has: refuse,
  ownKeys: refuse,
  set: refuse,
});

/** One datagram of a batch. */
export interface RioReceivedDatagram extends RioDatagram {
  /**
   * The payload, mostly in registered memory: valid until the batch is disposed.
   * After that it throws when it is used.
   */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Where it comes from; frozen. */
  readonly addr: Deno.NetAddr;
  /** What its control messages say; frozen, empty unless asked for with `info`. */
  readonly info: RioControlInfo;
  /** Whether `data` is only its head: it was longer than `datagramSize`. */
  readonly truncated: boolean;
  /**
   * The address of this host that it arrived at, where the socket is bound to
   * all of them: sent back as it is, the answer leaves from there. Unknown for a
   * multicast group.
   */
  readonly local: string | undefined;
}

/** Where the slots of a batch come from, and go back to. */
export interface BatchSource {
  /** Reads what is told of datagrams. */
  readonly details: Details;
  /** Has a slot receive again. */
  recycle(slot: ReceiveSlot): void;
}

/**
 * Datagrams received together.
 *
 * Nothing is copied: `data` views the registered memory, which belongs to the
 * batch until it is disposed and to the kernel after that. Dispose batches
 * soon: their memory cannot receive anything in the meantime.
 *
 * @example Answer all that has arrived, and keep a copy of one
 * ```ts
 * import { listenDatagram } from "@winsock/rio";
 *
 * using server = listenDatagram({ hostname: "127.0.0.1" });
 * using client = listenDatagram({ hostname: "127.0.0.1" });
 * const questions = ["a", "b", "c"].map((text) => ({
 *   data: new TextEncoder().encode(text),
 *   addr: server.addr,
 * }));
 * await client.sendMany(questions);
 *
 * let kept: Uint8Array | undefined;
 * for (let received = 0; received < questions.length;) {
 *   using batch = await server.receiveMany();
 *   received += batch.length;
 *   // The memory receives other datagrams once the batch was disposed.
 *   for (const { data } of batch) kept = data.slice();
 *   await server.sendMany(batch);
 * }
 * console.log(kept); // Uint8Array [99]
 * ```
 */
export class RioDatagramBatch
  implements Disposable, Iterable<RioReceivedDatagram> {
  readonly #source: BatchSource;
  readonly #datagrams: (RioReceivedDatagram & { data: Uint8Array })[];
  #slots: ReceiveSlot[];

  static {
    logAsJson(this);
  }

  /**
   * For this package only: use {@linkcode RioDatagramConn.receiveMany}.
   *
   * @ignore
   * @param key Proves that this package calls.
   * @param source Where the slots come from.
   * @param arrived The datagrams in slots, or those that need none.
   */
  constructor(
    key: typeof INTERNAL,
    source: BatchSource,
    arrived: { slots: ReceiveSlot[]; datagrams: RioReceivedDatagram[] },
  ) {
    assertInternal(key, "RioDatagramConn.receiveMany()");
    const { slots, datagrams } = arrived;
    this.#source = source;
    this.#slots = slots;
    this.#datagrams = datagrams;
    if (slots.length > 0) this.#takeAll(slots, source.details);
  }

  #takeAll(slots: readonly ReceiveSlot[], details: Details): void {
    for (const slot of slots) {
      const addr = details.sender(slot);
      const info = details.info(slot);
      const local = details.local(slot);
      do {
        const data = slot.take();
        const { truncated } = slot;
        this.#datagrams.push({ data, addr, info, truncated, local });
      } while (slot.more);
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

  /** What a batch shows when it is logged or serialised. */
  toJSON(): Record<string, unknown> {
    const { length } = this;
    return { length };
  }

  /** Gives the memory back to the socket; a second call does nothing. */
  [Symbol.dispose](): void {
    const slots = this.#slots;
    const datagrams = this.#datagrams.splice(0);
    if (slots.length === 0) return;
    this.#slots = [];
    // What somebody has kept does not show what arrives next.
    for (const datagram of datagrams) datagram.data = GONE;
    for (const slot of slots) this.#source.recycle(slot);
  }
}
