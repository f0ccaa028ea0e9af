/**
 * Waiting on another thread, for notifications and for overlapped calls.
 *
 * Two native calls wait, each on a pool thread and at most once at a time: one
 * for the packets of an I/O completion port, one for the events of queues that
 * notify through events. The first that returns ends the wait; the other goes
 * on, and the next wait takes it over. A native call cannot be cancelled, only
 * woken, so what it uses is released only after it has returned.
 *
 * @module
 */
import {
  INFINITE,
  MAXIMUM_WAIT_OBJECTS,
  RIO_EVENT_COMPLETION,
  RIO_IOCP_COMPLETION,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
} from "../constants.ts";
import type { RioNotificationKind, RioWaits } from "../contract.ts";
import { WSAEMFILE, WSASYSCALLFAILURE } from "../error_numbers.ts";
import { OVERLAPPED_ENTRY, RIO_NOTIFICATION_COMPLETION } from "../layout.ts";
import { setCallReferenced } from "../pending_call.ts";
import type { CallBlock, CallMemory } from "./call.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { Operations } from "./operations.ts";

const MAX_PACKETS = 64;
/** Where the 64-bit words of a packet are. */
const PACKET = OVERLAPPED_ENTRY.size / 8;
const KEY = OVERLAPPED_ENTRY.completionKey / 8;
const OVERLAPPED = OVERLAPPED_ENTRY.overlapped / 8;
/** Where the number of packets is: behind the last, in bytes. */
const COUNT = MAX_PACKETS * OVERLAPPED_ENTRY.size;
/** Words of a `RIO_NOTIFICATION_COMPLETION`, which has four of 64 bits. */
const EVENT = BigInt(RIO_EVENT_COMPLETION);
const IOCP = BigInt(RIO_IOCP_COMPLETION);
const NOTIFY_RESET = 1n;
const INVALID_HANDLE_VALUE = 0xFFFFFFFFFFFFFFFFn;

/** How often, and how long each time, closing waits for cancelled calls. */
const DRAIN_ATTEMPTS = 20;
const DRAIN_MILLISECONDS = 10;

/**
 * Waits that were closed although the system may still write to their memory;
 * kept for the life of the process.
 */
const abandoned = new Set<WinsockWaits>();

/** The waits of one backend. */
export class WinsockWaits implements RioWaits {
  /** The overlapped calls whose packets the port takes. */
  readonly operations = new Operations();
  readonly way = "thread";
  readonly looks = false;
  readonly fired = new Float64Array(MAX_PACKETS + MAXIMUM_WAIT_OBJECTS);

  #symbols: WinsockSymbols;
  /** Ends the wait that goes on; `null` while none does. */
  #resolve: ((count: number) => void) | null = null;
  /** Keys that have fired, and that no wait has reported yet. */
  #found: number[] = [];
  #failed = false;
  #woken = false;
  /** Whether native calls keep the process alive. */
  #referenced = true;
  /** What is called when nothing native is left; `null` until closing begins. */
  #closing: (() => void) | null = null;

  #port = 0n;
  /** The native call that takes packets, while it goes on. */
  #portCall: Promise<number> | null = null;
  /** The `OVERLAPPED` of each queue that notifies through the port, by key. */
  #queues = new Map<number, number>();
  #packets: CallBlock;
  #countAddress: bigint;

  /** The native call that waits for events, while it goes on. */
  #eventsCall: Promise<number> | null = null;
  /** The events of queues, by key. */
  #events = new Map<number, bigint>();
  /** Events that nobody needs any more, but the native call still waits for. */
  #retired: bigint[] = [];
  #wakeEvent = 0n;
  #handles: CallBlock;

  #descriptor: CallBlock;

  /**
   * Makes room for packets and handles; opens nothing yet.
   *
   * @param symbols The native functions.
   * @param memory Where the native calls read and write.
   */
  constructor(symbols: WinsockSymbols, memory: CallMemory) {
    this.#symbols = symbols;
    this.#packets = memory.take(COUNT + 4);
    this.#countAddress = this.#packets.address + BigInt(COUNT);
    this.#handles = memory.take(8 * MAXIMUM_WAIT_OBJECTS);
    this.#descriptor = memory.take(RIO_NOTIFICATION_COMPLETION.size);
  }

