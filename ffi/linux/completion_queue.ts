/**
 * A completion queue, and the receives that end in it.
 *
 * @module
 */
import type { RioResults } from "../layout.ts";
import { WSAEALREADY, WSAEINVAL } from "../error_numbers.ts";
import type { Handled } from "./handles.ts";
import type { Poll } from "./poll.ts";
import type { Source } from "./readiness.ts";
import { ResultQueue } from "./result_queue.ts";

/** Up to so many receivers are tried one by one; epoll picks among more. */
const DIRECT_RECEIVERS = 8;

/** The receives of one socket, as their completion queue runs them. */
export interface Receiver {
  /** What epoll watches to tell when they may get through. */
  readonly socket: Source;
  /** How many may run. */
  readonly pending: number;
  /** Whether a call may get through; once `false`, until epoll tells of more. */
  readonly ready: boolean;
  /** Makes one call; returns whether another one may get through. */
  run(): boolean;
}

/** The place of a receiver in the list of its queue, which alone writes it. */
export interface Entry {
  readonly receiver: Receiver;
  /** Its index in the list; -1 while it is not listed. */
  position: number;
}

/**
 * A queue of results, and the receives that may run.
 *
 * The kernel does nothing for a receive before it is called. So receives run
 * when somebody looks for their results, or when epoll tells of an arrival that
 * somebody waits for. Sends run without the queue, and so do requests that
 * `io_uring` carries out: a look tells which of them have ended.
 */
export class CompletionQueue extends ResultQueue implements Handled {
  handle = 0;
  readonly #poll: Poll;
  /** Receivers that may run; those that may get through come first. */
  readonly #active: Entry[] = [];
  /** How many are at the front because a call may get through. */
  #ready = 0;
  /** Whether epoll watches all of them. */
  #watched = false;
  /** Where the last look at the receivers stopped. */
  #turn = 0;
  /** How often epoll had been asked by then. */
  #seen = 0;
  /** Whether epoll has told of a receiver since. */
  #told = false;

  /** Makes an empty queue; its notification reports `key`, 0 makes none. */
  constructor(poll: Poll, size: number, key: number) {
    super(poll, size, key);
    this.#poll = poll;
  }

  /** Runs receives until there are `max` results, and moves them out. */
  dequeue(results: RioResults, max: number): number {
    if (this.count < max) {
      this.#poll.reap();
      this.#run(max, false);
    }
    return this.take(results, max);
  }

  /** Arms the notification; 0 or an error number. */
  notify(): number {
    if (this.key === 0) return WSAEINVAL;
    if (this.armed) return WSAEALREADY;
    const errno = this.audible > 0 ? 0 : this.#watchAll();
    if (errno !== 0) return errno;
    this.arm();
    // What is not known to be there yet is told by epoll.
    if (this.armed && this.#ready > 0) this.#run(Number.MAX_SAFE_INTEGER, true);
    return 0;
  }

  /** Takes note that a receiver has receives that may run. */
  activate(entry: Entry): void {
    if (entry.position >= 0 || this.closed) return;
    const { receiver } = entry;
    entry.position = this.#active.push(entry) - 1;
    if (this.#watched && this.#poll.watch(receiver.socket) !== 0) {
      this.#watched = false;
      // Nobody would tell of it: let whoever waits look again.
      if (this.armed) this.fire();
    }
    if (receiver.ready) this.#promote(entry);
  }

  /** Takes note that a receiver has none, or is gone. */
  deactivate(entry: Entry): void {
    if (entry.position < 0) return;
    this.#demote(entry);
    this.#swap(entry, this.#active.length - 1);
    this.#active.pop();
    entry.position = -1;
  }

  /** Takes note that epoll has told of a receiver: a call may get through. */
  wake(entry: Entry): void {
    if (entry.position < 0) return;
    this.#told = true;
    this.#promote(entry);
  }

  /** Has a receiver run with those that may get through; now if somebody waits. */
  #promote(entry: Entry): void {
    if (entry.position >= this.#ready) this.#swap(entry, this.#ready++);
    while (this.armed && this.#runOnce(entry));
    if (!entry.receiver.ready) this.#demote(entry);
  }

  override close(): void {
    super.close();
    for (const entry of this.#active) entry.position = -1;
    this.#active.length = this.#ready = 0;
  }

  /** Makes one call; returns whether another one may get through. */
  #runOnce(entry: Entry): boolean {
    if (entry.position < 0) return false;
    const more = entry.receiver.run();
    if (entry.receiver.pending > 0) return more;
    this.deactivate(entry);
    return false;
  }

  /**
   * Runs receivers in turn until `max` results are queued or the kernel has no
   * more: all of them while they are few and not watched, else those that epoll
   * named.
   *
   * @param untilFired Stop as well when the notification has fired.
   */
  #run(max: number, untilFired: boolean): void {
    const active = this.#active;
    if (active.length === 0) return;
    const picks = this.#watched || active.length > DIRECT_RECEIVERS;
    if (picks) {
      // A receiver that cannot be watched stays among those that are tried.
      this.#watchAll();
      // A wait has asked already where it told of something since the last look.
      const told = this.#told && (this.#ready > 0 || this.count > 0);
      if (!told || this.#poll.collects === this.#seen) this.#poll.collect();
      this.#seen = this.#poll.collects;
      this.#told = false;
    }
    let idle = 0;
    let i = this.#turn;
    while (
      idle < (picks ? this.#ready : active.length) &&
      this.count < max && (!untilFired || this.armed)
    ) {
      if (i >= (picks ? this.#ready : active.length)) i = 0;
      const entry = active[i]!;
      const more = this.#runOnce(entry);
      const stays = !picks || entry.receiver.ready;
      if (!stays) this.#demote(entry);
      // One that is done, or has to wait, has left its place to another one:
      // the others have not all been tried in vain.
      if (!stays || active[i] !== entry) {
        idle = 0;
        continue;
      }
      idle = more ? 0 : idle + 1;
      i++;
    }
    this.#turn = i;
  }

  /** Makes epoll watch every active receiver; 0 or an error number. */
  #watchAll(): number {
    if (this.#watched) return 0;
    let errno = 0;
    for (const { receiver } of this.#active) {
      errno = this.#poll.watch(receiver.socket) || errno;
    }
    this.#watched = errno === 0;
    return errno;
  }

  /** Moves a listed entry behind those that may get through. */
  #demote(entry: Entry): void {
    const { position } = entry;
    if (position >= 0 && position < this.#ready) {
      this.#swap(entry, --this.#ready);
    }
  }

  #swap(entry: Entry, position: number): void {
    const other = this.#active[position]!;
    if (other === entry) return;
    other.position = entry.position;
    this.#active[entry.position] = other;
    entry.position = position;
    this.#active[position] = entry;
  }
}
