/**
 * The 13 functions of the contract on Winsock.
 *
 * Posting and dequeuing write their arguments into prepared frames, and allocate
 * nothing. The `RIO_BUF` structures of a request are read during the call only,
 * so each request overwrites those of the one before.
 *
 * @module
 */
import {
  RIO_CORRUPT_CQ,
  RIO_INVALID_BUFFERID,
  RIO_INVALID_RQ,
} from "../constants.ts";
import type { RioBuf, RioHandle, RioRings } from "../contract.ts";
import {
  WSA_IO_PENDING,
  WSAEFAULT,
  WSAEINVAL,
  WSAENOBUFS,
  WSAENOTSOCK,
  WSAETOOMANYREFS,
} from "../error_numbers.ts";
import { highWord, RIO_BUF, type RioResults } from "../layout.ts";
import type { RioMemory } from "../memory.ts";
import type { CallMemory, NativeFunction } from "./call.ts";
import type { RioFunctions } from "./functions.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { Settling } from "./settling.ts";
import type { WinsockWaits } from "./waits.ts";

/** Which `RIO_BUF` each slice of a request is written to. */
const SLICE = { data: 0, local: 1, remote: 2, control: 3, flags: 4 } as const;
const SLICES = 5;
const BUF_WORDS = RIO_BUF.size / 4;
/** How many data slices a request can have: RIO allows no other number. */
const DATA_BUFFERS = 1;
/** Completions are told apart by the context of their request alone. */
const NO_CONTEXT = 0;

/** What the functions need. */
export interface WinsockRingsOptions {
  /** The native functions, for the reason of a failure. */
  symbols: WinsockSymbols;
  /** The 13 functions. */
  functions: RioFunctions;
  /** Where the `RIO_BUF` structures are made. */
  memory: CallMemory;
  /** What completion queues notify through. */
  waits: WinsockWaits;
}

/** The 13 functions, with return values as the contract has them. */
export class WinsockRings implements RioRings {
  #symbols: WinsockSymbols;
  #rio: RioFunctions;
  #waits: WinsockWaits;

  /** Request queues whose socket is open: a call with any other would crash. */
  #live = new Set<RioHandle>();
  #bySocket = new Map<RioHandle, RioHandle>();
  #settling = new Settling();
  /** The queue of the last post, known to be live without looking it up. */
  #recent: RioHandle = RIO_INVALID_RQ;

  #sliceWords: Uint32Array;
  #sliceAddress: number;
  /** The results of the last dequeue: their address is still in the frame. */
  #results: RioResults | null = null;

  /**
   * Makes room for the structures.
   *
   * @param options What the functions need.
   */
  constructor(options: WinsockRingsOptions) {
    const { symbols, functions, memory, waits } = options;
    const slices = memory.take(RIO_BUF.size * SLICES);
    this.#symbols = symbols;
    this.#rio = functions;
    this.#waits = waits;
    this.#sliceWords = slices.words;
    this.#sliceAddress = Number(slices.address);
  }

  registerBuffer(memory: RioMemory): RioHandle {
    const { RIORegisterBuffer: call } = this.#rio;
    call.invoke(Number(memory.address), memory.bytes.byteLength);
    return this.#handle(call, RIO_INVALID_BUFFERID);
  }

  deregisterBuffer(bufferId: RioHandle): void {
    this.#rio.RIODeregisterBuffer.invoke(bufferId);
  }

  createCompletionQueue(size: number, notification: number): RioHandle {
    const call = this.#rio.RIOCreateCompletionQueue;
    return this.#handle(call.invoke(size, this.#waits.describe(notification)));
  }

  closeCompletionQueue(queue: RioHandle): void {
    this.#rio.RIOCloseCompletionQueue.invoke(queue);
  }

