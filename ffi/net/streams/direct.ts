/**
 * Both directions of a connection whose data needs no requests.
 *
 * @module
 */
import { NativePromise } from "../../globals.ts";
import type { RioDirectSocket } from "../../contract.ts";
import { WSAENOTCONN, WSAEWOULDBLOCK } from "../../error_numbers.ts";
import { RioError } from "../../errors.ts";
import { copyBytes, lengthOf, partOf } from "../../plain_bytes.ts";
import { attachDirect, type Direct } from "../../session/direct.ts";
import type { RioSocket } from "../../session/socket.ts";
import type { Waiter, Watching } from "../../session/waiter.ts";
import { inTurn } from "../../turns.ts";
import {
  brokenPipe,
  callError,
  interrupted,
  toDenoError,
  transferred,
} from "../errors.ts";
import { Hold } from "../hold.ts";
import type { StreamHalves, StreamReader, StreamWriter } from "./way.ts";

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

/** What a call returns that would have to wait. */
const NOTHING_YET = -WSAEWOULDBLOCK;

/** What arrives before anybody has a place for it; used during one call. */
const arrived = new Uint8Array(CHUNK);

/** A call that waits. */
interface Call {
  reject(reason: unknown): void;
}

/** One direction. */
abstract class DirectHalf<C extends Call> implements Watching {
  /** The kernel keeps nothing of it. */
  readonly busy = false;
  readonly hold: Hold = new Hold();
  place = -1;
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
    if (this.calls.length > 0) this.failed(interrupted());
  }

  /** Ends the calls that wait, each with the reason. */
  failed(reason: unknown): void {
    for (const call of this.calls.splice(0)) call.reject(toDenoError(reason));
    this.rest();
  }

  protected wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.hold.begin();
    this.#waiter.enter(this, this.#referenced);
  }

  protected rest(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.hold.end();
    this.#waiter.leave(this, this.#referenced);
  }
}

/** A read that waits. */
interface Read extends Call {
  /** Where to put it; `null` for a new array of the right size. */
  readonly into: Uint8Array | null;
  /** For a new array: the most that it has. */
  readonly most: number;
  /** Told the number of bytes, or the new array; `null` at the end. */
  resolve(value: never): void;
}

/** Receives when somebody reads. */
export class DirectReader extends DirectHalf<Read> implements StreamReader {
  /** What arrived with an earlier read. */
  #rest: Uint8Array<ArrayBuffer> | null = null;

  read(into: Uint8Array): Promise<number | null> {
    // Those who came before are served first.
    const count = this.calls.length === 0 ? this.#take(into) : NOTHING_YET;
    if (count !== NOTHING_YET) {
      return NativePromise.resolve(inTurn(lengthRead(count)));
    }
    return new NativePromise((resolve, reject) => {
      this.calls.push({ into, most: 0, resolve, reject });
      this.wait();
    });
  }

  readChunk(length: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const most = Math.min(length, CHUNK);
    const count = this.calls.length === 0 ? this.#fill(most) : NOTHING_YET;
    if (count !== NOTHING_YET) {
      return NativePromise.resolve(inTurn(chunkRead(count)));
    }
    return new NativePromise((resolve, reject) => {
      this.calls.push({ into: null, most, resolve, reject });
      this.wait();
    });
  }

  /** Takes what has arrived, for those who wait for it. */
  readable(): void {
    const { calls } = this;
    while (calls.length > 0 && this.#settle(calls[0]!)) calls.shift();
    if (calls.length === 0) this.rest();
  }

  /** Serves a read with what there is; returns whether there was something. */
  #settle({ into, most, resolve, reject }: Read): boolean {
    try {
      const count = into === null ? this.#fill(most) : this.#take(into);
      if (count === NOTHING_YET) return false;
      const read = into === null ? chunkRead(count) : lengthRead(count);
      resolve(read as never);
    } catch (error) {
      reject(error);
    }
    return true;
  }

