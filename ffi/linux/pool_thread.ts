/**
 * Sleeping on a thread of Deno's pool, where the event loop cannot watch a
 * descriptor of ours.
 *
 * @module
 */
import { allocateOutlasting, type RioMemory } from "../memory.ts";
import { setCallReferenced } from "../pending_call.ts";
import { hold, release } from "./descriptors.ts";
import { COUNTER, duplicate, signal } from "./eventfd.ts";
import { POLLIN, POLLNVAL } from "./numbers.ts";
import type { Sleeper, Slept, Slumber } from "./sleeper.ts";

/**
 * A sleep goes on after so long, in milliseconds: a thread of Deno that ends
 * waits for calls on its pool, and only then are our descriptors closed.
 */
const SLEEP_MS = 1000;

/** Where the memory tells of the eventfd, in 16-bit words. */
const TOLD = 7;

/**
 * Opens it.
 *
 * @throws {RangeError} If the system has no room.
 */
export function openPoolThread(slept: Slept): Sleeper {
  return new PoolThread(slept);
}

class PoolThread implements Sleeper {
  readonly way = "thread";
  readonly quiet = false;
  readonly #slept: Slept;
  /** Two `struct pollfd`; the kernel uses them in a sleep. */
  readonly #memory: RioMemory;
  readonly #told: Int16Array;
  readonly #counter = new Uint8Array(COUNTER);
  /** The eventfd once more: somebody may close the other one in a sleep. */
  readonly #second: number;
  /** The native call that goes on. */
  #call: Promise<number> | null = null;
  #signalled = false;
  #referenced = true;
  #finished: (() => void) | null = null;

  constructor(slept: Slept) {
    this.#slept = slept;
    this.#memory = allocateOutlasting(16);
    // The descriptor, then events and revents in 16 bits each.
    const polled = new Int32Array(this.#memory.bytes.buffer, 0, 4);
    polled.set([slept.epoll, POLLIN, slept.eventfd, POLLIN]);
    this.#told = new Int16Array(polled.buffer, 0, 8);
    const { library, eventfd } = slept;
    this.#second = duplicate(library, eventfd);
    if (this.#second >= 0) hold(library, this.#second);
  }

  sleep(ended: Slumber): void {
    this.#sleep().then(ended);
  }

  async #sleep(): Promise<boolean> {
    const { symbols } = this.#slept.library;
    this.#call = symbols.poll(this.#memory.address, 2n, SLEEP_MS);
    if (!this.#referenced) setCallReferenced(this.#call, false);
    try {
      await this.#call;
    } finally {
      this.#call = null;
      this.#finished?.();
    }
    if (this.#finished !== null) return true;
    const told = this.#told[TOLD]!;
    if ((told & POLLNVAL) !== 0) return false;
    // While it is not read, every sleep ends at once, whoever has signalled.
    if (
      (this.#signalled || (told & POLLIN) !== 0) &&
      symbols.read(this.#slept.eventfd, this.#counter, BigInt(COUNTER)) ===
        COUNTER
    ) this.#signalled = false;
    return true;
  }

  wake(): void {
    if (this.#call === null || this.#signalled) return;
    // Tried twice: whoever waits would otherwise wait for ever.
    const { library, eventfd } = this.#slept;
    this.#signalled = signal(library, eventfd) || signal(library, this.#second);
    // It ends at once, and somebody may wait for that.
    if (this.#signalled) setCallReferenced(this.#call, true);
  }

  rest(): void {}

  setReferenced(referenced: boolean): boolean {
    this.#referenced = referenced;
    const call = this.#signalled ? null : this.#call;
    return setCallReferenced(call, referenced) || referenced;
  }

  close(finished: () => void): void {
    const done = () => {
      release(this.#slept.library, this.#second);
      finished();
    };
    if (this.#call === null) return done();
    this.#finished = done;
    this.wake();
  }
}
