/**
 * The account of everything native that a session holds, and its release.
 *
 * The ledger knows handles and counts and nothing of the objects that users
 * hold. So it can outlive them: when a session is dropped without disposal, the
 * finalisation net still closes, drains and deregisters through its ledger.
 *
 * @module
 */
import { RIO_FUNCTIONS } from "../constants.ts";
import type {
  RioBackend,
  RioHandle,
  RioMemory,
  RioNotificationKind,
} from "../contract.ts";
import { checkHandle } from "../errors.ts";
import { RioResults } from "../layout.ts";
import { Waiter } from "./waiter.ts";

/** Index of a function in {@linkcode Ledger.calls}: its place in the table. */
export const CALL = {
  receive: 0,
  receiveEx: 1,
  send: 2,
  sendEx: 3,
  closeCompletionQueue: 4,
  createCompletionQueue: 5,
  createRequestQueue: 6,
  dequeueCompletion: 7,
  deregisterBuffer: 8,
  notify: 9,
  registerBuffer: 10,
  resizeCompletionQueue: 11,
  resizeRequestQueue: 12,
} as const;

/** One registration. */
export interface BufferRecord {
  readonly ledger: Ledger;
  readonly id: RioHandle;
  /** Reachable from here until `RIODeregisterBuffer` returned. */
  readonly memory: RioMemory;
  /** Requests that were posted and whose completion was not dequeued. */
  inFlight: number;
  /** Nothing more is posted; deregistered as soon as nothing is in flight. */
  closing: boolean;
}

/** How a completion queue notifies, and the key that is reported. */
export interface Notification {
  readonly kind: RioNotificationKind;
  readonly key: number;
}

/** One native completion queue. */
export interface QueueRecord {
  readonly handle: RioHandle;
  readonly notification: Notification | null;
  capacity: number;
  /** Entries that request queues have reserved. */
  reserved: number;
  /** Sockets that were not both closed and drained. */
  sockets: number;
  /** It belongs to one socket and is closed with it. */
  owned: boolean;
  /** Closed as soon as no socket uses it. */
  closing: boolean;
  closed: boolean;
}

/** One socket and its request queue. */
export interface SocketRecord {
  readonly handle: RioHandle;
  /** 0 where there is none: a listener, or a socket that is not connected. */
  requestQueue: RioHandle;
  receiveQueue: QueueRecord | null;
  sendQueue: QueueRecord | null;
  receives: number;
  sends: number;
  outstandingReceives: number;
  outstandingSends: number;
  closed: boolean;
}

/** What native code may still use when everything else is gone. */
const kept: unknown[] = [];

/** The native side of one session. */
export class Ledger {
  readonly backend: RioBackend;
  readonly waiter: Waiter;
  readonly buffers: Set<BufferRecord> = new Set();
  readonly queues: Set<QueueRecord> = new Set();
  readonly sockets: Set<SocketRecord> = new Set();
  /** Calls per function, by {@linkcode CALL}. */
  readonly calls: Float64Array = new Float64Array(RIO_FUNCTIONS.length);
  registered = 0;
  deregistered = 0;
  posted = 0;
  completed = 0;
  abandoned = 0;
  closed = false;
  readonly #results: RioResults = new RioResults(64);

  constructor(backend: RioBackend) {
    this.backend = backend;
    this.waiter = new Waiter(backend);
  }

  get outstanding(): number {
    return this.posted - this.completed;
  }

  registerBuffer(memory: RioMemory): BufferRecord {
    this.calls[CALL.registerBuffer]!++;
    const id = checkHandle(
      this.backend.rings.registerBuffer(memory),
      "RIORegisterBuffer",
      `register ${memory.bytes.byteLength} bytes`,
    );
    this.registered++;
    const record = { ledger: this, id, memory, inFlight: 0, closing: false };
    this.buffers.add(record);
    return record;
  }

  /** Deregisters now, or with the last completion that uses the buffer. */
  releaseBuffer(record: BufferRecord): void {
    record.closing = true;
    if (record.inFlight > 0 || !this.buffers.delete(record)) return;
    this.calls[CALL.deregisterBuffer]!++;
    this.backend.rings.deregisterBuffer(record.id);
    this.deregistered++;
  }

  createQueue(
    capacity: number,
    notification: Notification | null,
  ): QueueRecord {
    this.calls[CALL.createCompletionQueue]!++;
    let handle: RioHandle;
    try {
      handle = checkHandle(
        this.backend.rings.createCompletionQueue(
          capacity,
          notification?.key ?? 0,
        ),
        "RIOCreateCompletionQueue",
        `create a completion queue of ${capacity} entries`,
      );
    } catch (error) {
      if (notification) this.backend.waits.closeNotification(notification.key);
      throw error;
    }
    const record = {
      handle,
      notification,
      capacity,
      reserved: 0,
      sockets: 0,
      owned: false,
      closing: false,
      closed: false,
    };
    this.queues.add(record);
    return record;
  }

