/**
 * The account of everything native that a session holds.
 *
 * The ledger knows handles and counts, and none of the objects that programs
 * hold. So it can outlive them: when a program drops a session without
 * disposing it, its ledger still says what to release. `teardown.ts` says in
 * which order.
 *
 * @module
 */
import { perFunction, type RioFunctionName } from "../constants.ts";
import type {
  RioBackend,
  RioHandle,
  RioMemory,
  RioNotificationKind,
} from "../contract.ts";
import { check, checkHandle } from "../errors.ts";
import { RioResults } from "../layout.ts";
import { type Waiter, waiterOf } from "./waiter.ts";

/** Results fetched by one native call. */
export const BATCH = 64;

/** Room for results that nobody reads at the moment; used by all sessions. */
const spareResults: RioResults[] = [];

/** Takes room for {@linkcode BATCH} results, until it is given back. */
export function takeResults(): RioResults {
  return spareResults.pop() ?? new RioResults(BATCH);
}

/** Gives room for results back that was taken. */
export function giveResults(results: RioResults): void {
  spareResults.push(results);
}

/** One registration. */
export interface BufferRecord {
  readonly ledger: Ledger;
  readonly id: RioHandle;
  /** The ledger keeps it reachable until `RIODeregisterBuffer` has returned. */
  readonly memory: RioMemory;
  /** Slices of it in requests whose completion was not dequeued yet. */
  inFlight: number;
  /** Nothing more is posted; deregistered as soon as nothing is in flight. */
  closing: boolean;
}

/** One native completion queue. */
export class QueueRecord {
  readonly handle: RioHandle;
  /** The key that the wait reports when it notifies; 0 if it never does. */
  readonly key: number;
  capacity: number;
  /** Entries that request queues have reserved. */
  reserved = 0;
  /** Directions of sockets that are not both closed and drained. */
  users = 0;
  /** It belongs to one socket and is closed with it. */
  owned = false;
  /** Closed as soon as it has no users. */
  closing = false;
  closed = false;

  constructor(handle: RioHandle, key: number, capacity: number) {
    this.handle = handle;
    this.key = key;
    this.capacity = capacity;
  }
}

/** One direction of a socket: its receives, or its sends. */
export class Direction {
  /** Where its requests complete; `null` while there is no request queue. */
  queue: QueueRecord | null = null;
  /** How many can be outstanding; as many entries of the queue are reserved. */
  limit = 0;
  outstanding = 0;

  /** Reserves as many entries, in place of those reserved before. */
  reserve(limit: number): void {
    if (this.queue !== null) this.queue.reserved += limit - this.limit;
    this.limit = limit;
  }
}

/** One socket and its request queue. */
export class SocketRecord {
  readonly handle: RioHandle;
  /** The key under which connects and accepts are reported. */
  readonly key: number;
  /** 0 for a listener, which has none, and until somebody needs it. */
  requestQueue: RioHandle = 0;
  readonly receives: Direction = new Direction();
  readonly sends: Direction = new Direction();
  closed = false;
  /** A connection that a listener could not hand out yet, closed with it. */
  kept: SocketRecord | null = null;

  constructor(handle: RioHandle, key: number) {
    this.handle = handle;
    this.key = key;
  }

  /** Requests that were posted and whose completion was not dequeued. */
  get outstanding(): number {
    return this.receives.outstanding + this.sends.outstanding;
  }
}

/**
 * One request, as far as native code uses it: from the post that was accepted
 * until its completion is dequeued. Afterwards the object serves the next one.
 */
export class RequestRecord {
  /** Its place in {@linkcode Ledger.requests}, and its request context. */
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
    if (!this.extended) return;
    this.extended = false;
    // It keeps its length: an array that was emptied allocates when it grows.
    // A loop, because `fill()` is slow for so few.
    const { extraBuffers } = this;
    for (let i = 0; i < extraBuffers.length; i++) extraBuffers[i] = null;
  }
}

/** Called after every change of an account; `null` unless tests set it. */
let auditor: ((ledger: Ledger) => void) | null = null;

