/**
 * The kernel, with functions that fail on request.
 *
 * @module
 */
import type { RioWaitWay } from "../../ffi/contract.ts";
import { AioPoll } from "../../ffi/linux/aio.ts";
import { openLinux, openUring } from "../../ffi/linux/backend.ts";
import {
  acquireLibrary,
  type LinuxLibrary,
  type LinuxSymbols,
  releaseLibrary,
} from "../../ffi/linux/library.ts";
import { EPOLL_CTL_DEL, EPOLL_CTL_MOD } from "../../ffi/linux/numbers.ts";
import {
  openUringLibrary,
  type UringLibrary,
  type UringSymbols,
} from "../../ffi/linux/uring/library.ts";
import { allocate, type RioMemory } from "../../ffi/memory.ts";
import { bytesAt } from "../fake/memory.ts";
import { type System, untilGone, type Way } from "./faults.ts";
import { Injection } from "./injection.ts";

/** How a call is made; it gets the real one, and what that is called with. */
export type Instead = (
  call: (...values: unknown[]) => unknown,
  ...values: unknown[]
) => unknown;

/** The real kernel, with failures. */
export class FaultyLinux implements System {
  /** Contexts for polls are kept: whether a new one is needed is not known. */
  readonly injection: Injection = new Injection({ io_setup: 0 });
  /** What each function returned last. */
  readonly last: Record<string, unknown> = {};
  /** Calls that are made in another way. */
  readonly instead: Record<string, Instead> = {};
  /** Who is told when a function is called next. */
  readonly #told: Map<string, (() => void)[]> = new Map();
  /** The functions as they are, for what a test does behind the back. */
  readonly real: LinuxSymbols;
  readonly #way: RioWaitWay | undefined;
  readonly #engine: "io_uring" | "epoll";
  readonly #library: LinuxLibrary;
  readonly #before: ReadonlySet<string>;
  readonly #spare: AioPoll[] = [];
  readonly #announcer: Announcer;

  /** Waits in one way only, where it is given, and moves data in one way. */
  constructor(way?: RioWaitWay, engine: "io_uring" | "epoll" = "epoll") {
    this.#way = way;
    this.#engine = engine;
    const { symbols, errno } = acquireLibrary();
    this.#before = descriptors();
    this.#library = { symbols: this.#wrap(symbols), errno };
    this.real = symbols;
    this.#announcer = new Announcer(symbols);
  }

  open() {
    const library = this.#library;
    const way = this.#way === undefined ? {} : { way: this.#way };
    return this.#engine === "epoll"
      ? openLinux({ library, ...way })
      : openUring({ library, ...way, uring: { open: () => this.#calls() } });
  }

  /** The functions of io_uring, which fail as the others. */
  #calls(): UringLibrary {
    const opened = openUringLibrary();
    const symbols: UringSymbols = this.#wrap(opened.symbols);
    return { symbols, [Symbol.dispose]: () => opened[Symbol.dispose]() };
  }

  #wrap<T extends LinuxSymbols | UringSymbols>(symbols: T): T {
    const wrapped: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(symbols)) {
      wrapped[name] = (...values: unknown[]) =>
        this.#run(name, call as (...values: unknown[]) => unknown, values);
    }
    return wrapped as unknown as T;
  }

  fail(call: string, way: Way, nth: number): void {
    if (call === "io_setup") this.takeSpare();
    this.injection.fail(call, way, nth);
  }

  failNext(call: string, way: Way, nth: number): void {
    if (call === "io_setup") this.takeSpare();
    this.injection.failNext(call, way, nth);
  }

  get met(): boolean {
    return this.injection.met;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.injection.counts;
  }

  /** Leaves an error, as a function does that fails. */
  setErrno(errno: number): void {
    this.#library.errno[0] = errno;
  }

  /** Resolves when a function is called next, and has returned. */
  next(call: string): Promise<void> {
    return new Promise((resolve) => {
      const told = this.#told.get(call) ?? [];
      this.#told.set(call, told);
      told.push(resolve);
    });
  }

  /** Takes the contexts that are kept: the next poll needs a new one. */
  takeSpare(): void {
    const io_setup = () => -1;
    const none = { symbols: { io_setup } } as unknown as LinuxLibrary;
    for (;;) {
      const poll = AioPoll.open(none);
      if (poll === null) return;
      this.#spare.push(poll);
    }
  }