  /**
   * Closes now, or when the last socket that uses the queue is drained. Whoever
   * waits for it goes on.
   */
  releaseQueue(record: QueueRecord): void {
    record.closing = true;
    if (record.notification) this.waiter.cancel(record.notification.key);
    if (record.sockets > 0 || record.closed) return;
    record.closed = true;
    this.queues.delete(record);
    this.calls[CALL.closeCompletionQueue]!++;
    this.backend.rings.closeCompletionQueue(record.handle);
    if (record.notification) {
      this.backend.waits.closeNotification(record.notification.key);
    }
  }

  /** Takes a native socket into the account. */
  addSocket(handle: RioHandle): SocketRecord {
    const record = {
      handle,
      requestQueue: 0,
      receiveQueue: null,
      sendQueue: null,
      receives: 0,
      sends: 0,
      outstandingReceives: 0,
      outstandingSends: 0,
      closed: false,
    };
    this.sockets.add(record);
    return record;
  }

  /** Reserves entries of the queues for a socket's request queue. */
  attach(
    record: SocketRecord,
    receiveQueue: QueueRecord,
    sendQueue: QueueRecord,
  ): void {
    record.receiveQueue = receiveQueue;
    record.sendQueue = sendQueue;
    receiveQueue.sockets++;
    sendQueue.sockets++;
    receiveQueue.reserved += record.receives;
    sendQueue.reserved += record.sends;
  }

  /** Moves a socket's reservation to new limits. */
  resizeSocket(record: SocketRecord, receives: number, sends: number): void {
    if (record.receiveQueue) {
      record.receiveQueue.reserved += receives - record.receives;
    }
    if (record.sendQueue) record.sendQueue.reserved += sends - record.sends;
    record.receives = receives;
    record.sends = sends;
  }

  /**
   * Closes a socket. Its request queue is dead from here on; its entries stay
   * reserved until its last completion is dequeued.
   *
   * @returns The error number of `closesocket`, 0 for success.
   */
  closeSocket(record: SocketRecord): number {
    if (record.closed) return 0;
    record.closed = true;
    const errno = this.backend.sockets.close(record.handle);
    if (record.outstandingReceives + record.outstandingSends === 0) {
      this.socketDrained(record);
    }
    return errno;
  }

  /** Gives back what a closed socket without outstanding requests reserved. */
  socketDrained(record: SocketRecord): void {
    this.sockets.delete(record);
    const { receiveQueue, sendQueue } = record;
    if (!receiveQueue || !sendQueue) return;
    receiveQueue.reserved -= record.receives;
    sendQueue.reserved -= record.sends;
    receiveQueue.sockets--;
    sendQueue.sockets--;
    for (const queue of [receiveQueue, sendQueue]) {
      if (queue.closing || queue.owned) this.releaseQueue(queue);
    }
  }

  /**
   * Dequeues everything that is there.
   *
   * @param settle Told the request of each completion; without it completions
   * are only counted, because nobody is left to be told.
   */
  pull(
    settle?: (queue: QueueRecord, results: RioResults, count: number) => void,
  ): void {
    for (const queue of this.queues) {
      for (;;) {
        this.calls[CALL.dequeueCompletion]!++;
        const results = this.#results;
        const count = this.backend.rings.dequeueCompletion(
          queue.handle,
          results,
          results.capacity,
        );
        if (count <= 0) break;
        if (settle) settle(queue, results, count);
        else this.completed += count;
        if (queue.closed) break;
      }
    }
  }

  /** Closes every socket, so that every request comes to its end. */
  closeSockets(): void {
    this.closed = true;
    for (const socket of this.sockets) this.closeSocket(socket);
  }

  /**
   * Releases everything, after the sockets were closed and drained.
   *
   * What is still in flight by now is given up for good: its memory, its
   * queues and the reference to the sockets' library stay for the life of the
   * process, because native code may write to them at any time.
   */
  finish(): void {
    const drained = this.outstanding === 0;
    for (const buffer of this.buffers) {
      if (drained) buffer.inFlight = 0;
      this.releaseBuffer(buffer);
    }
    for (const queue of this.queues) {
      if (drained) queue.sockets = 0;
      this.releaseQueue(queue);
    }
    if (!drained) {
      this.abandoned += this.buffers.size;
      kept.push(this);
    }
    this.sockets.clear();
    this.backend.close(!drained);
  }

  /** The whole teardown for a session that nobody holds any more. */
  reclaim(): void {
    this.closeSockets();
    this.pull();
    for (let i = 0; this.outstanding > 0 && i < 100; i++) {
      pause(1);
      this.pull();
    }
    this.finish();
  }
}

/** A word nobody changes, to wait on. */
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for a moment, so that native threads can get on. */
export function pause(milliseconds: number): void {
  Atomics.wait(clock, 0, 0, milliseconds);
}
