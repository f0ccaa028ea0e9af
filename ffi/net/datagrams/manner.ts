/**
 * How a datagram is sent, where that is not how the socket sends others.
 *
 * @module
 */
import { isIpv4 } from "../../address.ts";
import { assertInteger, show } from "../../arguments.ts";
import { type RioSendControl, sourceAddress } from "../../control.ts";

/** Options of {@linkcode RioDatagramConn.send}, and of one datagram of many. */
export type RioDatagramSendOptions = RioSendControl;

/** So many datagrams a send is cut into at the most: what Linux has from 4.18. */
export const MOST_SEGMENTS = 64;

/** What was asked for with a datagram; the same again is the same object. */
export interface Manner {
  readonly segmentSize: number | undefined;
  readonly ecn: number | undefined;
  readonly local: string | undefined;
  /** Whether `local` is an address of IPv4. */
  readonly ipv4: boolean;
}

/** Checks what is asked for; datagrams that follow one another share it. */
export class Manners {
  #last: Manner | null = null;

  /**
   * How a datagram is sent; `null` for as others are.
   *
   * @throws {TypeError} If something is of the wrong kind.
   * @throws {RangeError} If something is out of range.
   */
  of({ segmentSize, ecn, local }: RioDatagramSendOptions): Manner | null {
    if (segmentSize === undefined && ecn === undefined && local === undefined) {
      return null;
    }
    const last = this.#last;
    if (
      last !== null && last.segmentSize === segmentSize && last.ecn === ecn &&
      last.local === local
    ) return last;
    if (segmentSize !== undefined) {
      assertInteger("segmentSize", segmentSize, 0, 65535);
    }
    if (ecn !== undefined) assertInteger("ecn", ecn, 0, 3);
    const ipv4 = local !== undefined && isIpv4(sourceAddress(local));
    return this.#last = { segmentSize, ecn, local, ipv4 };
  }
}

/**
 * Refuses to cut data into more datagrams than a system does.
 *
 * @param length Bytes of the data.
 * @throws {RangeError} If they are too many.
 */
export function assertSegments(
  { segmentSize = 0 }: Manner,
  length: number,
): void {
  if (segmentSize === 0 || length <= segmentSize * MOST_SEGMENTS) return;
  throw new RangeError(
    `Invalid segmentSize ${segmentSize}: it cuts ${length} bytes into ${
      Math.ceil(length / segmentSize)
    } datagrams, ${MOST_SEGMENTS} are the most`,
  );
}

/**
 * Refuses an address to send from that the destination cannot be reached from.
 *
 * @param ipv4 Whether the datagram goes by IPv4.
 * @throws {TypeError} If its family is the other one.
 */
export function assertReaches({ local, ipv4 }: Manner, byIpv4: boolean): void {
  if (local === undefined || ipv4 === byIpv4) return;
  throw new TypeError(
    `Invalid local ${show(local)}: the destination is one of ${
      byIpv4 ? "IPv4" : "IPv6"
    }`,
  );
}