  /** Puts what there is into an array; its count, or minus an error number. */
  #take(into: Uint8Array): number {
    const length = lengthOf(into);
    if (length === 0) throw transferred("read");
    if (length >= READ_AHEAD && this.#rest === null) {
      return this.io.receive(length > MOST ? partOf(into, 0, MOST) : into);
    }
    const count = this.#fill(Math.min(length, CHUNK));
    if (count > 0) copyBytes(arrived, 0, count, into);
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
  resolve(bytes: number): void;
}

/** Sends what is written. */
export class DirectWriter extends DirectHalf<Job> implements StreamWriter {
  readonly #socket: RioSocket;
  #ended = false;

  constructor(direct: Direct, socket: RioSocket) {
    super(direct);
    this.#socket = socket;
  }

  write(bytes: Uint8Array, atOnce: boolean): Promise<number> {
    const length = lengthOf(bytes);
    // Those who came before go first.
    const sent = this.calls.length === 0 ? this.#send(bytes, atOnce) : 0;
    if (sent === length && this.calls.length === 0) {
      return NativePromise.resolve(inTurn(length));
    }
    return this.#wait(sent === 0 ? bytes : partOf(bytes, sent), length);
  }

  end(): Promise<unknown> {
    if (this.calls.length > 0) return this.#wait(null, 0);
    this.#end();
    return NativePromise.resolve();
  }

  #wait(left: Uint8Array | null, length: number): Promise<number> {
    return new NativePromise((resolve, reject) => {
      this.calls.push({ left, length, resolve, reject });
      this.wait();
    });
  }

  /** Goes on with what waited for room. */
  writable(): void {
    const { calls } = this;
    while (calls.length > 0 && this.#settle(calls[0]!)) calls.shift();
    if (calls.length === 0) this.rest();
  }

  /** Does what can be done of a job; returns whether it came to its end. */
  #settle(job: Job): boolean {
    const { left, length } = job;
    try {
      if (left === null) this.#end();
      else {
        if (lengthOf(left) === 0 && length > 0) throw transferred("write");
        const sent = this.#send(left, false);
        if (sent < lengthOf(left)) {
          job.left = partOf(left, sent);
          return false;
        }
      }
      job.resolve(length);
    } catch (error) {
      job.reject(error);
    }
    return true;
  }

  /** Sends as much as there is room for; how many bytes that was. */
  #send(bytes: Uint8Array, atOnce: boolean): number {
    const length = lengthOf(bytes);
    if (length === 0 && this.#ended) throw brokenPipe();
    let sent = 0;
    while (sent < length) {
      const end = Math.min(length, sent + MOST);
      const all = sent === 0 && end === length;
      const part = all ? bytes : partOf(bytes, sent, end);
      const count = this.io.send(part, atOnce);
      if (count === NOTHING_YET) break;
      if (count < 0) throw callError(-count, "send", "send");
      sent += count;
    }
    return sent;
  }

  #end(): void {
    try {
      this.#socket.shutdown("send");
      this.#ended = true;
    } catch (error) {
      // A connection that is gone sends nothing more, as was wanted.
      const gone = error instanceof RioError && error.errno === WSAENOTCONN;
      if (!gone) throw toDenoError(error);
    }
  }
}

/**
 * Takes over the data of a connected socket.
 *
 * @throws {RioError} If the system refuses.
 */
export function openHalves(socket: RioSocket): StreamHalves {
  const direct = attachDirect(socket, {
    readable: () => reader.readable(),
    writable: () => writer.writable(),
    closed() {
      reader.close();
      writer.close();
    },
  })!;
  const reader = new DirectReader(direct);
  const writer = new DirectWriter(direct, socket);
  return { reader, writer };
}

/** What a read resolves with: the count, `null` for the end. */
function lengthRead(count: number): number | null {
  if (count < 0) throw callError(-count, "recv", "receive");
  return count === 0 ? null : count;
}

/** The same with a new array. */
function chunkRead(count: number): Uint8Array<ArrayBuffer> | null {
  return lengthRead(count) === null ? null : arrived.slice(0, count);
}
