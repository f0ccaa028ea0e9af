/**
 * Sleeping in Deno's own event loop: it watches an eventfd of ours as it
 * watches its sockets, so that what we waited for goes on in the same turn.
 *
 * Deno has no public way to watch a descriptor. The class behind its pipes can,
 * with `--allow-ffi` alone, and is looked for when somebody sleeps for the
 * first time. Where it is missing or does not call back, a thread of the pool
 * sleeps instead.
 *
 * @module
 */
import {
  clearTimer,
  inNextTurn,
  referenceTimer,
  setTimer,
  type Timer,
} from "../clock.ts";
import { nodeProcess, queueMicrotask } from "../globals.ts";
import { AioPoll } from "./aio.ts";
import { COUNTER, duplicate, signal } from "./eventfd.ts";
import type { Sleeper, Slept, Slumber } from "./sleeper.ts";

/** A handle of the event loop, as `node:net` uses it. */
interface PipeHandle {
  open(fd: number): number;
  /** Missing before Deno 2.8: then each signal allocates. */
  useUserBuffer?(bytes: Uint8Array): void;
  /** Called with what was read, unless that is where the user wants it. */
  onread: ((bytes?: unknown) => void) | null;
  readStart(): number;
  ref(): void;
  unref(): void;
  /** Closes the descriptor, too. */
  close(): void;
}

type PipeClass = new (kind: number) => PipeHandle;

/** Who is told of a signal; whoever watches is made later than the watch. */
interface Listener {
  /** `read` tells whether it could be read: not if somebody has closed it. */
  told(read: boolean): void;
}

/** How long the event loop may take to tell of the first signal. */
const PROOF_MS = 200;
/** A busy event loop runs timers late: after them it looks at descriptors. */
const TURN_MS = 20;

/** Whether a signal has come through in this thread; `null` before the first. */
let proven: boolean | null = null;

/** The class behind Deno's pipes; `undefined` before it was looked for. */
let Pipe: PipeClass | null | undefined;

/** Loads what is needed, once: it takes some 20 ms, and others may go on. */
export function loadReactor(): void {
  if (Pipe !== undefined) return;
  try {
    const process = nodeProcess() as {
      binding(name: "pipe_wrap"): { Pipe: PipeClass };
    };
    Pipe = process.binding("pipe_wrap").Pipe;
  } catch {
    Pipe = null;
  }
}

/** Opens it; `null` where this Deno or this system cannot. */
export function openReactor(slept: Slept): Sleeper | null {
  if (proven === false || !Pipe) return null;
  const { library } = slept;
  const poll = AioPoll.open(library);
  if (poll === null) return null;
  // A descriptor of its own: the handle closes it.
  const fd = duplicate(library, slept.eventfd);
  const listener: Listener = { told() {} };
  const handle = fd < 0 ? null : watch(Pipe, fd, listener);
  if (handle !== null) return new Reactor(slept, poll, handle, listener);
  if (fd >= 0) library.symbols.close(fd);
  poll.close(library);
  return null;
}

/** Has the event loop watch a descriptor, without keeping the process alive. */
function watch(
  Pipe: PipeClass,
  fd: number,
  listener: Listener,
): PipeHandle | null {
  try {
    const handle = new Pipe(0);
    if (handle.open(fd) !== 0) return null;
    // What is read is never 0.
    const counter = new Int32Array(COUNTER / 4);
    handle.useUserBuffer?.(new Uint8Array(counter.buffer));
    // Before it starts: a handle calls what it had then.
    handle.onread = (bytes) => {
      const read = bytes !== undefined || (counter[0]! | counter[1]!) !== 0;
      counter.fill(0);
      listener.told(read);
    };
    handle.readStart();
    handle.unref();
    return handle;
  } catch {
    return null;
  }
}

