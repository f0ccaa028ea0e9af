/**
 * The outcome of a request, as a program receives it.
 *
 * @module
 */
import type { RioError } from "../errors.ts";
import type { RioSlice } from "./buffer.ts";
import type { RioSocket } from "./socket.ts";

/**
 * One completed request.
 *
 * Its slices are those that were posted. Slices of shared memory are typed as
 * if it were not shared.
 */
export interface RioCompletion {
  /** What was requested. */
  readonly kind: "receive" | "send";
  /**
   * 0, or the Winsock error number with which the request ended; on Linux above
   * 65,535 where there is none, and `error` has the kernel's own.
   */
  readonly status: number;
  /** The error that `status` stands for; `null` for 0. */
  readonly error: RioError | null;
  /** Bytes received or sent. */
  readonly bytesTransferred: number;
  /** The socket that the request was posted on. */
  readonly socket: RioSocket;
  /** The slice of the request; `null` where none was given. */
  readonly slice: RioSlice | null;
  /** The address slice of the request; `null` where none was given. */
  readonly remote: RioSlice | null;
  /** The local address slice of the request; `null` where none was given. */
  readonly local: RioSlice | null;
  /** The control slice of the request; `null` where none was given. */
  readonly control: RioSlice | null;
  /** What was given as context with the request. */
  readonly context: unknown;
}
