/**
 * Both directions of a connection whose data needs no requests.
 *
 * @module
 */
import type { RioDirectSocket, RioWatcher } from "../../contract.ts";
import {
  WSAECONNRESET,
  WSAENOTCONN,
  WSAENOTSOCK,
  WSAEWOULDBLOCK,
} from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import { lengthOf, partOf } from "../../plain_bytes.ts";
import { attachDirect, type Direct } from "../../session/direct.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Waiter } from "../../session/waiter.ts";
import { nextTurn, turnIsDue } from "../../turns.ts";
import {
  badResource,
  brokenPipe,
  interrupted,
  toDenoError,
} from "../errors.ts";

/**
 * A read of less than this takes what has arrived up to this much, and keeps
 * the rest for the next read: whatever is less than that was all there is, so
 * that nobody asks in vain.
 */
const READ_AHEAD = 4096;
/** The most of one chunk of a stream. */
const CHUNK = 65536;
/** The most of one call: results are read as 32-bit numbers. */
const MOST = 1 << 30;
/** Up to so many bytes a loop copies faster than a call. */
const FEW = 64;

/** What arrives before anybody has a place for it; used during one call. */
const arrived = new Uint8Array(CHUNK);

/** A call that waits. */
interface Call {
  reject(reason: unknown): void;
}

/** One direction. */
abstract class DirectHalf<C extends Call> {
  /** The kernel keeps nothing of it. */
  readonly busy = false;
  protected readonly io: RioDirectSocket;
  /** The calls that wait, in their order. */
  protected readonly calls: C[] = [];
  readonly #waiter: Waiter;
  #waiting = false;
  #referenced = true;

  constructor({ io, waiter }: Direct) {
    this.io = io;
    this.#waiter = waiter;
  }

  /** Changes whether waiting keeps the process alive. */
  setReferenced(referenced: boolean): void {
    if (referenced === this.#referenced) return;
    this.#referenced = referenced;
    if (this.#waiting) this.#waiter.reference(this, referenced);
  }

  /** Ends the calls that wait; the owner of the socket closes that next. */
  close(): void {
    this.failed(interrupted());
  }

  /** Ends the calls that wait, each with the reason. */
  failed(reason: unknown): void {
    for (const call of this.calls.splice(0)) call.reject(toDenoError(reason));
    this.rest();
  }

  protected wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#waiter.enter(this, this.#referenced);
  }

  protected rest(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#waiter.leave(this, this.#referenced);
  }
}

/** A read that was asked for. */
interface Read extends Call {
  /** Where to put it; `null` for a new array of the right size. */
  readonly into: Uint8Array | null;
  /** For a new array: the most that it has. */
  readonly most: number;
  /** Told the new array, or the number of bytes; `null` at the end. */
  resolve(value: unknown): void;
}

/** Receives when somebody reads. */
export class DirectReader extends DirectHalf<Read> {
  /** What arrived with an earlier read. */
  #rest: Uint8Array<ArrayBuffer> | null = null;

  /** Reads into an array; resolves with `null` at the end of the stream. */
  read(
    into: Uint8Array,
    resolve: (count: number | null | Promise<number | null>) => void,
    reject: (error: unknown) => void,
  ): void {
    this.#add({ into, most: 0, resolve: resolve as Read["resolve"], reject });
  }

  /** Reads into a new array of the right size; `null` at the end. */
  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const most = Math.min(length, CHUNK);
    return new Promise((resolve, reject) => {
      const read = { into: null, most, reject };
      this.#add({ ...read, resolve: resolve as Read["resolve"] });
    });
  }

  /** Takes what has arrived, for those who wait for it. */
  readable(): void {
    const { calls } = this;
    while (calls.length > 0 && this.#settle(calls[0]!, false)) calls.shift();
    if (calls.length === 0) this.rest();
  }

  #add(read: Read): void {
    // Those who came before are served first.
    if (this.calls.length === 0 && this.#settle(read, true)) return;
    this.calls.push(read);
    this.wait();
  }

  /**
   * Serves a read with what there is.
   *
   * @param soon Whether nothing was waited for: then it may be time for a turn
   * of the event loop.
   * @returns Whether it was served; otherwise nothing is there.
   */
  #settle(read: Read, soon: boolean): boolean {
    const { into, most } = read;
    if (into !== null && lengthOf(into) === 0) {
      read.reject(new TypeError("Cannot read: the array was transferred"));
      return true;
    }
    const count = into === null ? this.#fill(most) : this.#take(into);
    if (count === -WSAEWOULDBLOCK) return false;
    if (count < 0) {
      read.reject(errorOf(-count, "recv"));
      return true;
    }
    const value = into === null ? chunk(count) : count === 0 ? null : count;
    read.resolve(soon ? inTurn(value) : value);
    return true;
  }

