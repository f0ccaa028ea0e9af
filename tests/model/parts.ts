/**
 * What the model knows of buffers, queues, sockets and requests.
 *
 * @module
 */
import type {
  RioBuffer,
  RioCompletionQueue,
  RioSlice,
  RioSocket,
} from "../../mod.ts";

/** Bytes of the part of a buffer that one request uses. */
export const PLACE = 64;
/** Such parts of a buffer. */
export const PLACES = 64;

/** A registered buffer. */
export interface Buffer {
  readonly real: RioBuffer;
  /** Which places requests use. */
  readonly used: boolean[];
  /** Uses that were not dequeued. */
  uses: number;
  closed: boolean;
}

/** A completion queue. */
export interface Queue {
  readonly real: RioCompletionQueue;
  capacity: number;
  closed: boolean;
  /** The promise of a wait that goes on. */
  waiting: Promise<void> | null;
}

/** A UDP socket, or one end of a connection. */
export interface Socket {
  readonly real: RioSocket;
  readonly queue: Queue;
  readonly isStream: boolean;
  receives: number;
  sends: number;
  /** Requests posted and not dequeued. */
  outstandingReceives: number;
  outstandingSends: number;
  closed: boolean;
  /** The other end of a connection. */
  peer: Socket | null;
  /** Bytes posted to be sent, and received, on a connection. */
  sent: number;
  received: number;
  /** Receives on a connection, oldest first. */
  readonly order: Request[];
}

/** A request from its post until its completion was dequeued. */
export interface Request {
  readonly id: number;
  readonly socket: Socket;
  readonly isSend: boolean;
  readonly slice: RioSlice;
  readonly remote: RioSlice<ArrayBufferLike> | null;
  readonly places: readonly Place[];
}

/** A part of a buffer. */
export interface Place {
  readonly buffer: Buffer;
  readonly index: number;
}

/** The byte at a place in what one end of a connection sends. */
export function streamByte(position: number): number {
  return position * 7 % 251;
}

/** Writes a datagram that says of itself what it is. */
export function writeDatagram(bytes: Uint8Array, id: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(0, id);
  for (let i = 4; i < bytes.length; i++) bytes[i] = id * 31 + i;
}

/** The number in a datagram; -1 if it holds bytes of another one. */
export function readDatagram(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = view.getUint32(0);
  for (let i = 4; i < bytes.length; i++) {
    if (bytes[i] !== (id * 31 + i & 0xFF)) return -1;
  }
  return id;
}
