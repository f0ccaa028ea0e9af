/**
 * The account of everything native that a session holds.
 *
 * The ledger knows handles and counts, and nothing of the objects that programs
 * hold. So it can outlive them: when a program drops a session without
 * disposing it, {@linkcode reclaim} still releases everything by its ledger.
 * In which order things are released is written in `teardown.ts`.
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

/**
 * One request, as far as native code uses it: from the post that was accepted
 * until its completion is dequeued. The same objects serve again and again.
 */
export class RequestRecord {
  /** The request context that travels through the system: its place here. */
  readonly index: number;
  isSend = false;
  /** `null` while nothing is in flight. */
  socket: SocketRecord | null = null;
  /** The buffer of the data; `null` for a request without data. */
  buffer: BufferRecord | null = null;
  /** Whether there are slices beyond the data. */
  extended = false;
  /** Buffers of the remote, local, control and message flags slices. */
  readonly extraBuffers: (BufferRecord | null)[] = [null, null, null, null];

  constructor(index: number) {
    this.index = index;
  }

  /** Forgets the request: it has ended, or was never accepted. */
  clear(): void {
    this.socket = null;
    this.buffer = null;
    // Not emptied: an empty array would allocate when it is filled again.
    if (this.extended) this.extraBuffers.fill(null);
    this.extended = false;
  }
}

/** Told of every change of an account; `null` unless tests look on. */
let auditor: ((ledger: Ledger) => void) | null = null;

/** Has every change of every account looked at; for the tests. */
export function auditLedgers(audit: (ledger: Ledger) => void): void {
  auditor = audit;
}

/** The native side of one session. */
export class Ledger {
  readonly backend: RioBackend;
  readonly waiter: Waiter;
  readonly buffers: Set<BufferRecord> = new Set();
  readonly queues: Set<QueueRecord> = new Set();
  readonly sockets: Set<SocketRecord> = new Set();
  /** Every request there ever was at a time, by request context. */
  readonly requests: RequestRecord[] = [];
  /** Calls per function, by {@linkcode CALL}. */
  readonly calls: Float64Array = new Float64Array(RIO_FUNCTIONS.length);
  registered = 0;
  deregistered = 0;
  posted = 0;
  completed = 0;
  /** Buffers given up by the teardown. */
  abandoned = 0;
  /** Nothing new is opened or posted. */
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
    auditor?.(this);
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
    this.#settleSocket(record);
    auditor?.(this);
    return errno;
  }

  /** Counts an accepted request as in flight. */
  start(request: RequestRecord, socket: SocketRecord): void {
    request.socket = socket;
    this.posted++;
    if (request.isSend) socket.outstandingSends++;
    else socket.outstandingReceives++;
    if (request.buffer !== null) request.buffer.inFlight++;
    if (request.extended) {
      for (const buffer of request.extraBuffers) {
        if (buffer !== null) buffer.inFlight++;
      }
    }
    auditor?.(this);
  }

  /**
   * Dequeues completions and counts their requests as ended: native code is
   * done with what they used.
   *
   * @returns How many, or minus an error number.
   */
  dequeue(queue: QueueRecord, results: RioResults, max: number): number {
    this.calls[CALL.dequeueCompletion]!++;
    const { rings } = this.backend;
    const count = rings.dequeueCompletion(queue.handle, results, max);
    for (let i = 0; i < count; i++) {
      this.#end(this.requests[results.requestContext(i)]!);
    }
    if (count > 0) auditor?.(this);
    return count;
  }

  #end(request: RequestRecord): void {
    const { isSend, extended, buffer, extraBuffers } = request;
    const socket = request.socket!;
    this.completed++;
    if (buffer !== null) this.#unuse(buffer);
    if (extended) {
      for (const extra of extraBuffers) if (extra !== null) this.#unuse(extra);
    }
    request.clear();
    if (isSend) socket.outstandingSends--;
    else socket.outstandingReceives--;
    if (socket.closed) this.#settleSocket(socket);
  }

  /** Gives back what a closed socket reserved, once nothing is outstanding. */
  #settleSocket(record: SocketRecord): void {
    if (record.outstandingReceives + record.outstandingSends > 0) return;
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
   * Dequeues everything that is there, and counts it as ended.
   *
   * @param settled Told of each batch while its results are valid.
   */
  pull(
    settled?: (queue: QueueRecord, results: RioResults, count: number) => void,
  ): void {
    const results = this.#results;
    for (const queue of this.queues) {
      // The last completion of a closed socket closes its queue.
      while (!queue.closed) {
        const count = this.dequeue(queue, results, results.capacity);
        if (count <= 0) break;
        settled?.(queue, results, count);
      }
    }
  }

  /** Closes every socket, so that every request comes to its end. */
  closeSockets(): void {
    this.closed = true;
    for (const socket of this.sockets) this.closeSocket(socket);
  }

  #unuse(buffer: BufferRecord): void {
    if (--buffer.inFlight === 0 && buffer.closing) this.releaseBuffer(buffer);
  }
}
