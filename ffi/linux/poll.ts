/**
 * Readiness and waiting: one epoll instance, and an eventfd to end the wait.
 *
 * @module
 */
import type { RioWaits } from "../contract.ts";
import { allocate, type RioMemory } from "../memory.ts";
import { winsockError } from "./errno.ts";
import type { LinuxLibrary } from "./library.ts";
import * as linux from "./numbers.ts";
import type { Readiness, Source } from "./readiness.ts";

/** Words of a `struct epoll_event`, which only x86-64 packs. */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
/** The word with the file descriptor. */
const EVENT_FD = Deno.build.arch === "x86_64" ? 1 : 2;
/** The most events of one call. */
const EVENTS = 256;
/** First byte of the events; the `pollfd` pair comes before. */
const EVENTS_AT = 16;
/** What is added to the eventfd: 1, as 64 bits. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
/** What every source is watched for; each change is told once. */
const ARRIVALS = linux.EPOLLIN | linux.EPOLLRDHUP | linux.EPOLLET;

/**
 * Watches sources, collects the keys of what fired, and waits for them.
 *
 * Epoll tells a change once. The sources remember that a call may get through
 * until a call finds nothing.
 */
export class Poll implements Readiness, RioWaits {
  readonly #library: LinuxLibrary;
  readonly #release: () => void;
  /** Owned until the descriptors are closed; the kernel uses it in a wait. */
  readonly #memory: RioMemory;
  /** One event for a change of interest, then those that epoll tells. */
  readonly #events: Uint32Array;
  readonly #changeAddress: bigint;
  readonly #eventsAddress: bigint;
  readonly #epoll: number;
  readonly #eventfd: number;
  readonly #counter = new Uint8Array(8);
  fired: Int32Array = new Int32Array();
  /** What epoll watches, by file descriptor. */
  readonly #sources: (Source | undefined)[] = [];

  /** Keys for the next wait to report. */
  readonly #keys: number[] = [];
  #waiting = false;
  #woken = false;
  #signalled = false;
  #closed = false;

  /**
   * Opens epoll instance and eventfd.
   *
   * @param release Gives the library back, once no wait uses it.
   * @throws {Deno.errors.NotSupported} If the kernel or a sandbox lacks them.
   * @throws {RangeError} If the system has no room.
   */
  constructor(library: LinuxLibrary, release: () => void) {
    this.#library = library;
    this.#release = release;
    const words = (1 + EVENTS) * EVENT_WORDS;
    this.#memory = allocate(EVENTS_AT + words * 4);
    const { bytes: { buffer }, address } = this.#memory;
    this.#events = new Uint32Array(buffer, EVENTS_AT, words);
    this.#changeAddress = address + BigInt(EVENTS_AT);
    this.#eventsAddress = address + BigInt(EVENTS_AT + EVENT_WORDS * 4);
    const { symbols, errno } = library;
    this.#epoll = symbols.epoll_create1(linux.EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw unavailable("epoll_create1", errno[0]!);
    this.#eventfd = symbols.eventfd(0, linux.EFD_CLOEXEC | linux.EFD_NONBLOCK);
    if (this.#eventfd < 0) {
      const code = errno[0]!;
      symbols.close(this.#epoll);
      throw unavailable("eventfd", code);
    }
    // Two struct pollfd: fd, then events and revents in 16 bits each.
    const polled = new Int32Array(buffer, 0, 4);
    polled.set([this.#epoll, linux.POLLIN, this.#eventfd, linux.POLLIN]);
  }

  /** A key is all there is to it: one eventfd serves all. */
  createNotification(): number {
    return 0;
  }

  /** Nothing is to be released. */
  closeNotification(): void {}

  fire(key: number): void {
    this.#keys.push(key);
    this.#signal();
  }

  wake(): void {
    this.#woken = true;
    this.#signal();
  }

  async wait(): Promise<number> {
    if (this.#closed) return 0;
    if (this.#keys.length === 0 && !this.#woken) {
      this.#waiting = true;
      try {
        await this.#library.symbols.poll(this.#memory.address, 2n, -1);
      } finally {
        this.#waiting = false;
        if (this.#closed) this.#closeAll();
      }
      if (this.#closed) return 0;
    }
    this.#woken = false;
    // While it is not read, every wait ends at once.
    if (
      this.#signalled &&
      this.#library.symbols.read(this.#eventfd, this.#counter, 8n) === 8
    ) this.#signalled = false;
    this.collect();
    this.fired = Int32Array.from(this.#keys);
    this.#keys.length = 0;
    return this.fired.length;
  }

  watch(source: Source, again = false): number {
    const interest =
      (ARRIVALS | (source.wantsWritable ? linux.EPOLLOUT : 0)) >>> 0;
    if (interest === source.interest && !again) return 0;
    this.#events[0] = interest;
    this.#events[EVENT_FD] = source.fd;
    this.#sources[source.fd] = source;
    const { symbols, errno } = this.#library;
    const result = symbols.epoll_ctl(
      this.#epoll,
      source.interest === 0 ? linux.EPOLL_CTL_ADD : linux.EPOLL_CTL_MOD,
      source.fd,
      this.#changeAddress,
    );
    if (result < 0) return winsockError(errno[0]!);
    source.interest = interest;
    return 0;
  }

  /** Drops a source. Closing its descriptor is what ends the watching. */
  forget(source: Source): void {
    if (this.#sources[source.fd] === source) {
      this.#sources[source.fd] = undefined;
    }
  }

  /** Tells the sources what epoll has to tell. */
  collect(): void {
    const events = this.#events;
    let count: number;
    do {
      count = this.#library.symbols.epoll_wait(
        this.#epoll,
        this.#eventsAddress,
        EVENTS,
        0,
      );
      for (let i = 1; i <= count; i++) {
        const at = i * EVENT_WORDS;
        const source = this.#sources[events[at + EVENT_FD]!];
        if (source !== undefined) tell(source, events[at]!);
      }
    } while (count === EVENTS);
  }

  /** Ends everything; a wait that goes on is woken and releases the rest. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting) this.#signal();
    else this.#closeAll();
  }

  #signal(): void {
    if (!this.#waiting || this.#signalled) return;
    // Tried twice: whoever waits would otherwise wait for ever.
    this.#signalled = this.#write() || this.#write();
  }

  #write(): boolean {
    return this.#library.symbols.write(this.#eventfd, ONE, 8n) === 8;
  }

  #closeAll(): void {
    const { symbols } = this.#library;
    symbols.close(this.#epoll);
    symbols.close(this.#eventfd);
    this.#release();
  }
}

function tell(source: Source, events: number): void {
  const failed = (events & (linux.EPOLLERR | linux.EPOLLHUP)) !== 0;
  if (failed || (events & linux.EPOLLOUT) !== 0) source.writable();
  const ended = failed || (events & linux.EPOLLRDHUP) !== 0;
  if (ended || (events & linux.EPOLLIN) !== 0) source.readable(ended);
}

function unavailable(call: string, errno: number): Error {
  return new Deno.errors.NotSupported(
    `Cannot use Linux sockets: ${call} failed with errno ${errno} (${
      winsockError(errno)
    })`,
  );
}
