/**
 * The workers of a model: other threads that use sessions of their own at the
 * same time.
 *
 * @module
 */
import type { Model } from "./model.ts";
import { OtherThread } from "./other_thread.ts";
import type { ModelSystem } from "./system.ts";

/** Steps that a worker makes. */
const STEPS = 200;
/** Workers of one model at a time. */
const MOST_AT_A_TIME = 2;
/**
 * Workers that a process terminates at most: what they leave, descriptors and
 * memory, stays until it ends.
 */
const MOST_TERMINATED = 40;
let terminated = 0;

/** Starts and ends workers at random. */
export class Workers {
  readonly #model: Model;
  readonly #system: ModelSystem;
  readonly #running: OtherThread[] = [];
  #started = 0;

  constructor(model: Model, system: ModelSystem) {
    this.#model = model;
    this.#system = system;
  }

  /** Starts one, ends one, or leaves it. */
  startOrEnd(): void | Promise<void> {
    const { random } = this.#model;
    if (this.#running.length > 0 && random.oneIn(2)) return this.#end();
    if (this.#running.length >= MOST_AT_A_TIME) return;
    // The fake system of a worker is another one.
    const isShared = this.#system !== "fake";
    const order = {
      system: this.#system,
      seed: random.bits(),
      steps: STEPS,
      owner: ++this.#started,
      strangers: isShared ? this.#model.addresses() : [],
    };
    this.#running.push(
      new OtherThread(order, (met) => {
        if (isShared) this.#model.meet(met);
      }),
    );
    this.#model.does("start a worker", "beside others or not");
  }

  /** Ends all, each in one way or the other. */
  async endAll(): Promise<void> {
    while (this.#running.length > 0) await this.#end();
  }

  /** Terminates all after a difference was seen. */
  async giveUp(): Promise<void> {
    for (const worker of this.#running) await worker.terminate();
  }

  /** Ends the oldest, in the middle or after its last step. */
  async #end(): Promise<void> {
    const worker = this.#running.shift()!;
    if (this.#model.random.oneIn(2) && terminated < MOST_TERMINATED) {
      terminated++;
      await worker.terminate();
      return this.#model.does("terminate a worker", "in the middle");
    }
    await worker.finish();
    this.#model.does("finish a worker", "at its end");
  }
}