class Reactor implements Sleeper {
  readonly way = "reactor";
  quiet = false;
  readonly #slept: Slept;
  readonly #poll: AioPoll;
  readonly #handle: PipeHandle;
  readonly #listener: Listener;
  /** Told of the end of the sleep that goes on. */
  #ended: Slumber | null = null;
  /** Whether the event loop watches. */
  #watches = true;
  #referenced = true;
  /** Called with the next signal. */
  readonly #turns: (() => void)[] = [];
  /** Whether the event loop is told to keep the process alive. */
  #holds = false;
  /** The timer that waits for the first signal. */
  #proof: Timer | undefined;

  constructor(
    slept: Slept,
    poll: AioPoll,
    handle: PipeHandle,
    listener: Listener,
  ) {
    this.#slept = slept;
    this.#poll = poll;
    this.#handle = handle;
    this.#listener = listener;
    listener.told = (read) => read ? this.#signalled() : this.#broken();
  }

  sleep(ended: Slumber): void {
    const { library, epoll, eventfd } = this.#slept;
    this.#ended = ended;
    if (proven === false || !this.#watches) return this.#endSoon(false);
    if (proven === null) this.#prove();
    else if (!this.#poll.arm(library, epoll, eventfd)) {
      return this.#endSoon(false);
    }
    this.#hold(this.#referenced);
  }

  wake(): void {
    this.#endSoon(true);
  }

  turn(call: () => void): void {
    this.#turns.push(call);
    this.#hold(this.#holds);
    // Not now: what is signalled while it tells of another signal is read before
    // the event loop looks at anything else.
    inNextTurn(() => {
      const { library, eventfd } = this.#slept;
      if (!this.#watches || !signal(library, eventfd)) this.#endTurns();
    });
  }

  setReferenced(referenced: boolean): boolean {
    this.#referenced = referenced;
    if (this.#ended !== null) this.#hold(referenced);
    return true;
  }

  rest(): void {
    this.#hold(false);
  }

  close(finished: () => void): void {
    this.#endSoon(true);
    this.#hold(false);
    this.#unwatch();
    this.#poll.close(this.#slept.library);
    finished();
  }

  #signalled(): void {
    proven = true;
    this.quiet = this.#poll.goesOn;
    if (this.#proof !== undefined) this.#endProof();
    if (this.#turns.length > 0) this.#endTurns();
    this.#end(true);
  }

  /** Somebody has closed the descriptor: soon its number may be another's. */
  #broken(): void {
    this.#end(false);
    this.#unwatch();
  }

  #unwatch(): void {
    this.#endProof();
    this.#listener.told = () => {};
    if (this.#watches) this.#handle.close();
    this.#watches = false;
    this.#endTurns();
  }

  #endTurns(): void {
    for (const call of this.#turns.splice(0)) call();
    this.#hold(this.#ended !== null && this.#referenced);
  }

  #end(works: boolean): void {
    const ended = this.#ended;
    this.#ended = null;
    ended?.(works);
  }

  /** Whoever ends the sleep is in the middle of something. */
  #endSoon(works: boolean): void {
    const ended = this.#ended;
    if (ended === null) return;
    this.#ended = null;
    this.quiet = false;
    queueMicrotask(() => ended(works));
  }

  #hold(wanted: boolean): void {
    const holds = wanted || this.#turns.length > 0;
    if (holds === this.#holds) return;
    this.#holds = holds;
    if (holds) this.#handle.ref();
    else this.#handle.unref();
    // Nobody knows yet whether the handle does what it is told.
    if (this.#proof !== undefined) referenceTimer(this.#proof, holds);
  }

  /** Signals by itself, and gives up if the event loop does not tell of it. */
  #prove(): void {
    // Goes on, however many sleeps are ended meanwhile.
    if (this.#proof !== undefined) return;
    signal(this.#slept.library, this.#slept.eventfd);
    const after = (milliseconds: number, call: () => void) => {
      this.#proof = setTimer(milliseconds, call);
      referenceTimer(this.#proof, this.#holds);
    };
    after(PROOF_MS, () =>
      after(TURN_MS, () => {
        proven ??= false;
        this.#end(proven);
      }));
  }

  #endProof(): void {
    clearTimer(this.#proof);
    this.#proof = undefined;
  }
}
