/**
 * Events, completion ports and the waits for them.
 *
 * @module
 */
import { WAIT_OBJECT_0, WAIT_TIMEOUT } from "../../ffi/constants.ts";
import { OVERLAPPED_ENTRY } from "../../ffi/layout.ts";
import type { Clock } from "./clock.ts";
import { bytesAt } from "./memory.ts";
import type { Oracle } from "./oracle.ts";

const ERROR_INVALID_HANDLE = 6;
const WAIT_FAILED = 0xFFFFFFFF;

interface Event {
  kind: "event";
  signalled: boolean;
  manual: boolean;
  waits: number;
}

interface Packet {
  key: bigint;
  overlapped: bigint;
}

interface Port {
  kind: "port";
  packets: Packet[];
  waits: number;
}

/** What the handles need of their system. */
export interface HandlesOptions {
  clock: Clock;
  oracle: Oracle;
  /** Leaves a number for `WSAGetLastError`. */
  fail: (errno: number) => void;
}

/** The kernel objects of one fake system. */
export class Handles {
  #options: HandlesOptions;
  #open = new Map<bigint, Event | Port>();
  #next = 0x2_0000_0100n;

  constructor(options: HandlesOptions) {
    this.#options = options;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  createEvent(manual: boolean, signalled: boolean): bigint {
    return this.#add({ kind: "event", signalled, manual, waits: 0 });
  }

  createPort(): bigint {
    return this.#add({ kind: "port", packets: [], waits: 0 });
  }

  /** Whether the handle is a port. */
  isPort(handle: bigint): boolean {
    return this.#open.get(handle)?.kind === "port";
  }

  close(handle: bigint): number {
    const object = this.#open.get(handle);
    if (!object) {
      this.#options.oracle.record(`CloseHandle: ${handle} is no open handle`);
      return this.#invalid(0);
    }
    if (object.waits > 0) {
      this.#options.oracle.record(
        `CloseHandle: a wait for the ${object.kind} goes on`,
      );
    }
    this.#open.delete(handle);
    return 1;
  }

  /** Sets or resets an event; 0 if it is none. */
  signal(handle: bigint, signalled: boolean): number {
    const event = this.#open.get(handle);
    if (event?.kind !== "event") return this.#invalid(0);
    event.signalled = signalled;
    this.#options.clock.touch();
    return 1;
  }

  /** Queues a packet; 0 if there is no such port. */
  post(handle: bigint, key: bigint, overlapped: bigint): number {
    const port = this.#open.get(handle);
    if (port?.kind !== "port") return this.#invalid(0);
    port.packets.push({ key, overlapped });
    this.#options.clock.touch();
    return 1;
  }

  /** `WaitForSingleObject` without waiting. */
  isSignalled(handle: bigint): number {
    const event = this.#open.get(handle);
    if (event?.kind !== "event") return this.#invalid(WAIT_FAILED);
    return this.#take(event) ? WAIT_OBJECT_0 : WAIT_TIMEOUT;
  }

  /** `WaitForMultipleObjects` for any. */
  async waitForAny(
    count: number,
    address: bigint,
    milliseconds: number,
  ): Promise<number> {
    const handles = [
      ...new BigUint64Array(bytesAt(address, 8 * count).buffer, 0, count),
    ];
    const events = handles.map((handle) => this.#open.get(handle));
    if (count > 64 || events.some((event) => event?.kind !== "event")) {
      return this.#invalid(WAIT_FAILED);
    }
    for (const event of events) event!.waits++;
    const index = await this.#options.clock.until(() => {
      const at = events.findIndex((event) => this.#take(event as Event));
      return at < 0 ? undefined : at;
    }, milliseconds);
    for (const event of events) event!.waits--;
    return index === undefined ? WAIT_TIMEOUT : WAIT_OBJECT_0 + index;
  }

  /** `GetQueuedCompletionStatusEx`. */
  async waitForPackets(
    handle: bigint,
    entries: bigint,
    count: number,
    removed: bigint,
    milliseconds: number,
  ): Promise<number> {
    const port = this.#open.get(handle);
    if (port?.kind !== "port") return this.#invalid(0);
    port.waits++;
    await this.#options.clock.until(
      () => port.packets.length > 0 || undefined,
      milliseconds,
    );
    port.waits--;
    return this.takePackets(handle, entries, count, removed);
  }

  /** `GetQueuedCompletionStatusEx` for what is there. */
  takePackets(
    handle: bigint,
    entries: bigint,
    count: number,
    removed: bigint,
  ): number {
    const port = this.#open.get(handle);
    if (port?.kind !== "port") return this.#invalid(0);
    const packets = port.packets.splice(0, count);
    const size = OVERLAPPED_ENTRY.size;
    const view = new DataView(bytesAt(entries, size * count).buffer);
    packets.forEach(({ key, overlapped }, i) => {
      const at = size * i;
      view.setBigUint64(at + OVERLAPPED_ENTRY.completionKey, key, true);
      view.setBigUint64(at + OVERLAPPED_ENTRY.overlapped, overlapped, true);
      view.setBigUint64(at + OVERLAPPED_ENTRY.internal, 0n, true);
      view.setUint32(at + OVERLAPPED_ENTRY.bytesTransferred, 0, true);
    });
    new DataView(bytesAt(removed, 4).buffer).setUint32(0, packets.length, true);
    if (packets.length > 0) return 1;
    this.#options.fail(WAIT_TIMEOUT);
    return 0;
  }

  #take(event: Event): boolean {
    const { signalled } = event;
    if (!event.manual) event.signalled = false;
    return signalled;
  }

  #add(object: Event | Port): bigint {
    const handle = this.#next;
    this.#next += 4n;
    this.#open.set(handle, object);
    return handle;
  }

  #invalid<T>(answer: T): T {
    this.#options.fail(ERROR_INVALID_HANDLE);
    return answer;
  }
}