  createNotification(kind: RioNotificationKind, key: number): number {
    const error = kind === "iocp" ? this.#addQueue(key) : this.#addEvent(key);
    this.#cover();
    return error;
  }

  closeNotification(key: number): void {
    this.#queues.delete(key);
    const event = this.#events.get(key);
    if (event === undefined) return;
    this.#events.delete(key);
    if (this.#eventsCall) {
      this.#retired.push(event);
      this.#wakeEvents();
    } else {
      this.#symbols.CloseHandle(event);
    }
  }

  /** Writes a `RIO_NOTIFICATION_COMPLETION`; returns its address, or 0 for none. */
  describe(key: number): number {
    if (key === 0) return 0;
    const event = this.#events.get(key);
    this.#descriptor.wideWords.set(
      event === undefined
        ? [IOCP, this.#port, BigInt(key), BigInt(this.#queues.get(key)!)]
        : [EVENT, event, NOTIFY_RESET, 0n],
    );
    return Number(this.#descriptor.address);
  }

  /** Lets the port take the packets of a socket; returns an error number. */
  associate(socket: bigint): number {
    const error = this.#openPort();
    if (error !== 0) return error;
    this.#cover();
    const { CreateIoCompletionPort } = this.#symbols;
    const port = CreateIoCompletionPort(socket, this.#port, 0n, 0);
    return port === 0n ? lastError(this.#symbols) : 0;
  }

  wait(): Promise<number> {
    const ended = this.#woken || this.#closing !== null || this.#failed ||
      this.#found.length > 0;
    if (!ended && this.#events.size === 0) {
      const error = this.#openPort();
      if (error !== 0) return Promise.resolve(-error);
    }
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#resolve = resolve;
    this.#woken = false;
    if (ended) this.#settle();
    else this.#cover();
    return promise;
  }

  wake(): void {
    if (this.#resolve === null) {
      this.#woken = true;
      return;
    }
    const woken = this.#portCall ? this.#wakePort() : this.#wakeEvents();
    if (!woken) this.#settle();
  }

  setReferenced(referenced: boolean): boolean {
    const can = setCallReferenced(this.#portCall, referenced) &&
      setCallReferenced(this.#eventsCall, referenced);
    this.#referenced = referenced || !can;
    return can || referenced;
  }

  /**
   * Wakes the native calls, and releases everything when they have returned.
   *
   * @param finished Called when nothing native is left; `null` to keep
   * everything for the life of the process.
   */
  close(finished: (() => void) | null): void {
    if (this.#closing !== null) return;
    if (finished === null) abandoned.add(this);
    this.#closing = finished ?? (() => {});
    // Tried twice: whoever waits would otherwise wait forever.
    if (this.#portCall) this.#wakePort() || this.#wakePort();
    if (this.#eventsCall) this.#wakeEvents() || this.#wakeEvents();
    this.#finishClosing();
  }

  #openPort(): number {
    if (this.#port !== 0n) return 0;
    const { CreateIoCompletionPort } = this.#symbols;
    this.#port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0n, 0n, 1);
    return this.#port === 0n ? lastError(this.#symbols) : 0;
  }

  #addQueue(key: number): number {
    const error = this.#openPort();
    if (error !== 0) return error;
    // The slot is not used again while the port is open: a queue that was closed
    // may still send a notification with its address.
    this.#queues.set(key, this.operations.take().address);
    return 0;
  }

  #addEvent(key: number): number {
    // One of the places is taken by the wake-up.
    if (this.#events.size === MAXIMUM_WAIT_OBJECTS - 1) return WSAEMFILE;
    this.#wakeEvent ||= this.#createEvent();
    if (this.#wakeEvent === 0n) return lastError(this.#symbols);
    const event = this.#createEvent();
    if (event === 0n) return lastError(this.#symbols);
    this.#events.set(key, event);
    // The native call that goes on does not wait for it, but the next one will.
    if (this.#eventsCall) this.#wakeEvents();
    return 0;
  }

  /**
   * With manual reset: the end of the native wait leaves the event signalled, so
   * that it can be seen which one it was.
   */
  #createEvent(): bigint {
    return this.#symbols.CreateEventW(0n, 1, 0, 0n);
  }

  #wakePort(): boolean {
    const { PostQueuedCompletionStatus } = this.#symbols;
    return PostQueuedCompletionStatus(this.#port, 0, 0n, 0n) !== 0;
  }

  #wakeEvents(): boolean {
    return this.#symbols.SetEvent(this.#wakeEvent) !== 0;
  }

  /** Makes the native calls that the wait that goes on still needs. */
  #cover(): void {
    if (this.#resolve === null) return;
    if (this.#port !== 0n && this.#portCall === null) this.#waitForPackets();
    if (this.#events.size > 0 && this.#eventsCall === null) {
      this.#waitForEvents();
    }
  }

  async #waitForPackets(): Promise<void> {
    this.#portCall = this.#symbols.GetQueuedCompletionStatusEx(
      this.#port,
      this.#packets.address,
      MAX_PACKETS,
      this.#countAddress,
      INFINITE,
      0,
    );
    setCallReferenced(this.#portCall, this.#referenced);
    const succeeded = await this.#portCall;
    this.#portCall = null;
    if (succeeded !== 0) this.#readPackets();
    else this.#failed = true;
    this.#returned();
  }

  #readPackets(): void {
    const packets = this.#packets.wideWords;
    const end = this.#packets.words[COUNT / 4]! * PACKET;
    for (let at = 0; at < end; at += PACKET) {
      const queue = Number(packets[at + KEY]);
      const overlapped = Number(packets[at + OVERLAPPED]);
      const key = this.#queues.has(queue)
        ? queue
        : this.operations.arrive(overlapped)?.key;
      // Without a key it is a wake-up, or tells of a queue that was closed.
      if (key !== undefined) this.#found.push(key);
    }
  }

  async #waitForEvents(): Promise<void> {
    const handles = [this.#wakeEvent, ...this.#events.values()];
    this.#handles.wideWords.set(handles);
    this.#eventsCall = this.#symbols.WaitForMultipleObjects(
      handles.length,
      this.#handles.address,
      0,
      INFINITE,
    );
    setCallReferenced(this.#eventsCall, this.#referenced);
    const index = await this.#eventsCall;
    this.#eventsCall = null;
    if (index >= WAIT_OBJECT_0 + MAXIMUM_WAIT_OBJECTS) this.#failed = true;
    this.#symbols.ResetEvent(this.#wakeEvent);
    for (const event of this.#retired.splice(0)) {
      this.#symbols.CloseHandle(event);
    }
    for (const [key, event] of this.#events) {
      const state = this.#symbols.WaitForSingleObject(event, 0);
      if (state === WAIT_TIMEOUT) continue;
      this.#symbols.ResetEvent(event);
      this.#found.push(key);
    }
    this.#returned();
  }

  #returned(): void {
    this.#settle();
    this.#finishClosing();
  }

  #settle(): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    // Nobody is left to be told of what closing has found.
    const keys = this.#closing ? [] : this.#found.splice(0);
    this.fired.set(keys);
    // Why it failed is known to the pool thread only.
    const nothing = this.#failed ? -WSASYSCALLFAILURE : 0;
    this.#failed = false;
    resolve(keys.length || nothing);
  }

  #finishClosing(): void {
    const finished = this.#closing;
    if (finished === null || this.#portCall || this.#eventsCall) return;
    this.#closing = () => {};
    if (abandoned.has(this)) return;
    this.#drain();
    const events = this.#events.values();
    for (const handle of [...events, this.#wakeEvent, this.#port]) {
      if (handle !== 0n) this.#symbols.CloseHandle(handle);
    }
    this.#events.clear();
    this.#wakeEvent = 0n;
    this.#port = 0n;
    finished();
  }

  /** Takes the packets of overlapped calls that closing sockets cancelled. */
  #drain(): void {
    for (let i = 0; this.operations.pending > 0; i++) {
      if (i === DRAIN_ATTEMPTS) {
        // The system may still write to their memory.
        abandoned.add(this);
        return;
      }
      const succeeded = this.#symbols.DrainQueuedCompletionStatusEx(
        this.#port,
        this.#packets.address,
        MAX_PACKETS,
        this.#countAddress,
        DRAIN_MILLISECONDS,
        0,
      );
      if (succeeded !== 0) this.#readPackets();
    }
  }
}
