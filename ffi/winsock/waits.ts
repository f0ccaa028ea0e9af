/**
 * Waiting for notifications on another thread.
 *
 * One I/O completion port serves the completion queues that notify through it
 * and the overlapped calls; one wait for many objects serves the queues that
 * notify through events. Each is at most one pending call on a pool thread. A
 * pending call cannot be cancelled, so each has a wake-up of its own, and what
 * it uses is released only after it returned.
 *
 * @module
 */
import {
  INFINITE,
  MAXIMUM_WAIT_OBJECTS,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
} from "../constants.ts";
import type { RioNotificationKind, RioWaits } from "../contract.ts";
import { WSAEMFILE, WSASYSCALLFAILURE } from "../error_numbers.ts";
import { joinWords, OVERLAPPED_ENTRY } from "../layout.ts";
import { allocate } from "../memory.ts";
import { lastError } from "./last_error.ts";
import type { WinsockSymbols } from "./library.ts";
import { Operations } from "./operations.ts";

const PACKETS = 64;
const ENTRY_WORDS = OVERLAPPED_ENTRY.size / 4;
const OVERLAPPED_WORD = OVERLAPPED_ENTRY.overlapped / 4;
const INVALID_HANDLE_VALUE = 0xFFFFFFFFFFFFFFFFn;

/** How often and how long closing waits for packets of cancelled calls. */
const DRAIN_ATTEMPTS = 20;
const DRAIN_MILLISECONDS = 10;

/** What closing could not wait for; kept for the life of the process. */
const abandoned = new Set<WinsockWaits>();

/** An event, or a port with the `OVERLAPPED` that names the queue in it. */
export interface WinsockNotification {
  /** Which of the two. */
  readonly kind: RioNotificationKind;
  /** What is reported when it fires. */
  readonly key: number;
  /** The event or the port. */
  readonly handle: bigint;
  /** The dedicated `OVERLAPPED` of a port; 0 for an event. */
  readonly overlapped: number;
}

/** A call on a pool thread: not made, going on, or returned with a result. */
type PoolCall = "idle" | "pending" | "returned" | "failed";

/** The waits of one backend. */
export class WinsockWaits implements RioWaits {
  /** The overlapped calls whose packets the port carries. */
  readonly operations = new Operations();
  /** The keys of the last wait. */
  readonly fired = new Int32Array(PACKETS + MAXIMUM_WAIT_OBJECTS);

  #symbols: WinsockSymbols;
  #port = 0n;
  #portCall: PoolCall = "idle";
  #notifications = new Map<number, WinsockNotification>();
  /** Keys of the queues that notify through the port, by `OVERLAPPED`. */
  #portKeys = new Map<number, number>();
  #events: WinsockNotification[] = [];
  /** Events closed by their owner while the pending call still waits for them. */
  #retired: bigint[] = [];
  #wakeEvent = 0n;
  #eventCall: PoolCall = "idle";
  #resolve: ((count: number) => void) | null = null;
  #woken = false;
  #closing: (() => void) | null = null;

