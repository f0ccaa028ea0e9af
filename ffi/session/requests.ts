/**
 * What programs give with their requests, kept until the completions hand it
 * back.
 *
 * @module
 */
import type { RioBuf } from "../contract.ts";
import { RioError } from "../errors.ts";
import type { RioResults } from "../layout.ts";
import { winsockNumber } from "../system_errors.ts";
import { type Ledger, RequestRecord } from "./ledger.ts";

/** What a program gave with one request. */
export class Request {
  /** The native side of the request. */
  readonly record: RequestRecord;
  /** A `RioSocket`; here it is only handed back, as the slices are. */
  socket: object | null = null;
  slice: RioBuf | null = null;
  remote: RioBuf | null = null;
  local: RioBuf | null = null;
  control: RioBuf | null = null;
  messageFlags: RioBuf | null = null;
  context: unknown = undefined;

  constructor(record: RequestRecord) {
    this.record = record;
  }
}

/** What programs see as `RioCompletion`; its fields can be filled again. */
export class Completion {
  kind: "receive" | "send" = "receive";
  status = 0;
  error: RioError | null = null;
  bytesTransferred = 0;
  socket: object | null = null;
  slice: RioBuf | null = null;
  remote: RioBuf | null = null;
  local: RioBuf | null = null;
  control: RioBuf | null = null;
  context: unknown = undefined;

  fill(request: Request, status: number, bytesTransferred: number): void {
    const { slice } = request;
    const kind = request.record.isSend ? "send" : "receive";
    this.kind = kind;
    this.status = winsockNumber(status);
    this.error = status === 0 ? null : new RioError({
      errno: status,
      syscall: nameOf(request),
      attempt: `complete a ${kind} of ${slice?.length ?? 0} bytes`,
    });
    this.bytesTransferred = bytesTransferred;
    this.socket = request.socket;
    this.slice = slice;
    this.remote = request.remote;
    this.local = request.local;
    this.control = request.control;
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
 * The requests of one session.
 *
 * Each has its record at the same place of the ledger: the number of that place
 * is the request context that travels through the system. Nothing is allocated
 * once there are as many as are ever in flight at a time.
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
