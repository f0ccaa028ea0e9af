/**
 * The receiving half of a datagram socket: receives that stay posted, and the
 * datagrams that wait for whoever asks.
 *
 * @module
 */
import { readControl, type RioControlInfo } from "../../control.ts";
import * as winsock from "../../error_numbers.ts";
import type { RioBuffer } from "../../session/buffer.ts";
import type { RioCompletion } from "../../session/completion.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Driver } from "../driver.ts";
import { denoErrors, toDenoError } from "../errors.ts";
import { Half } from "../half.ts";
import { AddressReader } from "./addresses.ts";
import { ReceiveSlot } from "./slots.ts";

/** Errors of one datagram or one peer, which say nothing about the socket. */
const PER_DATAGRAM: ReadonlySet<number> = new Set([
  winsock.ERROR_NETWORK_UNREACHABLE,
  winsock.ERROR_HOST_UNREACHABLE,
  winsock.ERROR_PROTOCOL_UNREACHABLE,
  winsock.ERROR_PORT_UNREACHABLE,
  winsock.WSAENETUNREACH,
  winsock.WSAENETRESET,
  winsock.WSAECONNRESET,
  winsock.WSAECONNREFUSED,
  winsock.WSAEHOSTUNREACH,
]);
/** A datagram longer than its slot: its head has arrived. */
const TOO_LONG: ReadonlySet<number> = new Set([
  winsock.WSAEMSGSIZE,
  winsock.ERROR_MORE_DATA,
]);
/** The `info` of a datagram whose socket was opened without `info`. */
const NO_INFO: RioControlInfo = Object.freeze({});

/** A call that waits for a datagram. */
interface Receive {
  resolve(slot: ReceiveSlot): void;
  reject(error: unknown): void;
}

/** Keeps receives posted on a socket and hands out what arrives, in order. */
export class Inbox extends Half<Receive> {
  readonly #arrived: ReceiveSlot[] = [];
  readonly #senders: AddressReader = new AddressReader();
  readonly #control: boolean;
  readonly #coalesced: boolean;
  /** Receives that were posted and not yet committed. */
  #deferred = 0;
  /** So many are posted before they are committed together. */
  readonly #commitAfter: number;

  /**
   * Posts as many receives as there are slots.
   *
   * @param socket The bound socket.
   * @param buffer Room for the slots; the kernel's until the socket is closed
   * and drained.
   * @param options What runs the receives, how many slots there are, and what
   * is received with the data.
   */
  constructor(
    socket: RioSocket,
    buffer: RioBuffer,
    options: {
      driver: Driver;
      slots: number;
      datagramSize: number;
      control: boolean;
      coalesced: boolean;
    },
  ) {
    super(socket, options.driver);
    const { slots, datagramSize, control, coalesced } = options;
    this.#control = control;
    this.#coalesced = coalesced;
    this.#commitAfter = Math.max(1, slots >> 2);
    for (let index = 0; index < slots; index++) {
      const slot: ReceiveSlot = new ReceiveSlot(
        { buffer, index, datagramSize, control },
        (completion) => this.#arrive(slot, completion),
      );
      this.#post(slot);
    }
    this.#commit();
  }

  /** A slot with a datagram, if one has arrived. */
  next(): ReceiveSlot | undefined {
    if (this.#arrived.length === 0) {
      this.#commit();
      this.glance();
    }
    return this.#arrived.shift();
  }

  /** All other slots with datagrams; does not look for more. */
  takeArrived(): ReceiveSlot[] {
    return this.#arrived.splice(0);
  }

  /**
   * Waits for a slot with a datagram; callers are served in their order.
   *
   * @param signal Ends the wait; a datagram that arrives later goes to the next.
   */
  receive(signal?: AbortSignal): Promise<ReceiveSlot> {
    const call = Promise.withResolvers<ReceiveSlot>();
    const abort = () => {
      const at = this.calls.indexOf(call);
      if (at < 0) return;
      this.calls.splice(at, 1);
      if (this.calls.length === 0) this.rest();
      call.reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.calls.push(call);
    this.wait();
    if (!signal) return call.promise;
    return call.promise.finally(() =>
      signal.removeEventListener("abort", abort)
    );
  }

  /** The sender of what is in a slot; frozen. */
  senderOf(slot: ReceiveSlot): Deno.NetAddr {
    return this.#senders.read(slot.remote.bytes);
  }

  /** What the control messages of a slot say; frozen. */
  infoOf(slot: ReceiveSlot): RioControlInfo {
    if (!this.#control) return NO_INFO;
    return Object.freeze(readControl(slot.control.bytes));
  }

  /** Posts a slot again when its datagrams were taken. */
  recycle(slot: ReceiveSlot): void {
    // The session may have been closed, and the socket with it.
    if (this.closed || this.socket.closed) return;
    this.#post(slot);
    if (this.#deferred >= this.#commitAfter) this.#commit();
  }

  /** Gives a slot in which there is more to the next call, or keeps it first. */
  putBack(slot: ReceiveSlot): void {
    const call = this.#shift();
    if (call) call.resolve(slot);
    else this.#arrived.unshift(slot);
  }

  override close(): void {
    super.close();
    this.#arrived.length = 0;
  }

  #post(slot: ReceiveSlot): void {
    this.socket.receive(slot.data, slot.options);
    this.#deferred++;
  }

  #commit(): void {
    if (this.#deferred === 0) return;
    denoErrors(() => this.socket.commit("receive"));
    // Not before: if the commit fails, the next one starts the receives.
    this.#deferred = 0;
  }

  #arrive(slot: ReceiveSlot, completion: RioCompletion): void {
    const { status, bytesTransferred } = completion;
    if (status !== 0 && !TOO_LONG.has(status)) {
      this.#failed(slot, completion);
      return;
    }
    const segmentSize = this.#coalesced
      ? readControl(slot.control.bytes).segmentSize ?? 0
      : 0;
    slot.fill(bytesTransferred, segmentSize);
    const call = this.#shift();
    if (call) call.resolve(slot);
    else this.#arrived.push(slot);
  }

  /** Posts again; tells a caller only of errors that concern the socket. */
  #failed(slot: ReceiveSlot, { status, error }: RioCompletion): void {
    try {
      this.#post(slot);
      this.#commit();
    } catch (cause) {
      this.abandoned(toDenoError(cause));
      return;
    }
    if (!PER_DATAGRAM.has(status)) this.#shift()?.reject(toDenoError(error));
  }

  /** The call that has waited longest, which waits no more. */
  #shift(): Receive | undefined {
    const call = this.calls.shift();
    if (this.calls.length === 0) this.rest();
    return call;
  }
}