  // Packets, their number, and the handles of the wait for many objects.
  #memory = allocate(
    PACKETS * OVERLAPPED_ENTRY.size + 8 + 8 * MAXIMUM_WAIT_OBJECTS,
  );
  #packets = new Uint32Array(this.#memory.bytes.buffer);
  #packetCount = PACKETS * ENTRY_WORDS;
  #handles = new BigUint64Array(
    this.#memory.bytes.buffer,
    PACKETS * OVERLAPPED_ENTRY.size + 8,
    MAXIMUM_WAIT_OBJECTS,
  );
  #packetsAddress = this.#memory.address;
  #packetCountAddress = this.#memory.address +
    BigInt(PACKETS * OVERLAPPED_ENTRY.size);
  #handlesAddress = this.#packetCountAddress + 8n;

  /**
   * Makes a waiter that holds nothing native yet.
   *
   * @param symbols The native functions.
   */
  constructor(symbols: WinsockSymbols) {
    this.#symbols = symbols;
  }

  createNotification(kind: RioNotificationKind, key: number): number {
    if (kind === "iocp") {
      const error = this.#openPort();
      if (error !== 0) return error;
      // Not given back while the port is open: a late notification of a closed
      // queue still names it.
      const { overlapped } = this.operations.take();
      this.#portKeys.set(overlapped, key);
      const handle = this.#port;
      this.#notifications.set(key, { kind, key, handle, overlapped });
      return 0;
    }
    if (this.#events.length >= MAXIMUM_WAIT_OBJECTS - 1) return WSAEMFILE;
    const error = this.#openWakeEvent();
    if (error !== 0) return error;
    // Manual reset: the pending call must not swallow the signal, and RIONotify
    // resets it when it arms the queue again.
    const handle = this.#symbols.CreateEventW(0n, 1, 0, 0n);
    if (handle === 0n) return lastError(this.#symbols);
    const notification = { kind, key, handle, overlapped: 0 };
    this.#notifications.set(key, notification);
    this.#events.push(notification);
    this.#sourcesChanged();
    return 0;
  }

  /** The notification of a key; it has to be there. */
  find(key: number): WinsockNotification {
    return this.#notifications.get(key)!;
  }

  closeNotification(key: number): void {
    const notification = this.#notifications.get(key);
    if (notification === undefined) return;
    this.#notifications.delete(key);
    if (notification.kind === "iocp") {
      this.#portKeys.delete(notification.overlapped);
      return;
    }
    this.#events.splice(this.#events.indexOf(notification), 1);
    if (this.#eventCall === "pending") {
      this.#retired.push(notification.handle);
      this.#setWake();
    } else {
      this.#symbols.CloseHandle(notification.handle);
    }
  }

  /** Lets the port receive the packets of a socket; returns an error number. */
  associate(socket: bigint): number {
    const error = this.#openPort();
    if (error !== 0) return error;
    return this.#symbols.CreateIoCompletionPort(socket, this.#port, 0n, 0) ===
        0n
      ? lastError(this.#symbols)
      : 0;
  }

  /** Waits until something fires; resolves to the number of keys. */
  wait(): Promise<number> {
    if (this.#woken || this.#closing) {
      this.#woken = false;
      return Promise.resolve(0);
    }
    if (this.#events.length === 0) {
      const error = this.#openPort();
      if (error !== 0) return Promise.resolve(-error);
    }
    if (this.#port !== 0n && this.#portCall === "idle") this.#callPort();
    if (this.#events.length > 0 && this.#eventCall === "idle") {
      this.#callEvents();
    }
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#resolve = resolve;
    // A call left over from an earlier wait may have returned in between.
    if (isOver(this.#portCall) || isOver(this.#eventCall)) this.#settle();
    return promise;
  }

  /** Ends the wait that goes on, or the next one. */
  wake(): void {
    if (this.#resolve === null) this.#woken = true;
    else this.#interrupt();
  }

  /**
   * Wakes every pending call, and releases everything when they returned.
   *
   * @param finished Called when nothing native is left.
   */
  close(finished: () => void): void {
    this.#closing = finished;
    // Tried twice: whoever waits would otherwise wait forever.
    if (this.#portCall === "pending") this.#postWake() || this.#postWake();
    if (this.#eventCall === "pending") this.#setWake() || this.#setWake();
    this.#finishClosing();
  }

  /** Wakes every pending call, and keeps everything for the process's life. */
  abandon(): void {
    abandoned.add(this);
    this.close(() => {});
  }

  #openPort(): number {
    if (this.#port !== 0n) return 0;
    const port = this.#symbols.CreateIoCompletionPort(
      INVALID_HANDLE_VALUE,
      0n,
      0n,
      1,
    );
    if (port === 0n) return lastError(this.#symbols);
    this.#port = port;
    this.#sourcesChanged();
    return 0;
  }

  #openWakeEvent(): number {
    if (this.#wakeEvent !== 0n) return 0;
    this.#wakeEvent = this.#symbols.CreateEventW(0n, 1, 0, 0n);
    return this.#wakeEvent === 0n ? lastError(this.#symbols) : 0;
  }

  /** A wait that goes on does not cover what is new: let it end. */
  #sourcesChanged(): void {
    if (this.#resolve === null) return;
    if (this.#eventCall !== "pending" || !this.#setWake()) this.#interrupt();
  }

  #interrupt(): void {
    const woken = this.#portCall === "pending"
      ? this.#postWake()
      : this.#setWake();
    // The call then stays for the next wait, which takes it over.
    if (!woken) this.#settle();
  }

  #setWake(): boolean {
    return this.#symbols.SetEvent(this.#wakeEvent) !== 0;
  }

  #postWake(): boolean {
    return this.#symbols.PostQueuedCompletionStatus(this.#port, 0, 0n, 0n) !==
      0;
  }

  #callPort(): void {
    this.#portCall = "pending";
    this.#symbols.GetQueuedCompletionStatusEx(
      this.#port,
      this.#packetsAddress,
      PACKETS,
      this.#packetCountAddress,
      INFINITE,
      0,
    ).then((ok) => {
      this.#portCall = ok !== 0 ? "returned" : "failed";
      this.#callReturned();
    });
  }

  #callEvents(): void {
    this.#eventCall = "pending";
    this.#handles[0] = this.#wakeEvent;
    this.#events.forEach((event, i) => this.#handles[i + 1] = event.handle);
    this.#symbols.WaitForMultipleObjects(
      this.#events.length + 1,
      this.#handlesAddress,
      0,
      INFINITE,
    ).then((index) => {
      this.#eventCall = index < WAIT_OBJECT_0 + MAXIMUM_WAIT_OBJECTS
        ? "returned"
        : "failed";
      this.#callReturned();
    });
  }

  #callReturned(): void {
    this.#settle();
    if (this.#closing) this.#finishClosing();
  }

  #settle(): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    const failed = this.#portCall === "failed" || this.#eventCall === "failed";
    const count = this.#collectPackets(this.#collectEvents(0));
    // The reason stayed behind on the pool thread.
    resolve(failed && count === 0 ? -WSASYSCALLFAILURE : count);
  }

  #collectPackets(count: number): number {
    if (!isOver(this.#portCall)) return count;
    const returned = this.#portCall === "returned";
    this.#portCall = "idle";
    return returned ? this.#readPackets(count) : count;
  }

  #readPackets(count: number): number {
    const packets = this.#packets;
    const end = packets[this.#packetCount]! * ENTRY_WORDS;
    for (let at = 0; at < end; at += ENTRY_WORDS) {
      const overlapped = joinWords(
        packets[at + OVERLAPPED_WORD]!,
        packets[at + OVERLAPPED_WORD + 1]!,
      );
      // Neither an overlapped call nor a queue: a wake-up, or one too late.
      const key = this.operations.arrive(overlapped)?.key ??
        this.#portKeys.get(overlapped);
      if (key !== undefined) this.fired[count++] = key;
    }
    return count;
  }

  #collectEvents(count: number): number {
    if (!isOver(this.#eventCall)) return count;
    this.#eventCall = "idle";
    this.#symbols.ResetEvent(this.#wakeEvent);
    for (const handle of this.#retired.splice(0)) {
      this.#symbols.CloseHandle(handle);
    }
    for (const { handle, key } of this.#events) {
      if (this.#symbols.WaitForSingleObject(handle, 0) === WAIT_TIMEOUT) {
        continue;
      }
      this.#symbols.ResetEvent(handle);
      this.fired[count++] = key;
    }
    return count;
  }

  #finishClosing(): void {
    const finished = this.#closing;
    if (
      finished === null || this.#portCall === "pending" ||
      this.#eventCall === "pending"
    ) return;
    this.#closing = () => {};
    if (abandoned.has(this)) return;
    this.#drain();
    const events = this.#events.splice(0).map((event) => event.handle);
    const handles = [...this.#retired.splice(0), ...events];
    for (const handle of [...handles, this.#wakeEvent, this.#port]) {
      if (handle !== 0n) this.#symbols.CloseHandle(handle);
    }
    this.#wakeEvent = 0n;
    this.#port = 0n;
    finished();
  }

  /** Collects the packets of overlapped calls that closing sockets cancelled. */
  #drain(): void {
    this.#collectPackets(0);
    for (let i = 0; this.operations.pending > 0; i++) {
      if (i === DRAIN_ATTEMPTS) {
        // The system may still write to their memory.
        abandoned.add(this);
        return;
      }
      const ok = this.#symbols.DrainQueuedCompletionStatusEx(
        this.#port,
        this.#packetsAddress,
        PACKETS,
        this.#packetCountAddress,
        DRAIN_MILLISECONDS,
        0,
      );
      if (ok !== 0) this.#readPackets(0);
    }
  }
}

function isOver(call: PoolCall): boolean {
  return call === "returned" || call === "failed";
}
