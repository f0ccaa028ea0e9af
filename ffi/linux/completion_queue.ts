/**
 * A completion queue, and the rings whose requests end in it.
 *
 * @module
 */
import { RIORESULT, type RioResults } from "../layout.ts";
import { WSAEALREADY, WSAEINVAL } from "../error_numbers.ts";
import type { Handled } from "./handles.ts";
import type { Poller } from "./poller.ts";
import type { Ring } from "./ring.ts";

/** 32-bit words of one result. */
const RESULT_WORDS = RIORESULT.size / 4;
/** Up to so many rings are tried one by one; epoll picks among more. */
const DIRECT_RINGS = 8;

/**
 * Results in the order in which they arrived.
 *
 * Receives run when somebody looks: {@linkcode pump} tries the rings that have
 * some, because the kernel does nothing for a receive before it is called.
 * Sends run when they are posted, or from the poller once there is room.
 */
export class CompletionQueue implements Handled {
  handle = 0;
  /** The most results that request queues can reserve. */
  size: number;
  /** Results reserved by request queues; never more are queued. */
  reserved = 0;
  /** Results queued. */
  count = 0;
  /** Whether the next result is to be told. */
  armed = false;
  closed = false;

  readonly #poller: Poller;
  readonly #key: number;
  /** Results queued that may be told. */
  #eligible = 0;
  #head = 0;
  #mask = 0;
  #words: Int32Array = new Int32Array(RESULT_WORDS);
  #silent: Uint8Array = new Uint8Array(1);
  #owners: Ring[] = [];

  /** Rings with receives that may start. */
  readonly #active: Ring[] = [];
  /** Those of them that may get through; kept only while there are many. */
  readonly #ready: Ring[] = [];
  /** Whether `#ready` is kept. */
  #picks = false;
  /** Whether epoll watches every active ring. */
  #watches = false;
  /** Where the last look at the rings stopped. */
  #turn = 0;

  /** Makes an empty queue; `key` is what its notification reports, 0 for none. */
  constructor(poller: Poller, size: number, key: number) {
    this.#poller = poller;
    this.size = size;
    this.#key = key;
  }

