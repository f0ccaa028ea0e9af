/**
 * Waiting for what epoll tells: the backends of a thread share one.
 *
 * @module
 */
import { inNextTurn, timeNow } from "../clock.ts";
import { NativePromise } from "../globals.ts";
import type { RioWaits, RioWaitWay } from "../contract.ts";
import { WSAEINVAL } from "../error_numbers.ts";
import { afterContinuations, afterLooking } from "../turns.ts";
import { forget, release } from "./descriptors.ts";
import { Epoll } from "./epoll.ts";
import { openEventfd } from "./eventfd.ts";
import type { LinuxLibrary } from "./library.ts";
import { openSleeper } from "./open_sleeper.ts";
import type { Readiness, Source } from "./readiness.ts";
import { loadReactor } from "./reactor.ts";
import type { Scratch } from "./scratch.ts";
import type { Sleeper, Slept } from "./sleeper.ts";

/**
 * A wait goes on looking for so long after the last arrival if the one before
 * was as soon, in milliseconds. To look costs the processor; it pays while
 * answers come faster than a sleep takes.
 */
const LOOK_MS = 0.2;

/** After so many looks the event loop has its turn. */
const LOOKS_PER_TURN = 64;
/**
 * So many sources are told by one look: what they cause is done before the
 * next, while their memory is still in the caches.
 */
const TOLD_PER_LOOK = 64;

const always = () => true;

/** Where other things complete than epoll tells of. */
export interface Completing {
  /** Tells what has completed; returns how much of it had to arrive. */
  collect(): number;
  /**
   * Has what completes signal the eventfd, until {@linkcode Completing.wake}.
   *
   * @returns How much of what it told at once had to arrive.
   */
  sleep(): number;
  /** Ends {@linkcode Completing.sleep}. */
  wake(): void;
  /** Has another eventfd signalled. */
  setEventfd(eventfd: number): void;
  /** Ends everything. */
  close(): void;
}

/** Collects the keys of what fired, and waits for them. */
export class Poll extends Epoll implements Readiness, RioWaits {
  readonly looks = true;
  fired: Float64Array = new Float64Array(16);
  readonly #release: () => void;
  /** The only way to sleep, where a test asks for it. */
  readonly #way: RioWaitWay | undefined;
  /** Opened now: where no descriptor is left later, waits still work. */
  #eventfd: number;
  #sleeper: Sleeper | null = null;
  #completing: Completing | null = null;
  #asleep = false;
  /** Ends the wait that goes on; `null` while none does. */
  #resolve: ((count: number | Promise<never>) => void) | null = null;
  /** Whether anybody waits for the wait that goes on. */
  #isWanted: () => boolean = always;
  /** Keys for the wait to report. */
  #keys: number[] = [];
  #woken = false;
  #closed = false;
  #referenced = true;
  /** When something was found last, and whether that was soon after before. */
  #found = 0;
  #busy = false;
  #count = 0;

  /**
   * Opens an epoll instance, and an eventfd to sleep with.
   *
   * @param library The functions to call.
   * @param options Room for calls, what gives the library back, once nothing
   * uses it, and the only way to sleep; the best that works by default.
   * @throws {Deno.errors.NotSupported} If the kernel or a sandbox lacks them.
   */
  constructor(
    library: LinuxLibrary,
    options: {
      scratch: Scratch;
      release: () => void;
      way?: RioWaitWay | undefined;
    },
  ) {
    super(library, options.scratch);
    this.#release = options.release;
    this.#way = options.way;
    try {
      this.#eventfd = openEventfd(library);
    } catch (error) {
      super.closeAll();
      throw error;
    }
  }

  get way(): RioWaitWay {
    return this.#openSleeper()?.way ?? "thread";
  }

  /** A key is all there is to it. */
  createNotification(): number {
    return 0;
  }

  /** Nothing is to be released. */
  closeNotification(): void {}

  fire(key: number): void {
    this.#keys.push(key);
    this.#sleeper?.wake();
  }

  wake(): void {
    this.#woken = true;
    this.#sleeper?.wake();
  }

  setReferenced(referenced: boolean): boolean {
    this.#referenced = referenced;
    return this.#sleeper?.setReferenced(referenced) ?? true;
  }

  turn(call: () => void): void {
    const sleeper = this.#openSleeper();
    if (sleeper?.turn !== undefined) sleeper.turn(call);
    else afterLooking(call);
  }

  wait(isWanted: () => boolean = always): Promise<number> {
    this.#isWanted = isWanted;
    const wait = new NativePromise<number>((resolve) =>
      this.#resolve = resolve
    );
    this.#goOn();
    return wait;
  }

