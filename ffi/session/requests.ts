/**
 * The requests in flight of one session, and what they become.
 *
 * The number that travels through the kernel as request context is the place
 * of a request in this table; nothing is allocated per request once the table
 * has grown to the greatest number in flight.
 *
 * @module
 */
import { RioError } from "../errors.ts";
import type { RioResults } from "../layout.ts";
import type { RioSlice } from "./buffer.ts";
import type { BufferRecord, Ledger, SocketRecord } from "./ledger.ts";
import type { RioSocket } from "./socket.ts";

/** One completed request. */
export interface RioCompletion {
  /** What was requested. */
  readonly kind: "receive" | "send";
  /** 0, or the Winsock error number with which the request ended. */
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

/** A request from its post to its completion; reused afterwards. */
export class Request {
  readonly index: number;
  isSend = false;
  extended = false;
  socket: RioSocket | null = null;
  record: SocketRecord | null = null;
  slice: RioSlice | null = null;
  buffer: BufferRecord | null = null;
  remote: RioSlice | null = null;
  local: RioSlice | null = null;
  control: RioSlice | null = null;
  /** Registrations of `remote`, `local`, `control` and `messageFlags`. */
  readonly extraBuffers: (BufferRecord | null)[] = [null, null, null, null];
  context: unknown = undefined;

  constructor(index: number) {
    this.index = index;
  }
}

/** A completion whose fields can be filled again. */
export class Completion implements RioCompletion {
  kind: "receive" | "send" = "receive";
  status = 0;
  bytesTransferred = 0;
  socket!: RioSocket;
  slice: RioSlice | null = null;
  remote: RioSlice | null = null;
  local: RioSlice | null = null;
  control: RioSlice | null = null;
  context: unknown = undefined;
  #extended = false;

  get error(): RioError | null {
    if (this.status === 0) return null;
    const name = this.kind === "send" ? "RIOSend" : "RIOReceive";
    return new RioError({
      errno: this.status,
      syscall: this.#extended ? `${name}Ex` : name,
      attempt: `complete a ${this.kind} of ${this.slice?.length ?? 0} bytes`,
    });
  }

  fill(request: Request, status: number, bytesTransferred: number): void {
    this.kind = request.isSend ? "send" : "receive";
    this.status = status;
    this.bytesTransferred = bytesTransferred;
    this.socket = request.socket!;
    this.slice = request.slice;
    this.context = request.context;
    this.#extended = request.extended;
    this.remote = request.remote;
    this.local = request.local;
    this.control = request.control;
  }
}

/** The table of requests of one session. */
export class Requests {
  readonly #ledger: Ledger;
  readonly #all: Request[] = [];
  readonly #free: Request[] = [];

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** A request to fill and post. */
  take(): Request {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const request = new Request(this.#all.length);
    this.#all.push(request);
    return request;
  }

  /** Takes a request back that was completed, or never accepted. */
  give(request: Request): void {
    request.socket = null;
    request.record = null;
    request.slice = null;
    request.buffer = null;
    request.context = undefined;
    if (request.extended) {
      request.extended = false;
      request.remote = null;
      request.local = null;
      request.control = null;
      // Not emptied: an empty array would allocate when it is filled again.
      request.extraBuffers.fill(null);
    }
    this.#free.push(request);
  }

  /** Fills a completion from a settled result, and takes its request back. */
  finish(results: RioResults, i: number, completion: Completion): Completion {
    const request = this.#at(results, i);
    completion.fill(request, results.status(i), results.bytesTransferred(i));
    this.give(request);
    return completion;
  }

  /** Counts an accepted request as in flight. */
  posted(request: Request): void {
    this.#ledger.posted++;
    const record = request.record!;
    if (request.isSend) record.outstandingSends++;
    else record.outstandingReceives++;
    if (request.buffer !== null) request.buffer.inFlight++;
    if (request.extended) {
      for (const buffer of request.extraBuffers) {
        if (buffer !== null) buffer.inFlight++;
      }
    }
  }

  /** Counts dequeued requests as ended: the kernel is done with their memory. */
  settle(results: RioResults, count: number): void {
    this.#ledger.completed += count;
    for (let i = 0; i < count; i++) {
      const request = this.#at(results, i);
      if (request.buffer !== null) this.#unuse(request.buffer);
      if (request.extended) {
        for (const buffer of request.extraBuffers) {
          if (buffer !== null) this.#unuse(buffer);
        }
      }
      const record = request.record!;
      if (request.isSend) record.outstandingSends--;
      else record.outstandingReceives--;
      if (
        record.closed &&
        record.outstandingReceives + record.outstandingSends === 0
      ) this.#ledger.socketDrained(record);
    }
  }

  #at(results: RioResults, i: number): Request {
    return this.#all[results.requestContext(i)]!;
  }

  #unuse(buffer: BufferRecord): void {
    if (--buffer.inFlight === 0 && buffer.closing) {
      this.#ledger.releaseBuffer(buffer);
    }
  }
}
