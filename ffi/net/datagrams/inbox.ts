/**
 * The receiving half of a datagram socket: receives that stay posted, and the
 * datagrams that wait for whoever asks.
 *
 * @module
 */
import { readControl } from "../../control.ts";
import type { RioError } from "../../errors.ts";
import type { RioBuffer } from "../../session/buffer.ts";
import type { RioCompletion } from "../../session/requests.ts";
import type { RioSession } from "../../session/session.ts";
import type { RioSocket } from "../../session/socket.ts";
import { ReceiveSlot, slotSize } from "./slots.ts";
import { Driver } from "../driver.ts";
import { interrupted, toDenoError } from "../errors.ts";

/** Errors of one datagram or one peer, which say nothing about the socket. */
const PER_DATAGRAM: ReadonlySet<number> = new Set([
  1231, // ERROR_NETWORK_UNREACHABLE
  1232, // ERROR_HOST_UNREACHABLE
  1233, // ERROR_PROTOCOL_UNREACHABLE
  1234, // ERROR_PORT_UNREACHABLE
  10051, // WSAENETUNREACH
  10052, // WSAENETRESET
  10054, // WSAECONNRESET
  10061, // WSAECONNREFUSED
  10065, // WSAEHOSTUNREACH
]);
/** A datagram longer than its slot: its head has arrived. */
const TOO_LONG: ReadonlySet<number> = new Set([
  10040, // WSAEMSGSIZE
  234, // ERROR_MORE_DATA
]);

interface Waiter {
  resolve(slot: ReceiveSlot): void;
  reject(error: unknown): void;
}

/** Keeps receives posted on a socket and hands out what arrives, in order. */
export class Inbox {
  readonly #socket: RioSocket;
  readonly #driver: Driver;
  readonly #buffer: RioBuffer;
  readonly #arrived: ReceiveSlot[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #coalesced: boolean;
  /** Receives that were posted and not yet committed. */
  #deferred = 0;
  /** Defer so many before committing. */
  readonly #commitAfter: number;
  #referenced = true;
  #closed = false;

  constructor(
    session: RioSession,
    socket: RioSocket,
    options: {
      slots: number;
      datagramSize: number;
      control: boolean;
      coalesced: boolean;
    },
  ) {
    const { slots, datagramSize, control } = options;
    this.#socket = socket;
    this.#driver = new Driver(
      socket.completions,
      (reason) => this.#rejectAll(reason),
    );
    this.#coalesced = options.coalesced;
    this.#commitAfter = Math.max(1, slots >> 2);
    this.#buffer = session.registerBuffer(slots * slotSize(datagramSize));
    const arrived = (slot: ReceiveSlot, completion: RioCompletion) =>
      this.#arrive(slot, completion);
    try {
      for (let i = 0; i < slots; i++) {
        this.#post(
          new ReceiveSlot(this.#buffer, i, { datagramSize, control, arrived }),
        );
      }
      this.#commit();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** A slot with a datagram, if one has arrived. */
  next(): ReceiveSlot | undefined {
    if (this.#arrived.length === 0) {
      this.#commit();
      this.#driver.poll();
    }
    return this.#arrived.shift();
  }

  /** A slot with a datagram that has arrived already; does not look for more. */
  nextArrived(): ReceiveSlot | undefined {
    return this.#arrived.shift();
  }

  /** Whether the event loop should have its turn before the next datagram. */
  turnIsDue(): boolean {
    return this.#driver.turnIsDue();
  }

  /**
   * Waits for a slot with a datagram; callers are served in their order.
   *
   * @param signal Ends the wait; a datagram that arrives later goes to the next.
   */
  wait(signal?: AbortSignal): Promise<ReceiveSlot> {
    const { promise, resolve, reject } = Promise.withResolvers<ReceiveSlot>();
    const referenced = () => this.#referenced;
    const waiter: Waiter = {
      resolve: (slot) => {
        end();
        resolve(slot);
      },
      reject: (error) => {
        end();
        reject(error);
      },
    };
    const abort = () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.reject(signal!.reason);
    };
    const end = () => {
      this.#driver.leave(referenced());
      signal?.removeEventListener("abort", abort);
    };
    this.#waiters.push(waiter);
    signal?.addEventListener("abort", abort, { once: true });
    this.#driver.enter(referenced());
    return promise;
  }

  /** Posts a slot again, whose datagram was taken. */
  recycle(slot: ReceiveSlot): void {
    // Closed with its session, it takes nothing back either.
    if (this.#closed || this.#socket.closed) return;
    slot.at = 0;
    this.#post(slot);
    if (this.#deferred >= this.#commitAfter) this.#commit();
  }

  /** Puts a slot back in front: there is more in it. */
  putBack(slot: ReceiveSlot): void {
    this.#arrived.unshift(slot);
  }

  /** Changes whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    for (const _ of this.#waiters) this.#driver.reference(referenced);
  }

  /** Ends every wait; the socket is closed by its owner. */
  close(): void {
    this.#closed = true;
    this.#rejectAll(interrupted());
    this.#arrived.length = 0;
  }

  /** Ends the registration, once every receive has ended. */
  release(): void {
    this.#buffer[Symbol.dispose]();
  }

  #rejectAll(reason: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(reason);
  }

  #post(slot: ReceiveSlot): void {
    this.#socket.receive(slot.data, slot.options);
    this.#deferred++;
  }

  #commit(): void {
    if (this.#deferred === 0) return;
    this.#socket.commit("receive");
    // Had it failed, the next commit would start them.
    this.#deferred = 0;
  }

  #arrive(slot: ReceiveSlot, completion: RioCompletion): void {
    const { status } = completion;
    if (status !== 0 && !TOO_LONG.has(status)) {
      this.#failed(slot, status, completion);
      return;
    }
    slot.length = completion.bytesTransferred;
    slot.segmentSize = this.#coalesced
      ? readControl(slot.control.bytes).segmentSize ?? 0
      : 0;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve(slot);
    else this.#arrived.push(slot);
  }

  /** One bad datagram does not end the loop; a broken socket is told. */
  #failed(slot: ReceiveSlot, status: number, completion: RioCompletion): void {
    const error: RioError | null = completion.error;
    try {
      this.#post(slot);
      this.#commit();
    } catch (cause) {
      this.#rejectAll(toDenoError(cause));
      return;
    }
    if (PER_DATAGRAM.has(status)) return;
    this.#waiters.shift()?.reject(toDenoError(error));
  }
}
