/**
 * Sleeping on a thread of Deno's pool, where the event loop cannot watch a
 * descriptor of ours.
 *
 * @module
 */
import { allocate, type RioMemory } from "../memory.ts";
import { setCallReferenced } from "../pending_call.ts";
import { POLLIN } from "./numbers.ts";
import type { Sleeper, Slept } from "./sleeper.ts";

/** What is added to the eventfd: 1, as 64 bits. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

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
  readonly #slept: Slept;
  /** Two `struct pollfd`; the kernel uses them in a sleep. */
  readonly #memory: RioMemory;
  readonly #counter = new Uint8Array(8);
  /** The native call that goes on. */
  #call: Promise<number> | null = null;
  #signalled = false;
  #referenced = true;
  #finished: (() => void) | null = null;

  constructor(slept: Slept) {
    this.#slept = slept;
    this.#memory = allocate(16);
    // The descriptor, then events and revents in 16 bits each.
    const polled = new Int32Array(this.#memory.bytes.buffer, 0, 4);
    polled.set([slept.epoll, POLLIN, slept.eventfd, POLLIN]);
  }

  async sleep(): Promise<boolean> {
    const { symbols } = this.#slept.library;
    this.#call = symbols.poll(this.#memory.address, 2n, -1);
    if (!this.#referenced) setCallReferenced(this.#call, false);
    try {
      await this.#call;
    } finally {
      this.#call = null;
      this.#finished?.();
    }
    if (this.#finished !== null) return true;
    // While it is not read, every sleep ends at once.
    if (
      this.#signalled &&
      symbols.read(this.#slept.eventfd, this.#counter, 8n) === 8
    ) this.#signalled = false;
    return true;
  }

  wake(): void {
    if (this.#call === null || this.#signalled) return;
    // Tried twice: whoever waits would otherwise wait for ever.
    this.#signalled = this.#write() || this.#write();
  }

  setReferenced(referenced: boolean): boolean {
    const can = setCallReferenced(this.#call, referenced);
    this.#referenced = referenced || !can;
    return can || referenced;
  }

  close(finished: () => void): void {
    if (this.#call === null) return finished();
    this.#finished = finished;
    this.wake();
  }

  #write(): boolean {
    return this.#slept.library.symbols.write(this.#slept.eventfd, ONE, 8n) ===
      8;
  }
}
