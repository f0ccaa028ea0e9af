/**
 * Registrations, completion queues, request queues and requests.
 *
 * @module
 */
import type { NetSocket } from "./network.ts";

/** Memory registered with `RIORegisterBuffer`. */
export interface Registration {
  readonly id: bigint;
  readonly address: bigint;
  readonly length: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Slices of requests that were not dequeued yet. */
  readonly inUse: Set<Slice>;
  open: boolean;
}

/** A `RIO_BUF` of a request. */
export interface Slice {
  readonly registration: Registration;
  readonly offset: number;
  readonly length: number;
  /** Whether the system writes to it. */
  readonly output: boolean;
}

/** Receive or send. */
export type Direction = "receive" | "send";

/** Both directions. */
export const DIRECTIONS: readonly Direction[] = ["receive", "send"];

/** A request that was accepted. */
export interface Request {
  readonly direction: Direction;
  readonly queue: RequestQueue;
  readonly data: Slice | null;
  readonly local: Slice | null;
  readonly remote: Slice | null;
  readonly control: Slice | null;
  readonly messageFlags: Slice | null;
  readonly flags: number;
  readonly context: bigint;
  /** What a send had to send when it was posted. */
  readonly posted: Uint8Array | null;
  /** Bytes that a receive with WAITALL has so far. */
  filled: number;
}

/** A completion that waits to be dequeued. */
export interface Completion {
  readonly request: Request;
  readonly status: number;
  readonly bytesTransferred: number;
}

/** How a completion queue notifies. */
export type Notification =
  | { kind: "event"; event: bigint; reset: boolean }
  | { kind: "iocp"; port: bigint; key: bigint; overlapped: bigint };

/** What `RIOCreateCompletionQueue` makes. */
export interface CompletionQueue {
  readonly handle: bigint;
  readonly notification: Notification | null;
  readonly entries: Completion[];
  size: number;
  reserved: number;
  /** Requests accepted and not dequeued. */
  outstanding: number;
  armed: boolean;
  corrupt: boolean;
  closed: boolean;
}

/** What `RIOCreateRequestQueue` makes. */
export interface RequestQueue {
  readonly handle: bigint;
  readonly socket: NetSocket;
  readonly context: bigint;
  readonly queues: Record<Direction, CompletionQueue>;
  readonly maximum: Record<Direction, number>;
  /** Requests accepted and not dequeued. */
  readonly outstanding: Record<Direction, number>;
  readonly deferred: Record<Direction, Request[]>;
  readonly active: Record<Direction, Request[]>;
  /** Its socket was closed. */
  dead: boolean;
  /** Its slots of the completion queues were given back. */
  released: boolean;
}

/** The bytes of a slice. */
export function bytesOf(slice: Slice): Uint8Array<ArrayBuffer> {
  const { registration, offset, length } = slice;
  return registration.bytes.subarray(offset, offset + length);
}

/** The slices of a request. */
export function slicesOf(request: Request): Slice[] {
  const { data, local, remote, control, messageFlags } = request;
  return [data, local, remote, control, messageFlags].filter((slice) =>
    slice !== null
  );
}

/** Whether two slices share a byte of which one of them is written. */
export function collide(a: Slice, b: Slice): boolean {
  if (!a.output && !b.output) return false;
  if (a.length === 0 || b.length === 0) return false;
  const startA = a.registration.address + BigInt(a.offset);
  const startB = b.registration.address + BigInt(b.offset);
  return startA < startB + BigInt(b.length) &&
    startB < startA + BigInt(a.length);
}
