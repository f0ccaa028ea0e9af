/**
 * Waiting on another thread, for notifications and for overlapped calls: the
 * backends of a thread share one wait.
 *
 * Two native calls wait, each on a pool thread and at most once at a time: one
 * for the packets of an I/O completion port, and only while a queue notifies
 * through an event, one for events. The first that finds something ends the
 * wait; the other goes on, and the next wait takes it over. A native call cannot
 * be cancelled, only woken, so what it uses is released only after it has
 * returned.
 *
 * One call could wait for both if events sent packets to the port. Only
 * `NtAssociateWaitCompletionPacket` has them do so, which no header declares,
 * and Wine lacks; that a port can be waited for like an event is not documented.
 *
 * @module
 */
import {
  MAXIMUM_WAIT_OBJECTS,
  RIO_EVENT_COMPLETION,
  RIO_IOCP_COMPLETION,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
} from "../constants.ts";
import type { RioNotificationKind, RioWaits } from "../contract.ts";
import { WSASYSCALLFAILURE } from "../error_numbers.ts";
import { timeNow } from "../clock.ts";
import { NativePromise } from "../globals.ts";
import { RIO_NOTIFICATION_COMPLETION } from "../layout.ts";
import { setCallReferenced } from "../pending_call.ts";
import { type CallBlock, CallMemory } from "./call.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { Operations, type Slot } from "./operations.ts";
import { MAX_PACKETS, Packets } from "./packets.ts";

/** Words of a `RIO_NOTIFICATION_COMPLETION`, which has four of 64 bits. */
const EVENT = BigInt(RIO_EVENT_COMPLETION);
const IOCP = BigInt(RIO_IOCP_COMPLETION);
const NOTIFY_RESET = 1n;
/** What packets of overlapped calls and wake-ups have in place of a queue's key. */
const NO_QUEUE = 0n;
const INVALID_HANDLE_VALUE = 0xFFFFFFFFFFFFFFFFn;

/**
 * A wait goes on after so long, in milliseconds: a thread of Deno that ends
 * waits for calls on its pool, and only then are its sockets closed.
 */
const SLEEP_MS = 1000;
/** A call that ends so soon has failed. */
const EARLY_MS = SLEEP_MS / 2;

/** How often, and how long each time, closing waits for cancelled calls. */
const DRAIN_ATTEMPTS = 20;
const DRAIN_MILLISECONDS = 10;

/**
 * Waits that the system may still use after they were closed, or write to their
 * memory; kept for the life of the process.
 */
const abandoned = new Set<WinsockWaits>();