  /**
   * Has a sleep end with what completes elsewhere.
   *
   * @param open Opens that, with the eventfd to signal.
   */
  join<T extends Completing>(open: (eventfd: number) => T): T {
    const opened = open(this.#eventfd);
    this.#completing = opened;
    if (this.#asleep) opened.sleep();
    return opened;
  }

  /** Watches with another instance where somebody has closed the one there was. */
  override watch(source: Source, again?: boolean): number {
    const errno = super.watch(source, again);
    if (errno !== WSAEINVAL || this.#closed) return errno;
    try {
      this.replace();
    } catch {
      return errno;
    }
    return super.watch(source, again);
  }

  override collect(most?: number): number {
    const completed = this.#completing?.collect() ?? 0;
    const told = completed + super.collect(most);
    if (told > 0) this.#note();
    return told;
  }

  /** Tells what has completed elsewhere, and looks at nothing else. */
  reap(): void {
    if (this.#completing !== null && this.#completing.collect() > 0) {
      this.#note();
    }
  }

  /** Takes note that something was found. */
  #note(): void {
    const now = timeNow();
    this.#busy = now - this.#found < LOOK_MS;
    this.#found = now;
  }

  /** Ends everything, and the wait that goes on; called once. */
  close(): void {
    this.#closed = true;
    if (this.#sleeper === null) this.closeAll();
    else this.#sleeper.close(() => this.closeAll());
  }

  protected override closeAll(): void {
    this.#completing?.close();
    this.#completing = null;
    super.closeAll();
    release(this.library, this.#eventfd);
    this.#release();
  }

  /** Whether there is a reason to end the wait. */
  get #isOver(): boolean {
    return this.#keys.length > 0 || this.#woken || this.#closed;
  }

  /** Ends the wait if there is a reason to, or has a look soon. */
  #goOn(): void {
    if (this.#isOver) {
      const resolve = this.#resolve!;
      this.#resolve = null;
      this.#woken = false;
      this.#sleeper?.rest();
      resolve(this.#closed ? 0 : this.#report());
      return;
    }
    // What comes while those go on who were told ends the sleep at once.
    const sleeps = !this.#busy && this.#sleeper?.way === "reactor";
    if (sleeps && this.#isWanted()) this.#sleep();
    else if (++this.#count % LOOKS_PER_TURN === 0) inNextTurn(this.#look);
    else afterContinuations(this.#look);
  }

  /**
   * Looks where that pays; in vain, it looks again after a turn of the event
   * loop, or sleeps.
   */
  readonly #look = (): void => {
    const soon = this.#busy && timeNow() - this.#found < LOOK_MS;
    const sleeps = !soon && !this.#woken && this.#isWanted();
    // A thread that sleeps is dear: it pays to have looked once more.
    const looks = !sleeps || this.#sleeper?.way === "thread";
    let told = 0;
    try {
      if (looks && !this.#closed) told = this.collect(TOLD_PER_LOOK);
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#closed || told > 0 || this.#isOver) {
      this.#goOn();
    } else if (soon) {
      inNextTurn(this.#look);
    } else if (sleeps) {
      this.#sleep();
    } else {
      this.wake();
      this.#goOn();
    }
  };

  #sleep(): void {
    try {
      const sleeper = this.#openSleeper();
      if (sleeper?.setReferenced(this.#referenced) === false) {
        // Whoever waits is told when it asks again.
        this.wake();
        // While it was opened others went on, and may have ended the wait.
      } else if (sleeper !== null && !this.#isOver) {
        this.#asleep = true;
        const told = this.#completing?.sleep() ?? 0;
        if (told === 0) return sleeper.sleep(this.#slept);
        this.#note();
        this.#wakeUp();
      }
      this.#goOn();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on after a sleep: what there is to tell is not new to others. */
  readonly #slept = (works: boolean): void => {
    this.#wakeUp();
    try {
      if (!this.#closed) {
        if (works && this.#sleeper?.quiet) this.reap();
        else this.collect();
      }
      if (!works && !this.#closed) this.#replaceSleeper();
      this.#goOn();
    } catch (error) {
      this.#fail(error);
    }
  };

  #wakeUp(): void {
    this.#asleep = false;
    this.#completing?.wake();
  }

  #fail(error: unknown): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.(NativePromise.reject(error));
  }

  /**
   * Opens the sleeper when it is needed first: a program that never waits loads
   * nothing. None is opened after the end.
   */
  #openSleeper(): Sleeper | null {
    // While it loads others may go on, who wait, too, or close.
    if (this.#sleeper === null && this.#way !== "thread") loadReactor();
    if (this.#closed) return this.#sleeper;
    return this.#sleeper ??= openSleeper(this.#parts(), this.#way);
  }

  /** Sleeps with the new instance from now on; that it ends a sleep is right. */
  protected override replace(): void {
    super.replace();
    const sleeper = this.#sleeper;
    this.#sleeper = null;
    sleeper?.close(() => {});
  }

  /** Takes a sleeper away that does not work any more: now a thread sleeps. */
  #replaceSleeper(): void {
    const sleeper = this.#sleeper;
    if (sleeper === null) return;
    sleeper.close(() => {});
    this.#sleeper = null;
    // A thread needs no more than the eventfd: somebody has closed that.
    if (sleeper.way === "thread") {
      forget(this.#eventfd);
      this.#eventfd = openEventfd(this.library);
      this.#completing?.setEventfd(this.#eventfd);
    }
    this.#sleeper = openSleeper(this.#parts(), "thread");
    this.#sleeper.setReferenced(this.#referenced);
  }

  #parts(): Slept {
    return { library: this.library, epoll: this.fd, eventfd: this.#eventfd };
  }

  #report(): number {
    const keys = this.#keys;
    this.#keys = [];
    const { length } = keys;
    if (this.fired.length < length) this.fired = new Float64Array(2 * length);
    this.fired.set(keys);
    return length;
  }
}
