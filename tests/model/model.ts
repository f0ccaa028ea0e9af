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
import { kindOfSocket, stateOfBuffer, stateOfQueue } from "./verbs.ts";
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
    if (!this.random.oneIn(4)) this.finish();
    await this.end();
  }

  /** Ends everything after a difference was seen. */
  async giveUp(): Promise<void> {
    await this.#workers?.giveUp();
    await this.session.close();
  }

  #step(): void | Promise<void> {
    const chance = this.random.below(1000);
    if (chance < 250) return this.receive();
    if (chance < 500) return this.send();
    if (chance < 785) return this.dequeue();
    if (chance < 817) return this.commit();
    if (chance < 842) return this.openBuffer();
    if (chance < 860) return this.openQueue();
    if (chance < 887) return this.openUdp();
    if (chance < 901) return this.openPair();
    if (chance < 919) return this.resizeQueue();
    if (chance < 933) return this.resizeSocket();
    if (chance < 943) return this.closeSocket();
    if (chance < 949) return this.deregister();
    if (chance < 954) return this.disposeBuffer();
    if (chance < 966) return this.disposeSocket();
    if (chance < 974) return this.closeQueue();
    if (chance < 988) return this.#notify();
    if (chance < 992) return this.#slice();
    if (chance < 996) return this.forgetBuffer();
    if (chance < 999) return this.#useClosed();
    return this.#workers?.startOrEnd();
  }

  async #notify(): Promise<void> {
    const queue = this.random.pick(this.openQueues());
    if (queue === undefined || queue.real.notification === "none") return;
    this.does("notify", stateOfQueue(queue));
    const before = queue.waiting;
    const told = queue.real.notify().catch((error) => {
      // Refused, unless the wait before has just ended.
      assert(before !== null && error instanceof RioError, `${error}`);
      assertEquals(error.code, "WSAEALREADY");
    });
    const waiting: Promise<void> = Promise.all([before, told]).then(() => {
      if (queue.waiting === waiting) queue.waiting = null;
    });
    queue.waiting = waiting;
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
    this.does("slice", stateOfBuffer(buffer));
    const slice = () => buffer.real.slice(offset, length);
    if (offset + length > size) assertThrows(slice, RangeError);
    else assertEquals(slice().bytes.length, length);
  }

  #useClosed(): void {
    const closed = this.sockets.filter(({ closed }) => closed);
    const socket = this.random.pick(closed);
    const buffer = this.buffers.at(0);
    if (socket === undefined || buffer === undefined) return;
    this.does("use what was closed", kindOfSocket(socket.isStream));
    const slice = buffer.real.slice(0, 4);
    assertThrows(() => socket.real.receive(slice), RioClosedError);
    assertThrows(() => socket.real.send(slice), RioClosedError);
    assertThrows(() => socket.real.commit(), RioClosedError);
    assertThrows(() => socket.real.resize({ sends: 1 }), RioClosedError);
  }
}