  /** Puts what there is into an array; its count, or minus an error number. */
  #take(into: Uint8Array): number {
    const length = lengthOf(into);
    if (length >= READ_AHEAD && this.#rest === null) {
      return this.io.receive(length > MOST ? partOf(into, 0, MOST) : into);
    }
    const count = this.#fill(Math.min(length, CHUNK));
    if (count > 0) copy(into, count);
    return count;
  }

  /** The same into the head of {@linkcode arrived}; keeps what is too much. */
  #fill(most: number): number {
    const rest = this.#rest;
    if (rest === null) {
      const room = Math.max(most, READ_AHEAD);
      const count = this.io.receive(arrived.subarray(0, room));
      if (count > most) this.#rest = arrived.slice(most, count);
      return Math.min(count, most);
    }
    const count = Math.min(rest.length, most);
    arrived.set(count < rest.length ? rest.subarray(0, count) : rest);
    this.#rest = count < rest.length ? rest.subarray(count) : null;
    return count;
  }
}

/** Something to do in its turn: a write, or the end of sending. */
interface Job extends Call {
  /** What is still to be written; `null` ends sending. */
  left: Uint8Array | null;
  /** Bytes of the whole. */
  readonly length: number;
  resolve(bytes: number | Promise<number>): void;
}

/** Sends what is written. */
export class DirectWriter extends DirectHalf<Job> {
  readonly #socket: RioSocket;
  #ended = false;

  constructor(direct: Direct, socket: RioSocket) {
    super(direct);
    this.#socket = socket;
  }

  /** Writes all bytes, after what was written before; `null` ends sending. */
  write(
    bytes: Uint8Array | null,
    resolve: Job["resolve"],
    reject: Job["reject"],
  ): void {
    const length = bytes === null ? 0 : lengthOf(bytes);
    const job: Job = { left: bytes, length, resolve, reject };
    if (this.calls.length === 0 && this.#settle(job, true)) return;
    this.calls.push(job);
    this.wait();
  }

  /** Ends sending, after what was written before. */
  end(): Promise<unknown> {
    return new Promise((resolve, reject) => this.write(null, resolve, reject));
  }

  /** Goes on with what waited for room. */
  writable(): void {
    const { calls } = this;
    while (calls.length > 0 && this.#settle(calls[0]!, false)) calls.shift();
    if (calls.length === 0) this.rest();
  }

  /**
   * Does what can be done of a job.
   *
   * @param soon Whether nothing was waited for.
   * @returns Whether it came to its end.
   */
  #settle(job: Job, soon: boolean): boolean {
    if (job.left === null) {
      this.#end(job);
      return true;
    }
    if (job.length === 0 && this.#ended) {
      job.reject(brokenPipe());
      return true;
    }
    while (lengthOf(job.left) > 0) {
      const length = lengthOf(job.left);
      const all = length <= MOST;
      const sent = this.io.send(all ? job.left : partOf(job.left, 0, MOST));
      if (sent === -WSAEWOULDBLOCK) return false;
      if (sent < 0) {
        job.reject(writeError(-sent));
        return true;
      }
      if (sent === length) break;
      job.left = partOf(job.left, sent);
    }
    job.resolve(soon ? inTurn(job.length) : job.length);
    return true;
  }

  #end(job: Job): void {
    try {
      this.#socket.shutdown("send");
      this.#ended = true;
    } catch (error) {
      // A connection that is gone sends nothing more, as was wanted.
      if (!(error instanceof RioError) || error.errno !== WSAENOTCONN) {
        job.reject(toDenoError(error));
        return;
      }
    }
    job.resolve(0);
  }
}

/** Both directions of a connection. */
export interface DirectHalves {
  readonly reader: DirectReader;
  readonly writer: DirectWriter;
}

/**
 * Takes over the data of a connected socket.
 *
 * @throws {RioError} If the system refuses.
 */
export function openHalves(socket: RioSocket): DirectHalves {
  const halves: { made: DirectHalves | null } = { made: null };
  const watcher: RioWatcher = {
    readable: () => halves.made?.reader.readable(),
    writable: () => halves.made?.writer.writable(),
    closed() {
      halves.made?.reader.failed(interrupted());
      halves.made?.writer.failed(interrupted());
    },
  };
  const direct = attachDirect(socket, watcher)!;
  return halves.made = {
    reader: new DirectReader(direct),
    writer: new DirectWriter(direct, socket),
  };
}

/** The value, after a turn of the event loop where one is due. */
function inTurn<T>(value: T): T | Promise<T> {
  return turnIsDue() ? nextTurn().then(() => value) : value;
}

function copy(into: Uint8Array, count: number): void {
  if (count > FEW) into.set(arrived.subarray(0, count));
  else for (let i = 0; i < count; i++) into[i] = arrived[i]!;
}

function chunk(count: number): Uint8Array<ArrayBuffer> | null {
  return count === 0 ? null : arrived.slice(0, count);
}

function errorOf(errno: number, syscall: string): unknown {
  if (errno === WSAENOTSOCK) return badResource();
  const attempt = syscall === "recv" ? "receive" : "send";
  return toDenoError(new RioError({ errno, syscall, attempt }));
}

function writeError(errno: number): unknown {
  const error = errorOf(errno, "send");
  // Deno's own sockets call this a broken pipe.
  return errno === WSAECONNRESET ? brokenPipe(error) : error;
}
