/**
 * Receiving without slots while few datagrams arrive at a time.
 *
 * @module
 */
import { copyOf } from "../given_back.ts";
import type { RioReceivedDatagram } from "./batch.ts";
import { NO_INFO } from "./details.ts";
import type { DirectDatagrams, Received } from "./direct.ts";
import type { ReceiveWishes } from "./receive_call.ts";
import { tooLong } from "./reports.ts";

/** So many are taken directly in a row before slots take many at a time. */
const FEW = 8;

/** Takes datagrams directly, and knows when there are too many for that. */
export class FewDatagrams {
  readonly #direct: DirectDatagrams;
  readonly #failedLate: (error: unknown) => void;
  /** Datagrams that were taken without waiting for one. */
  #inARow = 0;
  /** Datagrams of which only the head was received, so far. */
  truncated = 0;
  /** Whether more arrived at a time than is taken directly. */
  crowded = false;

  /**
   * Takes none yet.
   *
   * @param direct What receives them.
   * @param failedLate Told why a receive has failed after others that had not.
   */
  constructor(
    direct: DirectDatagrams,
    failedLate: (error: unknown) => void,
  ) {
    this.#direct = direct;
    this.#failedLate = failedLate;
  }

  /** Whether so many were taken in a row that slots are better. */
  get areMany(): boolean {
    return this.#inARow >= FEW;
  }

  /** Tells that somebody waits for the next one. */
  waited(): void {
    this.#inARow = 0;
  }

  /** Takes a datagram for who has not waited; `null` where none is there. */
  next(
    p: Uint8Array<ArrayBuffer> | undefined,
    wishes: ReceiveWishes,
  ): Received | null {
    const received = this.take(p, wishes);
    this.#inARow = received === null ? 0 : this.#inARow + 1;
    return received;
  }

  /** Takes a datagram for who has waited; `null` where none is there. */
  take(
    p: Uint8Array<ArrayBuffer> | undefined,
    { rejectTruncated }: ReceiveWishes,
  ): Received | null {
    const received = this.#direct.receive(p);
    if (received === null) return null;
    // Copied: this address is the caller's to change, as Deno's is.
    received[1] = copyOf(received[1]);
    if (!this.#direct.truncated) return received;
    this.truncated++;
    if (rejectTruncated) throw tooLong(received[0].length);
    return received;
  }

  /** Takes what is there, but no more than a few. */
  takeMany(): RioReceivedDatagram[] | undefined {
    const direct = this.#direct;
    const few: RioReceivedDatagram[] = [];
    try {
      while (few.length < FEW) {
        const received = direct.receive(undefined, true);
        if (received === null) break;
        const [data, addr] = received;
        const { truncated, local } = direct;
        if (truncated) this.truncated++;
        few.push({ data, addr, info: NO_INFO, truncated, local });
      }
    } catch (error) {
      // What was taken before it comes first.
      if (few.length === 0) throw error;
      this.#failedLate(error);
    }
    this.#inARow = few.length === 0 ? 0 : this.#inARow + few.length;
    this.crowded = few.length === FEW;
    return few.length === 0 ? undefined : few;
  }
}
