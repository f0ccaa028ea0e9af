/**
 * A model of the contract that uses a session at random and compares.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RioClosedError, RioError, type RioSession } from "../../mod.ts";
import { Lifetimes } from "./lifetimes.ts";
import type { Random } from "./random.ts";
import type { ModelSystem } from "./system.ts";
import { Workers } from "./workers.ts";

/** What a model may do beside its own session. */
export interface ModelOptions {
  /** The system that its workers use; by default it starts none. */
  system?: ModelSystem;
  /**
   * Tells its datagrams from those of other threads.
   *
   * @default {0}
   */
  owner?: number;
}

/** Uses one session at random. */
export class Model extends Lifetimes {
  /** Steps made so far. */
  steps = 0;
  readonly #workers: Workers | undefined;

  constructor(session: RioSession, random: Random, options: ModelOptions = {}) {
    const { system, owner = 0 } = options;
    super(session, random, owner);
    if (system !== undefined) this.#workers = new Workers(this, system);
  }

  /** Makes so many steps, then disposes of everything in some order. */
  async run(steps: number, each?: () => void): Promise<void> {
    this.openBuffer();
    this.openQueue();
    await this.openUdp();
    if (this.random.oneIn(3)) await this.openPair();
    while (this.steps < steps) {
      this.steps++;
      await this.#step();
      each?.();
      if (this.steps % 8 === 0) this.compare();
    }
    this.compare();
    await this.#workers?.endAll();
    await this.end();
  }

  /** Ends everything after a difference was seen. */
  async giveUp(): Promise<void> {
    await this.#workers?.giveUp();
    await this.session.close();
  }

  #step(): void | Promise<void> {
    const chance = this.random.below(1000);
    if (chance < 280) return this.receive();
    if (chance < 560) return this.send();
    if (chance < 860) return this.dequeue();
    if (chance < 890) return this.commit();
    if (chance < 905) return this.openBuffer();
    if (chance < 915) return this.openQueue();
    if (chance < 935) return this.openUdp();
    if (chance < 937) return this.openPair();
    if (chance < 950) return this.resizeQueue();
    if (chance < 963) return this.resizeSocket();
    if (chance < 973) return this.closeSocket();
    if (chance < 978) return this.deregister();
    if (chance < 981) return this.disposeBuffer();
    if (chance < 984) return this.disposeSocket();
    if (chance < 987) return this.closeQueue();
    if (chance < 991) return this.#notify();
    if (chance < 994) return this.#slice();
    if (chance < 995) return this.forgetBuffer();
    if (chance < 999) return this.#useClosed();
    return this.#workers?.startOrEnd();
  }

  async #notify(): Promise<void> {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined || queue.real.notification === "none") return;
    if (queue.waiting) {
      // Refused, unless the first wait has just ended.
      const again = queue.real.notify().catch((error) => {
        assert(error instanceof RioError, `${error}`);
        assertEquals(error.code, "WSAEALREADY");
      });
      queue.waiting = Promise.all([queue.waiting, again]).then(() => {
        queue.waiting = null;
      });
      return;
    }
    queue.waiting = queue.real.notify().then(() => {
      queue.waiting = null;
    });
    this.did("notify");
    if (this.random.oneIn(4)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #slice(): void {
    const buffer = this.random.pick(this.buffers);
    if (buffer === undefined) return;
    const size = buffer.real.byteLength;
    const offset = this.random.below(size + 8);
    const length = this.random.below(size + 8);
    const slice = () => buffer.real.slice(offset, length);
    if (offset + length > size) assertThrows(slice, RangeError);
    else {
      assertEquals(slice().bytes.length, length);
      this.did("slice");
    }
  }

  #useClosed(): void {
    const socket = this.sockets.find(({ closed }) => closed);
    const buffer = this.buffers.at(0);
    if (socket === undefined || buffer === undefined) return;
    const slice = buffer.real.slice(0, 4);
    assertThrows(() => socket.real.receive(slice), RioClosedError);
    assertThrows(() => socket.real.send(slice), RioClosedError);
    assertThrows(() => socket.real.commit(), RioClosedError);
    assertThrows(() => socket.real.resize({ sends: 1 }), RioClosedError);
    this.did("use what was closed");
  }
}
