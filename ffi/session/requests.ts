/**
 * Requests and completions, as a program knows them.
 *
 * @module
 */
import { RioError } from "../errors.ts";
import type { RioResults } from "../layout.ts";
import type { RioSlice } from "./buffer.ts";
import { type Ledger, RequestRecord } from "./ledger.ts";
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

/** What a program gave with a request, from its post to its completion. */
export class Request {
  /** What native code uses of it. */
  readonly record: RequestRecord;
  socket: RioSocket | null = null;
  slice: RioSlice<ArrayBufferLike> | null = null;
  remote: RioSlice<ArrayBufferLike> | null = null;
  local: RioSlice<ArrayBufferLike> | null = null;
  control: RioSlice<ArrayBufferLike> | null = null;
  messageFlags: RioSlice<ArrayBufferLike> | null = null;
  context: unknown = undefined;

  constructor(record: RequestRecord) {
    this.record = record;
  }
}

/** A completion whose fields can be filled again. */
export class Completion implements RioCompletion {
  kind: "receive" | "send" = "receive";
  status = 0;
  error: RioError | null = null;
  bytesTransferred = 0;
  socket!: RioSocket;
  slice: RioSlice | null = null;
  remote: RioSlice | null = null;
  local: RioSlice | null = null;
  control: RioSlice | null = null;
  context: unknown = undefined;

  fill(request: Request, status: number, bytesTransferred: number): void {
    const { slice } = request;
    const kind = request.record.isSend ? "send" : "receive";
    this.kind = kind;
    this.status = status;
    this.error = status === 0 ? null : new RioError({
      errno: status,
      syscall: nameOf(request),
      attempt: `complete a ${kind} of ${slice?.length ?? 0} bytes`,
    });
    this.bytesTransferred = bytesTransferred;
    this.socket = request.socket!;
    this.slice = slice as RioSlice | null;
    this.remote = request.remote as RioSlice | null;
    this.local = request.local as RioSlice | null;
    this.control = request.control as RioSlice | null;
    this.context = request.context;
  }
}

/** The function that a request was posted with. */
export function nameOf(request: Request): string {
  const { remote, local, control, messageFlags } = request;
  const extended = (remote ?? local ?? control ?? messageFlags) !== null;
  const name = request.record.isSend ? "RIOSend" : "RIOReceive";
  return extended ? `${name}Ex` : name;
}

/**
 * The requests in flight of one session, as its program knows them.
 *
 * Each has its record in the ledger, and the same place there: that number
 * travels through the system as request context. Nothing is allocated once the
 * table has grown to the greatest number in flight.
 */
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
    const record = new RequestRecord(this.#all.length);
    const request = new Request(record);
    this.#ledger.requests.push(record);
    this.#all.push(request);
    return request;
  }

  /** Takes a request back that has ended, or was never accepted. */
  give(request: Request): void {
    request.socket = null;
    request.slice = null;
    request.remote = null;
    request.local = null;
    request.control = null;
    request.messageFlags = null;
    request.context = undefined;
    this.#free.push(request);
  }

  /** Fills a completion from a result, and takes its request back. */
  finish(results: RioResults, i: number, completion: Completion): Completion {
    const request = this.#all[results.requestContext(i)]!;
    completion.fill(request, results.status(i), results.bytesTransferred(i));
    this.give(request);
    return completion;
  }
}