/** The wait of one thread, for all backends that call the same functions. */
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
  /** Why the wait that goes on, or the next one, fails; 0 if it does not. */
  #error = 0;
  /** Whether the wait that goes on, or the next one, was told to end. */
  #woken = false;
  /** Whether waiting keeps the process alive. */
  #referenced = true;
  /** What is called when nothing native goes on; `null` until closing begins. */
  #closing: ((kept: boolean) => void) | null = null;

  #port = 0n;
  /** The native call that takes packets, while it goes on. */
  #portCall: Promise<number> | null = null;
  /** The `OVERLAPPED` of each queue that notifies through the port, by key. */
  #queues = new Map<number, Slot>();
  #packets: Packets;

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
   */
  constructor(symbols: WinsockSymbols) {
    const memory = new CallMemory();
    this.#symbols = symbols;
    this.#packets = new Packets(symbols, memory);
    this.#handles = memory.take(8 * MAXIMUM_WAIT_OBJECTS);
    this.#descriptor = memory.take(RIO_NOTIFICATION_COMPLETION.size);
  }

  createNotification(kind: RioNotificationKind, key: number): number {
    // One of the places is taken by the wake-up. What finds none notifies through
    // the port, which takes any number.
    const full = this.#events.size === MAXIMUM_WAIT_OBJECTS - 1;
    const error = kind === "iocp" || full
      ? this.#addQueue(key)
      : this.#addEvent(key);
    this.#cover();
    return error;
  }

  closeNotification(key: number): void {
    const slot = this.#queues.get(key);
    // The system only handed its address on, in packets that name the key.
    if (slot !== undefined) this.operations.give(slot);
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
        ? [IOCP, this.#port, BigInt(key), this.#overlappedOf(key)]
        : [EVENT, event, NOTIFY_RESET, 0n],
    );
    return Number(this.#descriptor.address);
  }

  #overlappedOf(key: number): bigint {
    return BigInt(this.#queues.get(key)!.address);
  }

  /** Lets the port take the packets of a socket; returns an error number. */
  associate(socket: bigint): number {
    const error = this.#openPort();
    if (error !== 0) return error;
    this.#cover();
    const { CreateIoCompletionPort } = this.#symbols;
    const port = CreateIoCompletionPort(socket, this.#port, NO_QUEUE, 0);
    return port === 0n ? lastError(this.#symbols) : 0;
  }

  wait(): Promise<number> {
    const { promise, resolve } = NativePromise.withResolvers<number>();
    this.#resolve = resolve;
    this.#goOn();
    return promise;
  }

  wake(): void {
    this.#woken = true;
    if (this.#resolve === null) return;
    const woken = this.#portCall ? this.#wakePort() : this.#wakeEvents();
    if (woken) this.#reference();
    else this.#settle();
  }

  setReferenced(referenced: boolean): boolean {
    this.#referenced = referenced;
    return this.#reference() || referenced;
  }

  /** Keeps everything for the life of the process: queues may still notify. */
  keep(): void {
    abandoned.add(this);
  }

  /**
   * Wakes the native calls, and releases everything when they have returned.
   *
   * @param finished Called when no native call goes on any more, with whether
   * what they use is kept, because the system may still use it.
   */
  close(finished: (kept: boolean) => void): void {
    this.#closing = finished;
    this.#reference();
    // Tried twice: whoever waits would otherwise wait forever.
    const woken = (!this.#portCall || this.#wakePort() || this.#wakePort()) &&
      (!this.#eventsCall || this.#wakeEvents() || this.#wakeEvents());
    if (!woken) this.#finish(true);
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
    this.#queues.set(key, this.operations.take());
    return 0;
  }

  #addEvent(key: number): number {
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
    return PostQueuedCompletionStatus(this.#port, 0, NO_QUEUE, 0n) !== 0;
  }

  #wakeEvents(): boolean {
    return this.#symbols.SetEvent(this.#wakeEvent) !== 0;
  }

  /** Whether there is a reason to end the wait that goes on, or the next one. */
  #isOver(): boolean {
    return this.#woken || this.#error !== 0 || this.#closing !== null ||
      this.#found.length > 0;
  }

  /** Ends the wait that goes on, or sees to it that native calls go on for it. */
  #goOn(): void {
    if (this.#resolve === null) return;
    // Without a native call there would be nothing to wake.
    if (!this.#isOver() && this.#events.size === 0) {
      this.#error = this.#openPort();
    }
    if (this.#isOver()) this.#settle();
    else this.#cover();
  }

  /** Makes the native calls that the wait that goes on still needs. */
  #cover(): void {
    if (this.#resolve === null) return;
    if (this.#port !== 0n && this.#portCall === null) this.#waitForPackets();
    if (this.#events.size > 0 && this.#eventsCall === null) {
      this.#waitForEvents();
    }
    this.#reference();
  }

  /**
   * Says whether the native calls keep the process alive: while nobody waits they
   * do not, and what was woken does, because somebody waits for it to return.
   *
   * @returns `false` where they do anyway.
   */
  #reference(): boolean {
    const referenced = this.#closing !== null ||
      this.#resolve !== null && (this.#woken || this.#referenced);
    return setCallReferenced(this.#portCall, referenced) &&
      setCallReferenced(this.#eventsCall, referenced);
  }

  async #waitForPackets(): Promise<void> {
    const began = timeNow();
    this.#portCall = this.#packets.wait(this.#port, SLEEP_MS);
    const succeeded = await this.#portCall;
    this.#portCall = null;
    // Why it failed is known to the pool thread only: if it was not in time, it
    // was not for the time.
    if (succeeded !== 0) this.#packets.read(this.#arrived);
    else if (timeNow() - began < EARLY_MS) this.#error = WSASYSCALLFAILURE;
    this.#returned();
  }

  /** Takes note of a packet; of wake-ups and closed queues none is taken. */
  readonly #arrived = (key: number, overlapped: number): void => {
    if (key === 0) {
      const call = this.operations.arrive(overlapped);
      if (call !== undefined) this.#found.push(call.key);
      // Not by its `OVERLAPPED`: that of a queue that was closed may be another's
      // by now.
    } else if (this.#queues.has(key)) this.#found.push(key);
  };

  async #waitForEvents(): Promise<void> {
    const handles = [this.#wakeEvent, ...this.#events.values()];
    this.#handles.wideWords.set(handles);
    this.#eventsCall = this.#symbols.WaitForMultipleObjects(
      handles.length,
      this.#handles.address,
      0,
      SLEEP_MS,
    );
    const index = await this.#eventsCall;
    this.#eventsCall = null;
    if (
      index >= WAIT_OBJECT_0 + MAXIMUM_WAIT_OBJECTS && index !== WAIT_TIMEOUT
    ) {
      this.#error = WSASYSCALLFAILURE;
    }
    this.#symbols.ResetEvent(this.#wakeEvent);
    for (const event of this.#retired.splice(0)) {
      this.#symbols.CloseHandle(event);
    }
    for (const [key, event] of this.#events) {
      const state = this.#symbols.WaitForSingleObject(event, 0);
      // Where it is not known, the event stays as it is for the next wait; where it
      // stays signalled, too: that would tell once more of what was told.
      if (state !== WAIT_OBJECT_0) continue;
      if (this.#symbols.ResetEvent(event) !== 0) this.#found.push(key);
    }
    this.#returned();
  }

  #returned(): void {
    this.#goOn();
    this.#finishClosing();
  }

  #settle(): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    this.#woken = false;
    this.#reference();
    // Nobody is left to be told of what closing has found.
    const keys = this.#closing ? [] : this.#found.splice(0);
    this.fired.set(keys);
    const error = this.#error;
    this.#error = 0;
    resolve(keys.length || 0 - error);
  }

  #finishClosing(): void {
    if (this.#closing === null || this.#portCall || this.#eventsCall) return;
    if (abandoned.has(this)) {
      this.#finish(true);
      return;
    }
    this.#drain();
    const events = this.#events.values();
    for (const handle of [...events, this.#wakeEvent, this.#port]) {
      if (handle !== 0n) this.#symbols.CloseHandle(handle);
    }
    this.#events.clear();
    this.#wakeEvent = 0n;
    this.#port = 0n;
    this.#finish(false);
  }

  #finish(kept: boolean): void {
    const finished = this.#closing;
    this.#closing = () => {};
    finished?.(kept);
  }

  /** Takes the packets of overlapped calls that closing sockets cancelled. */
  #drain(): void {
    for (let i = 0; this.operations.pending > 0; i++) {
      if (i === DRAIN_ATTEMPTS) {
        // The system may still write to their memory.
        abandoned.add(this);
        return;
      }
      if (this.#packets.waitNow(this.#port, DRAIN_MILLISECONDS) !== 0) {
        this.#packets.read(this.#arrived);
      }
    }
  }
}
