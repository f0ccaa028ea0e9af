/**
 * Calls that wait for datagrams, and what they are given.
 *
 * @module
 */
import { lengthOf } from "../../plain_bytes.ts";
import { transferred } from "../errors.ts";
import type { RioReceivedDatagram } from "./batch.ts";
import type { ReceiveSlot } from "./slots.ts";

/** What has arrived: a slot with it, or a few datagrams of their own. */
export type Arrival = ReceiveSlot | RioReceivedDatagram[];

/** How one datagram is received. */
export interface ReceiveWishes {
  /** Ends the wait; no datagram is lost. */
  readonly signal: AbortSignal | undefined;
  /** Whether a datagram that does not fit is an error. */
  readonly rejectTruncated: boolean;
}

/** A call that waits for a datagram. */
export interface Receive {
  /** Takes one without a slot; absent where one is needed. */
  take?(): boolean;
  /** Throws where nothing can be put any more. */
  check?(): void;
  resolve(slot: ReceiveSlot): void;
  reject(error: unknown): void;
}

/** What throws once an array was transferred: nothing can be put there. */
export function placeCheck(p: Uint8Array | undefined): () => void {
  if (p === undefined || lengthOf(p) === 0) return () => {};
  return () => {
    if (lengthOf(p) === 0) throw transferred("receive");
  };
}
