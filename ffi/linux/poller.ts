/**
 * Readiness and waiting: one epoll instance, and an eventfd to end the wait.
 *
 * @module
 */
import { allocate, type RioMemory } from "../memory.ts";
import { WSAENOBUFS } from "../error_numbers.ts";
import { winsockError } from "./errno.ts";
import type { Kernel } from "./kernel.ts";
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  POLLIN,
} from "./numbers.ts";
import type { RioWaits } from "../contract.ts";
import type { Ring } from "./ring.ts";
import type { LinuxSocket } from "./socket.ts";

/** Words of a `struct epoll_event`, which only x86-64 packs. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
/** The word with the file descriptor. */
const EVENT_FD = Deno.build.arch === "x86_64" ? 1 : 2;
/** The most events of one call. */
const EVENTS = 256;
/** First byte of the events; the `pollfd` pair and one event come before. */
const EVENTS_AT = 64;
const ONE_EVENT_AT = 32;
/** What is added to the eventfd: 1, as 64 bits. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/**
 * Watches sockets and collects the keys of what fired.
 *
 * Sockets are watched edge-triggered. Whether a call may get through is kept
 * in user space, in the rings, until a call finds nothing.
 */
export class Poller implements RioWaits {
  readonly #kernel: Kernel;
  /** Owned until the poller is released; the kernel uses it during a wait. */
  readonly #memory: RioMemory;
  readonly #events: Uint32Array;
  readonly #eventsAddress: bigint;
  readonly #event: Uint32Array;
  readonly #eventAddress: bigint;
  readonly #epoll: number;
  readonly #eventfd: number;
  readonly #counter = new Uint8Array(8);
  /** Sockets that epoll watches, by file descriptor. */
  readonly #sockets: (LinuxSocket | undefined)[] = [];

  /** Rings with sends that wait for room. */
  blocked = 0;

  #fired = new Int32Array(64);
  #keys = new Int32Array(64);
  #keyCount = 0;
  #waiting = false;
  #woken = false;
  #signalled = false;
  #closed = false;

  /**
   * Opens epoll instance and eventfd.
   *
   * @throws {Deno.errors.NotSupported} If the kernel or a sandbox lacks them.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = allocate(EVENTS_AT + EVENTS * EVENT_WORDS * 4);
    const { bytes: { buffer }, address } = this.#memory;
    this.#events = new Uint32Array(buffer, EVENTS_AT, EVENTS * EVENT_WORDS);
    this.#eventsAddress = address + BigInt(EVENTS_AT);
    this.#event = new Uint32Array(buffer, ONE_EVENT_AT, EVENT_WORDS);
    this.#eventAddress = address + BigInt(ONE_EVENT_AT);
    const { symbols, errno } = kernel;
    this.#epoll = symbols.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw unavailable("epoll_create1", errno[0]!);
    this.#eventfd = symbols.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (this.#eventfd < 0) {
      const code = errno[0]!;
      symbols.close(this.#epoll);
      throw unavailable("eventfd", code);
    }
    // Two struct pollfd: fd, then events and revents in 16 bits each.
    const polled = new Int32Array(buffer, 0, 4);
    polled.set([this.#epoll, POLLIN, this.#eventfd, POLLIN]);
  }

  /** A key is all there is to it: one eventfd serves all. */
  createNotification(): number {
    return 0;
  }

  /** Nothing is to be released. */
  closeNotification(): void {}

  /** The keys that the last wait reported. */
  get fired(): Int32Array {
    return this.#fired;
  }