/** Has every account checked after each of its changes; for the tests. */
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
  /** By request context; as many as there ever were in flight at a time. */
  readonly requests: RequestRecord[] = [];
  readonly calls: Record<RioFunctionName, number> = perFunction(() => 0);
  registered = 0;
  deregistered = 0;
  posted = 0;
  completed = 0;
  /** Buffers that stay registered because their requests did not end. */
  abandoned = 0;
  /** Nothing new is opened or posted. */
  closed = false;

  constructor(backend: RioBackend) {
    this.backend = backend;
    this.waiter = waiterOf(backend.waits);
  }

  get outstanding(): number {
    return this.posted - this.completed;
  }

  registerBuffer(memory: RioMemory): BufferRecord {
    this.calls.RIORegisterBuffer++;
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
    this.calls.RIODeregisterBuffer++;
    // Counted first: whether a call that fails was made is not known, and it is
    // not made twice. Nothing uses the memory any more either way.
    this.deregistered++;
    this.backend.rings.deregisterBuffer(record.id);
  }

  /**
   * Creates a queue, and the port or event that it notifies through.
   *
   * @param kind How it notifies; `null` for one that never does.
   */
  createQueue(capacity: number, kind: RioNotificationKind | null): QueueRecord {
    const { rings, waits } = this.backend;
    const key = kind === null ? 0 : this.#createNotification(kind);
    this.calls.RIOCreateCompletionQueue++;
    const handle = rings.createCompletionQueue(capacity, key);
    if (handle < 0 && key !== 0) waits.closeNotification(key);
    const attempt = `create a completion queue of ${capacity} entries`;
    checkHandle(handle, "RIOCreateCompletionQueue", attempt);
    const record = new QueueRecord(handle, key, capacity);
    this.queues.add(record);
    return record;
  }

  #createNotification(kind: RioNotificationKind): number {
    const key = this.waiter.createKey();
    check(
      this.backend.waits.createNotification(kind, key),
      kind === "iocp" ? "CreateIoCompletionPort" : "CreateEventW",
      `create the notification "${kind}" of a completion queue`,
    );
    return key;
  }

  /**
   * Closes a queue, now or when the last socket that uses it is drained. A wait
   * for the queue ends at once.
   */
  releaseQueue(record: QueueRecord): void {
    const { handle, key } = record;
    record.closing = true;
    if (key !== 0) this.waiter.cancel(key);
    if (record.users > 0 || record.closed) return;
    record.closed = true;
    this.queues.delete(record);
    this.calls.RIOCloseCompletionQueue++;
    this.backend.rings.closeCompletionQueue(handle);
    if (key !== 0) this.backend.waits.closeNotification(key);
  }

  /**
   * Takes a native socket into the account.
   *
   * @param make Makes the object of it; if that fails, the socket is closed.
   */
  addSocket<T>(handle: RioHandle, make: (record: SocketRecord) => T): T {
    const record = this.enter(handle);
    try {
      return make(record);
    } catch (error) {
      this.closeSocket(record);
      throw error;
    }
  }

  /** Takes a native socket into the account, of which there is no object yet. */
  enter(handle: RioHandle): SocketRecord {
    const record = new SocketRecord(handle, this.waiter.createKey());
    this.sockets.add(record);
    return record;
  }

  /** Has the requests of one direction complete on a queue. */
  attach(direction: Direction, queue: QueueRecord): void {
    direction.queue = queue;
    queue.users++;
    queue.reserved += direction.limit;
  }

  /** Sets how many requests a socket can post. */
  setLimits(record: SocketRecord, receives: number, sends: number): void {
    record.receives.reserve(receives);
    record.sends.reserve(sends);
    auditor?.(this);
  }

  /**
   * Closes a socket, and with it its request queue. Its entries stay reserved
   * until its last completion is dequeued.
   *
   * @returns The error number of `closesocket`, 0 for success.
   */
  closeSocket(record: SocketRecord): number {
    if (record.closed) return 0;
    record.closed = true;
    if (record.kept !== null) this.closeSocket(record.kept);
    const errno = this.backend.sockets.close(record.handle);
    // After that: whoever waited looks again, and finds it closed.
    this.waiter.cancel(record.key);
    this.#settleSocket(record);
    auditor?.(this);
    return errno;
  }

  /** Counts an accepted request as in flight. */
  start(request: RequestRecord, socket: SocketRecord): void {
    request.socket = socket;
    this.posted++;
    (request.isSend ? socket.sends : socket.receives).outstanding++;
    if (request.buffer !== null) request.buffer.inFlight++;
    if (request.extended) {
      for (const buffer of request.extraBuffers) {
        if (buffer !== null) buffer.inFlight++;
      }
    }
    auditor?.(this);
  }

  /**
   * Dequeues completions, and counts their requests as ended: native code does
   * not use their memory any more.
   *
   * @returns How many, or minus an error number.
   */
  dequeue(queue: QueueRecord, results: RioResults, max: number): number {
    this.calls.RIODequeueCompletion++;
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
    (isSend ? socket.sends : socket.receives).outstanding--;
    if (socket.closed) this.#settleSocket(socket);
  }

  /** Gives back what a closed socket reserved, once nothing is outstanding. */
  #settleSocket(record: SocketRecord): void {
    if (record.outstanding > 0) return;
    this.sockets.delete(record);
    for (const { queue, limit } of [record.receives, record.sends]) {
      if (queue === null) continue;
      queue.reserved -= limit;
      queue.users--;
      if (queue.closing || queue.owned) this.releaseQueue(queue);
    }
  }

  /**
   * Dequeues everything that has arrived.
   *
   * @param keep Called with each batch, while its results are valid.
   * @param queues Where to look; on every queue by default.
   */
  pull(
    keep?: (queue: QueueRecord, results: RioResults, count: number) => void,
    queues: Iterable<QueueRecord> = this.queues,
  ): void {
    const results = takeResults();
    for (const queue of queues) {
      // The last completion of a closed socket closes the socket's own queue.
      while (!queue.closed) {
        const count = this.dequeue(queue, results, results.capacity);
        if (count <= 0) break;
        keep?.(queue, results, count);
      }
    }
    giveResults(results);
  }

  /** Closes every socket, so that every request ends soon. */
  closeSockets(): void {
    this.closed = true;
    for (const socket of this.sockets) this.closeSocket(socket);
  }

  #unuse(buffer: BufferRecord): void {
    if (--buffer.inFlight === 0 && buffer.closing) this.releaseBuffer(buffer);
  }
}