  resizeCompletionQueue(queue: RioHandle, size: number): number {
    const call = this.#rio.RIOResizeCompletionQueue;
    return -this.#settling.call(
      () => call.invoke(queue, size).int32 !== 0 ? 0 : -this.#error(),
      WSAETOOMANYREFS,
    );
  }

  dequeueCompletion(
    queue: RioHandle,
    results: RioResults,
    max: number,
  ): number {
    const { RIODequeueCompletion } = this.#rio;
    RIODequeueCompletion.set(0, queue);
    if (results !== this.#results) {
      RIODequeueCompletion.set(1, Number(results.memory.address));
      this.#results = results;
    }
    RIODequeueCompletion.set(2, max);
    RIODequeueCompletion.call();
    const count = RIODequeueCompletion.uint32;
    return count === RIO_CORRUPT_CQ ? -count : count;
  }

  notify(queue: RioHandle): number {
    const { RIONotify } = this.#rio;
    RIONotify.set(0, queue);
    RIONotify.call();
    return RIONotify.int32;
  }

  createRequestQueue(
    socket: RioHandle,
    receives: number,
    sends: number,
    receiveQueue: RioHandle,
    sendQueue: RioHandle,
  ): RioHandle {
    const call = this.#rio.RIOCreateRequestQueue;
    const create = () =>
      this.#handle(
        call.invoke(
          socket,
          receives,
          DATA_BUFFERS,
          sends,
          DATA_BUFFERS,
          receiveQueue,
          sendQueue,
          NO_CONTEXT,
        ),
      );
    const requestQueue = this.#settling.call(create, WSAENOBUFS);
    if (requestQueue < 0) return requestQueue;
    this.#live.add(requestQueue);
    this.#bySocket.set(socket, requestQueue);
    return requestQueue;
  }

  resizeRequestQueue(
    requestQueue: RioHandle,
    receives: number,
    sends: number,
  ): number {
    if (!this.#isLive(requestQueue)) return deadQueue(requestQueue);
    const call = this.#rio.RIOResizeRequestQueue;
    return -this.#settling.call(
      () =>
        call.invoke(requestQueue, receives, sends).int32 !== 0
          ? 0
          : -this.#error(),
      // It takes what it grows by from its completion queues.
      WSAENOBUFS,
    );
  }

  receive(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const { RIOReceive } = this.#rio;
    RIOReceive.set(3, flags);
    RIOReceive.set(4, requestContext);
    return this.#post(RIOReceive, requestQueue, data);
  }

  receiveEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    localAddress: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    messageFlags: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const { RIOReceiveEx } = this.#rio;
    RIOReceiveEx.set(3, this.#slice(SLICE.local, localAddress));
    RIOReceiveEx.set(4, this.#slice(SLICE.remote, remoteAddress));
    RIOReceiveEx.set(5, this.#slice(SLICE.control, controlContext));
    RIOReceiveEx.set(6, this.#slice(SLICE.flags, messageFlags));
    RIOReceiveEx.set(7, flags);
    RIOReceiveEx.set(8, requestContext);
    return this.#post(RIOReceiveEx, requestQueue, data);
  }

  send(
    requestQueue: RioHandle,
    data: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const { RIOSend } = this.#rio;
    RIOSend.set(3, flags);
    RIOSend.set(4, requestContext);
    return this.#post(RIOSend, requestQueue, data);
  }

  sendEx(
    requestQueue: RioHandle,
    data: RioBuf | null,
    remoteAddress: RioBuf | null,
    controlContext: RioBuf | null,
    flags: number,
    requestContext: number,
  ): number {
    const { RIOSendEx } = this.#rio;
    RIOSendEx.set(4, this.#slice(SLICE.remote, remoteAddress));
    RIOSendEx.set(5, this.#slice(SLICE.control, controlContext));
    RIOSendEx.set(7, flags);
    RIOSendEx.set(8, requestContext);
    return this.#post(RIOSendEx, requestQueue, data);
  }

  /** The socket is about to be closed: its request queue is dead. */
  endRequestQueue(socket: RioHandle): void {
    const requestQueue = this.#bySocket.get(socket);
    if (requestQueue === undefined) return;
    this.#bySocket.delete(socket);
    this.#settling.begin();
    this.#live.delete(requestQueue);
    this.#recent = RIO_INVALID_RQ;
  }

  #post(
    call: NativeFunction,
    requestQueue: RioHandle,
    data: RioBuf | null,
  ): number {
    if (!this.#isLive(requestQueue)) return deadQueue(requestQueue);
    call.set(0, requestQueue);
    call.set(1, this.#slice(SLICE.data, data));
    call.set(2, data === null ? 0 : 1);
    call.call();
    if (call.int32 !== 0) return 0;
    // The reference lists 997 as a way to say that the request was accepted.
    const error = this.#error();
    return error === WSA_IO_PENDING ? 0 : error;
  }

  #isLive(requestQueue: RioHandle): boolean {
    if (requestQueue === this.#recent) return requestQueue !== RIO_INVALID_RQ;
    if (!this.#live.has(requestQueue)) return false;
    this.#recent = requestQueue;
    return true;
  }

  /** Writes a `RIO_BUF`, and returns its address, or 0 for none. */
  #slice(place: number, slice: RioBuf | null): number {
    if (slice === null) return 0;
    const words = this.#sliceWords;
    const at = place * BUF_WORDS;
    words[at] = slice.bufferId;
    words[at + 1] = highWord(slice.bufferId);
    words[at + 2] = slice.offset;
    words[at + 3] = slice.length;
    return this.#sliceAddress + place * RIO_BUF.size;
  }

  /** The handle that a function gave, or minus an error number for none. */
  #handle(call: NativeFunction, invalid = 0): RioHandle {
    const handle = call.pointer;
    if (handle === 0 || handle === invalid) return -this.#error();
    return Number.isSafeInteger(handle) ? handle : -WSAEFAULT;
  }

  #error(): number {
    return lastError(this.#symbols);
  }
}

/** The error for a request queue that was never created, or whose socket was closed. */
function deadQueue(requestQueue: RioHandle): number {
  return requestQueue === RIO_INVALID_RQ ? WSAEINVAL : WSAENOTSOCK;
}