  /** Reports a key with the wait that goes on, or the next one. */
  fire(key: number): void {
    if (this.#keyCount === this.#keys.length) {
      const keys = new Int32Array(2 * this.#keyCount);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys[this.#keyCount++] = key;
    if (this.#waiting) this.#signal();
  }

  /** Ends the wait that goes on, or the next one. */
  wake(): void {
    this.#woken = true;
    if (this.#waiting) this.#signal();
  }

  /** Waits on another thread until something fired; how many keys did. */
  async wait(): Promise<number> {
    if (this.#closed) return 0;
    if (this.#keyCount === 0 && !this.#woken) {
      this.#waiting = true;
      try {
        await this.#kernel.symbols.poll(this.#memory.address, 2n, -1);
      } finally {
        this.#waiting = false;
        if (this.#closed) this.#release();
      }
      if (this.#closed) return 0;
    }
    this.#woken = false;
    // While it is not read, every wait ends at once.
    if (
      this.#signalled &&
      this.#kernel.symbols.read(this.#eventfd, this.#counter, 8n) === 8
    ) this.#signalled = false;
    this.collect();
    const count = this.#keyCount;
    [this.#fired, this.#keys] = [this.#keys, this.#fired];
    this.#keyCount = 0;
    return count;
  }

  /**
   * Makes epoll watch what a socket's requests wait for.
   *
   * @param again Tells what is ready already, though it was told before.
   * @returns 0, or an error number: then nothing will be told.
   */
  watch(socket: LinuxSocket, again = false): number {
    const sends = socket.connecting ||
      (socket.requestQueue?.sends.blocked ?? false);
    const mask = (EPOLLIN | EPOLLRDHUP | EPOLLET | (sends ? EPOLLOUT : 0)) >>>
      0;
    if (mask === socket.mask && !again) return 0;
    this.#event[0] = mask;
    this.#event[EVENT_FD] = socket.fd;
    this.#sockets[socket.fd] = socket;
    const { symbols, errno } = this.#kernel;
    const result = symbols.epoll_ctl(
      this.#epoll,
      socket.mask === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
      socket.fd,
      this.#eventAddress,
    );
    if (result < 0) return winsockError(errno[0]!);
    socket.mask = mask;
    return 0;
  }

  /**
   * Keeps sends for when the socket has room again.
   *
   * Winsock sends on its own; here every dequeue and every wait does.
   */
  block(ring: Ring): void {
    ring.blocked = true;
    this.blocked++;
    // Room that came back since the kernel refused must be told, too.
    if (this.watch(ring.socket, true) !== 0) {
      // Nothing would ever resume them.
      while (ring.pending > 0) ring.complete(WSAENOBUFS, ring.progress);
      this.unblock(ring);
    }
  }

  /** Ends {@linkcode block}. */
  unblock(ring: Ring): void {
    if (!ring.blocked) return;
    ring.blocked = false;
    this.blocked--;
    // Room that nobody waits for would end waits for nothing.
    if (!ring.closed) this.watch(ring.socket);
  }

  /** Forgets a socket that is about to be closed, which ends the watching. */
  forget(socket: LinuxSocket): void {
    if (this.#sockets[socket.fd] === socket) {
      this.#sockets[socket.fd] = undefined;
    }
  }

  /** Hands out what epoll has to tell. */
  collect(): void {
    const events = this.#events;
    let count: number;
    do {
      count = this.#kernel.symbols.epoll_wait(
        this.#epoll,
        this.#eventsAddress,
        EVENTS,
        0,
      );
      for (let i = 0; i < count; i++) {
        const at = i * EVENT_WORDS;
        const socket = this.#sockets[events[at + EVENT_FD]!];
        if (socket !== undefined) this.#dispatch(socket, events[at]!);
      }
    } while (count === EVENTS);
  }

  /** Ends everything; a wait that goes on is woken and releases the rest. */
  close(): void {
    this.#closed = true;
    if (this.#waiting) this.#signal();
    else this.#release();
  }

  #dispatch(socket: LinuxSocket, events: number): void {
    const ended = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    const { requestQueue } = socket;
    if (ended || (events & EPOLLOUT) !== 0) {
      // Kept until somebody has asked for the outcome: this may be too early.
      if (socket.connectKey !== null) this.fire(socket.connectKey);
      if (requestQueue?.sends.blocked) {
        const { sends } = requestQueue;
        while (sends.pending > 0 && sends.run(sends));
        if (sends.pending === 0) this.unblock(sends);
      }
    }
    if (ended || (events & (EPOLLIN | EPOLLRDHUP)) !== 0) {
      if (socket.acceptKey !== null) {
        this.fire(socket.acceptKey);
        socket.acceptKey = null;
      }
      if (requestQueue !== null) {
        const { receives } = requestQueue;
        receives.ready = true;
        receives.urgent ||= ended || (events & EPOLLRDHUP) !== 0;
        receives.queue.wake(receives);
      }
    }
  }

  #signal(): void {
    if (this.#signalled) return;
    // Tried twice: whoever waits would otherwise wait for ever.
    this.#signalled = this.#write() || this.#write();
  }

  #write(): boolean {
    return this.#kernel.symbols.write(this.#eventfd, ONE, 8n) === 8;
  }

  #release(): void {
    const { symbols } = this.#kernel;
    symbols.close(this.#epoll);
    symbols.close(this.#eventfd);
    this.#kernel.release();
  }
}

function unavailable(call: string, errno: number): Error {
  return new Deno.errors.NotSupported(
    `Cannot use Linux sockets: ${call} failed with errno ${errno} (${
      winsockError(errno)
    })`,
  );
}