  async faults(): Promise<string[]> {
    const open = () =>
      [...descriptors()]
        .filter((one) => !this.#before.has(one) && !isUnixSocket(one))
        .map((one) => `descriptor ${one} is open`);
    // A wait that goes on holds its descriptors until it returned.
    await untilGone(open);
    return open();
  }

  [Symbol.dispose](): void {
    for (const poll of this.#spare.splice(0)) poll.close(this.#library);
    releaseLibrary();
  }

  #run(
    name: string,
    call: (...values: unknown[]) => unknown,
    values: unknown[],
  ): unknown {
    const way = this.injection.count(name);
    const instead = this.instead[name];
    const result = instead
      ? instead(call, ...values)
      : this.#call({ name, call, way }, values);
    this.last[name] = result;
    for (const tell of this.#told.get(name)?.splice(0) ?? []) tell();
    return result;
  }

  #call(
    { name, call, way }: {
      name: string;
      call: (...values: unknown[]) => unknown;
      way: Way | undefined;
    },
    values: unknown[],
  ): unknown {
    if (name === "epoll_ctl") this.#announcer.note(values);
    if (way === undefined) return call(...values);
    if (way.short) {
      const result = callShort(name, call, values);
      if (name === "recvmmsg") this.#announcer.announce(values[0] as number);
      return result;
    }
    const done = way.accept ? call(...values) : undefined;
    // What the call would have left, it leaves now.
    this.#library.errno[0] = way.errno;
    return done instanceof Promise || name === "poll"
      ? Promise.resolve(done).then(() => -1)
      : -1;
  }
}

/** Bytes of a `struct epoll_event`; it is packed on x86-64 alone. */
const EVENT = Deno.build.arch === "x86_64" ? 12 : 16;

/** Memory for the events of all, because blocks of memory are costly. */
let announced: RioMemory | undefined;

/**
 * Has epoll tell once more that a socket can be read. The kernel takes fewer
 * datagrams than there are only where an error comes between them; that error
 * is announced.
 */
class Announcer {
  readonly #symbols: LinuxSymbols;
  /** How each descriptor is watched: by whom, and for what. */
  readonly #watched: Map<unknown, { epoll: number; event: Uint8Array }> =
    new Map();

  constructor(symbols: LinuxSymbols) {
    this.#symbols = symbols;
  }

  /** Takes note of what `epoll_ctl` is called with. */
  note([epoll, operation, fd, event]: unknown[]): void {
    if (operation === EPOLL_CTL_DEL) return void this.#watched.delete(fd);
    this.#watched.set(fd, {
      epoll: epoll as number,
      event: bytesAt(event as bigint, EVENT).slice(),
    });
  }

  announce(fd: number): void {
    const watched = this.#watched.get(fd);
    if (watched === undefined) return;
    const { epoll, event } = watched;
    const { bytes, address } = announced ??= allocate(EVENT);
    bytes.set(event);
    this.#symbols.epoll_ctl(epoll, EPOLL_CTL_MOD, fd, address);
  }
}

/** Where a `struct msghdr` has its `iovec` array and its length, in bytes. */
const IOV = 16;
const IOV_COUNT = 24;

/** Does the least that a call may do of what it was asked for. */
function callShort(
  name: string,
  call: (...values: unknown[]) => unknown,
  values: unknown[],
): unknown {
  switch (name) {
    case "recvmmsg":
    case "sendmmsg":
    case "epoll_wait":
      return call(...values.with(2, Math.min(1, values[2] as number)));
    case "io_submit":
      return call(...values.with(2, 0n));
    case "send":
      return call(...values.with(2, 1n));
  }
  const message = new DataView(bytesAt(values[1] as bigint, 56).buffer);
  const vector = new DataView(
    bytesAt(message.getBigUint64(IOV, true), 16).buffer,
  );
  const [count, length] = [
    message.getBigUint64(IOV_COUNT, true),
    vector.getBigUint64(8, true),
  ];
  message.setBigUint64(IOV_COUNT, 1n, true);
  if (length > 1n) vector.setBigUint64(8, 1n, true);
  const result = call(...values);
  message.setBigUint64(IOV_COUNT, count, true);
  vector.setBigUint64(8, length, true);
  return result;
}

/**
 * Whether a descriptor is a Unix socket: the package opens none, and Deno opens
 * two for itself when it first needs them.
 */
function isUnixSocket(descriptor: string): boolean {
  const inode = /socket:\[(\d+)\]/.exec(descriptor)?.[1];
  return inode !== undefined && Deno.readTextFileSync("/proc/net/unix")
    .split("\n").some((line) => line.split(/ +/)[6] === inode);
}

/** The descriptors of this process, each with what it is. */
function descriptors(): Set<string> {
  const found = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      found.add(`${name} ${Deno.readLinkSync(`/proc/self/fd/${name}`)}`);
    } catch (error) {
      // The one that listed the others is closed by now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}
