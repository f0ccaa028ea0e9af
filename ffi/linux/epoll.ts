/**
 * Readiness: one epoll instance tells the sources that it watches.
 *
 * @module
 */
import { forget, hold, release } from "./descriptors.ts";
import { errnoName, winsockError } from "./errno.ts";
import { EINTR } from "./errno_numbers.ts";
import type { LinuxLibrary } from "./library.ts";
import * as linux from "./numbers.ts";
import type { Source } from "./readiness.ts";
import { EVENT_WORDS, EVENTS, type Scratch } from "./scratch.ts";

/** The word with the file descriptor. */
const EVENT_FD = Deno.build.arch === "x86_64" ? 1 : 2;
/** What every source is watched for; each change is told once. */
const ARRIVALS = linux.EPOLLIN | linux.EPOLLRDHUP | linux.EPOLLET;

/**
 * Watches sources.
 *
 * Epoll tells a change once. The sources remember that a call may get through
 * until a call finds nothing.
 */
export class Epoll {
  /** The functions that it calls. */
  readonly library: LinuxLibrary;
  /** The descriptor; it can be read while there is something to tell. */
  fd: number;
  /** How often it was asked what there is to tell. */
  collects = 0;
  readonly #scratch: Scratch;
  readonly #toldAddress: bigint;
  /** What is watched, by file descriptor. */
  readonly #sources: (Source | undefined)[] = [];

  /**
   * Opens an instance.
   *
   * @throws {Deno.errors.NotSupported} If the kernel or a sandbox lacks it.
   */
  constructor(library: LinuxLibrary, scratch: Scratch) {
    this.library = library;
    this.#scratch = scratch;
    this.#toldAddress = scratch.eventsAddress + BigInt(EVENT_WORDS * 4);
    this.fd = this.#open();
  }

  watch(source: Source, again = false): number {
    const interest =
      (ARRIVALS | (source.wantsWritable ? linux.EPOLLOUT : 0)) >>> 0;
    if (interest === source.interest && !again) return 0;
    const { events, eventsAddress } = this.#scratch;
    events[0] = interest;
    events[EVENT_FD] = source.fd;
    this.#sources[source.fd] = source;
    const { symbols, errno } = this.library;
    const result = symbols.epoll_ctl(
      this.fd,
      source.interest === 0 ? linux.EPOLL_CTL_ADD : linux.EPOLL_CTL_MOD,
      source.fd,
      eventsAddress,
    );
    if (result < 0) return winsockError(errno[0]!);
    source.interest = interest;
    return 0;
  }

  unwatch(source: Source): void {
    if (source.interest === 0) return;
    source.interest = 0;
    this.forget(source);
    const { epoll_ctl } = this.library.symbols;
    epoll_ctl(this.fd, linux.EPOLL_CTL_DEL, source.fd, 0n);
  }

  /** Drops a source. Closing its descriptor is what ends the watching. */
  forget(source: Source): void {
    if (this.#sources[source.fd] === source) {
      this.#sources[source.fd] = undefined;
    }
  }

  /**
   * Tells the sources what there is to tell.
   *
   * @param most The most sources to tell; all by default.
   * @returns How many were told.
   */
  collect(most: number = Infinity): number {
    const { events } = this.#scratch;
    this.collects++;
    let told = 0;
    let count: number;
    do {
      count = this.library.symbols.epoll_wait(
        this.fd,
        this.#toldAddress,
        Math.min(EVENTS, most),
        0,
      );
      if (count < 0 && this.library.errno[0] !== EINTR) this.replace();
      for (let i = 1; i <= count; i++) {
        const at = i * EVENT_WORDS;
        const source = this.#sources[events[at + EVENT_FD]!];
        if (source === undefined) continue;
        tell(source, events[at]!);
        told++;
      }
    } while (count === EVENTS && most > count);
    return told;
  }

  /**
   * Opens another instance, and has it watch everything: somebody has closed
   * the one there was, whose number may be another's now.
   *
   * @throws {Deno.errors.NotSupported} If there is none.
   */
  protected replace(): void {
    forget(this.fd);
    this.fd = this.#open();
    for (const source of this.#sources) {
      if (source === undefined || source.interest === 0) continue;
      source.interest = 0;
      this.watch(source);
    }
  }

  #open(): number {
    const fd = this.library.symbols.epoll_create1(linux.EPOLL_CLOEXEC);
    if (fd < 0) throw unavailable("epoll_create1", this.library);
    return hold(this.library, fd);
  }

  /** Closes the instance. */
  protected closeAll(): void {
    release(this.library, this.fd);
  }
}

function tell(source: Source, events: number): void {
  const failed = (events & (linux.EPOLLERR | linux.EPOLLHUP)) !== 0;
  if (failed || (events & linux.EPOLLOUT) !== 0) source.writable();
  const ended = failed || (events & linux.EPOLLRDHUP) !== 0;
  if (ended || (events & linux.EPOLLIN) !== 0) source.readable(ended);
}

/** Why there is no backend; to be called straight after the call failed. */
export function unavailable(
  call: string,
  { errno: [code] }: LinuxLibrary,
): Error {
  return new Deno.errors.NotSupported(
    `Cannot use Linux sockets: ${call} failed with errno ${code} (${
      errnoName(code!)
    })`,
  );
}
