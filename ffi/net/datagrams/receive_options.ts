/**
 * How datagrams are waited for, and what is counted of them.
 *
 * @module
 */

/** Options of a wait for datagrams. */
export interface RioDatagramReceiveOptions {
  /**
   * Ends the wait; no datagram is lost. What has arrived is received even where
   * the signal was aborted before.
   */
  signal?: AbortSignal;
  /**
   * Reject a datagram that is longer than its place with `EMSGSIZE`, in place of
   * giving its head; the rest is lost either way. A batch tells it with each
   * datagram.
   *
   * @default {false}
   */
  rejectTruncated?: boolean;
}

/** What a datagram socket has counted since it was opened. */
export interface RioDatagramStats {
  /** Datagrams of which only the head was received: no place was longer. */
  readonly truncated: number;
  /**
   * Datagrams that the system dropped because its receive buffer was full, or
   * their checksum was wrong; `null` on Windows, which counts them for all
   * sockets together only.
   */
  readonly dropped: number | null;
}