  /**
   * Reserves results for a request queue.
   *
   * @returns Whether there is room.
   * @throws {RangeError} If the system has no room.
   */
  reserve(count: number): boolean {
    if (this.reserved + count > this.size) return false;
    const needed = this.reserved + count;
    if (needed > this.#mask + 1) this.#grow(2 ** Math.ceil(Math.log2(needed)));
    this.reserved = needed;
    return true;
  }

  /** Queues the result of a request and tells it if that was asked for. */
  push(
    ring: Ring,
    silent: number,
    status: number,
    bytes: number,
    contextLow: number,
    contextHigh: number,
  ): void {
    if (this.closed) return;
    const slot = (this.#head + this.count) & this.#mask;
    const words = this.#words;
    const at = slot * RESULT_WORDS;
    words[at] = status;
    words[at + 1] = bytes;
    words[at + 4] = contextLow;
    words[at + 5] = contextHigh;
    this.#owners[slot] = ring;
    this.#silent[slot] = silent;
    this.count++;
    if (silent === 0) {
      this.#eligible++;
      if (this.armed) this.#fire();
    }
  }

  /** Moves at most `max` results out; their requests end here. */
  take(results: RioResults, max: number): number {
    const count = Math.min(this.count, max);
    const source = this.#words;
    const target = results.words;
    const mask = this.#mask;
    let slot = this.#head;
    let to = 0;
    for (let i = 0; i < count; i++) {
      let from = slot * RESULT_WORDS;
      for (const end = to + RESULT_WORDS; to < end;) {
        target[to++] = source[from++]!;
      }
      if (this.#silent[slot] === 0) this.#eligible--;
      const ring = this.#owners[slot]!;
      ring.outstanding--;
      if (ring.closed) this.settle(ring);
      slot = (slot + 1) & mask;
    }
    this.#head = slot;
    this.count -= count;
    return count;
  }

  /** Gives back what a closed ring reserved, once its last result was taken. */
  settle(ring: Ring): void {
    if (ring.outstanding === 0) this.reserved -= ring.limit;
  }

  /** Arms the notification; 0 or an error number. */
  notify(): number {
    if (this.#key === 0) return WSAEINVAL;
    if (this.armed) return WSAEALREADY;
    if (this.#eligible > 0) {
      this.#fire();
      return 0;
    }
    const errno = this.#watchAll();
    if (errno !== 0) return errno;
    this.armed = true;
    this.pump(Number.MAX_SAFE_INTEGER, true);
    return 0;
  }

  /**
   * Runs receives until `max` results are queued or the kernel has no more.
   *
   * @param untilFired Stop as well when the notification fired.
   */
  pump(max: number, untilFired = false): void {
    if (this.#active.length > DIRECT_RINGS) {
      this.#pumpReady(max, untilFired);
    } else if (this.#active.length > 0) {
      if (this.#picks) this.#stopPicking();
      this.#pumpAll(max, untilFired);
    }
  }

  /** Takes note that a ring has receives that may start. */
  activate(ring: Ring): void {
    if (ring.position >= 0 || this.closed) return;
    ring.position = this.#active.push(ring) - 1;
    if (this.#watches && this.#poller.watch(ring.socket) !== 0) {
      this.#watches = false;
      // Nobody would tell of it: let whoever waits look again.
      if (this.armed) this.#fire();
    }
    if (ring.ready) this.wake(ring);
  }

  /** Takes note that a ring has none, or is gone. */
  deactivate(ring: Ring): void {
    if (ring.position < 0) return;
    const last = this.#active.pop()!;
    if (last !== ring) {
      this.#active[ring.position] = last;
      last.position = ring.position;
    }
    ring.position = -1;
  }

  /** Takes note that a ring may get through; runs it if somebody waits. */
  wake(ring: Ring): void {
    if (ring.position < 0) return;
    if (this.#picks && !ring.listed) {
      ring.listed = true;
      this.#ready.push(ring);
    }
    while (this.armed && this.#run(ring));
  }

  /** Ends the queue: what arrives later is dropped. */
  close(): void {
    this.closed = true;
    this.armed = false;
    this.count = 0;
    for (const ring of this.#active) ring.position = -1;
    this.#active.length = this.#ready.length = 0;
    this.#owners = [];
  }

  #fire(): void {
    this.armed = false;
    this.#poller.fire(this.#key);
  }

  /** Runs one batch of a ring; returns whether another may go through. */
  #run(ring: Ring): boolean {
    if (ring.position < 0) return false;
    const more = ring.run(ring);
    if (ring.pending > 0) return more;
    this.deactivate(ring);
    return false;
  }

  /** Tries every active ring in turn. */
  #pumpAll(max: number, untilFired: boolean): void {
    const active = this.#active;
    let idle = 0;
    let i = this.#turn;
    while (
      this.count < max && idle < active.length && (!untilFired || this.armed)
    ) {
      if (i >= active.length) i = 0;
      const ring = active[i]!;
      const more = this.#run(ring);
      // A ring that is done gave its place to another one.
      if (ring.position !== i) {
        idle = 0;
        continue;
      }
      idle = more ? 0 : idle + 1;
      i++;
    }
    this.#turn = i;
  }

  /** Tries the rings that epoll named. */
  #pumpReady(max: number, untilFired: boolean): void {
    const ready = this.#ready;
    if (!this.#picks) this.#startPicking();
    this.#poller.collect();
    let idle = 0;
    let i = this.#turn;
    while (
      this.count < max && idle < ready.length && (!untilFired || this.armed)
    ) {
      if (i >= ready.length) i = 0;
      const ring = ready[i]!;
      const more = this.#run(ring);
      if (ring.position >= 0 && ring.ready) {
        idle = more ? 0 : idle + 1;
        i++;
        continue;
      }
      idle = 0;
      ring.listed = false;
      const last = ready.pop()!;
      if (last !== ring) ready[i] = last;
    }
    this.#turn = i;
  }

  #startPicking(): void {
    this.#picks = true;
    // A ring that cannot be watched stays among those that are tried.
    this.#watchAll();
    for (const ring of this.#active) {
      if (ring.ready && !ring.listed) {
        ring.listed = true;
        this.#ready.push(ring);
      }
    }
  }

  /** Makes epoll watch every active ring; 0 or an error number. */
  #watchAll(): number {
    if (this.#watches) return 0;
    let errno = 0;
    for (const ring of this.#active) {
      errno = this.#poller.watch(ring.socket) || errno;
    }
    this.#watches = errno === 0;
    return errno;
  }

  #stopPicking(): void {
    this.#picks = false;
    for (const ring of this.#ready) ring.listed = false;
    this.#ready.length = 0;
  }

  #grow(capacity: number): void {
    const words = new Int32Array(capacity * RESULT_WORDS);
    const silent = new Uint8Array(capacity);
    const owners: Ring[] = [];
    for (let i = 0; i < this.count; i++) {
      const from = (this.#head + i) & this.#mask;
      for (let word = 0; word < RESULT_WORDS; word++) {
        words[i * RESULT_WORDS + word] = this
          .#words[from * RESULT_WORDS + word]!;
      }
      silent[i] = this.#silent[from]!;
      owners[i] = this.#owners[from]!;
    }
    this.#words = words;
    this.#silent = silent;
    this.#owners = owners;
    this.#head = 0;
    this.#mask = capacity - 1;
  }
}
