/**
 * Workers that use sockets for a while: some come to their end, others are
 * terminated in the middle.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Goal, isReached, type Part } from "./part.ts";
import type { Order, Report } from "./worker.ts";

/**
 * From the end of one worker to the start of the next. Each leaves about a MiB,
 * as registered memory of a worker stays: more of them would hide other growth.
 */
const PAUSE_MS = 240_000;
/** The longest that one is let go on before it is terminated. */
const LIFE_MS = 1_000;

/** How many workers there were. */
export interface WorkerCounts {
  /** Came to their end. */
  finished: number;
  /** Were terminated in the middle. */
  terminated: number;
}

/** Starts so many workers, one after the other. */
export async function soakWorkers(
  { goal, random, hostname }: Part,
  counts: WorkerCounts,
): Promise<void> {
  let registered = 0;
  let posted = 0;
  for (let started = 0; !isReached(goal, started); started++) {
    const worker = new OneWorker({ seed: random.bits(), hostname });
    if (random.oneIn(2)) {
      await worker.busy;
      await new Promise((r) => setTimeout(r, random.below(LIFE_MS)));
      worker.terminate();
      counts.terminated++;
    } else {
      const { held, fault } = await worker.ended;
      worker.terminate();
      assertEquals(fault, undefined);
      assertEquals(held!.deregistered, held!.registered);
      assertEquals([held!.outstanding, held!.abandoned], [0, 0]);
      registered += held!.registered;
      posted += held!.posted;
      counts.finished++;
    }
    await pause(PAUSE_MS, goal);
  }
  console.log(
    `workers: ${counts.finished} finished, with ${registered} buffers registered and deregistered and ${posted} requests; ${counts.terminated} terminated in the middle`,
  );
}

/** A worker as its starter sees it. */
class OneWorker {
  readonly #worker: Worker;
  readonly #busy = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Report>();

  constructor(order: Order) {
    const url = new URL("./worker.ts", import.meta.url).href;
    const worker = this.#worker = new Worker(url, { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#hear({ fault: event.message });
    };
    worker.postMessage(order);
  }

  /** Its sockets are at work. */
  get busy(): Promise<void> {
    return this.#busy.promise;
  }

  get ended(): Promise<Report> {
    return this.#ended.promise;
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #hear(report: Report): void {
    this.#busy.resolve();
    if (report.held || report.fault) this.#ended.resolve(report);
  }
}

/** Waits, but not for longer than there is something to do. */
async function pause(ms: number, goal: Goal): Promise<void> {
  if (typeof goal === "number") return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const over = () => resolve();
  goal.addEventListener("abort", over);
  if (!goal.aborted) await promise;
  goal.removeEventListener("abort", over);
  clearTimeout(timer);
}
