/**
 * What a soak has to account for at its end, and how memory and descriptors
 * went on the way.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioCompletion, RioSession } from "../../mod.ts";

/** The most that memory may grow after the first quarter, in bytes. */
const GROWTH_LIMIT = 96 * 1024 * 1024;

/** `WSA_OPERATION_ABORTED`: how a request ends whose socket was closed. */
export const ABORTED = 995;

interface Sample {
  readonly done: number;
  readonly memory: number;
  readonly descriptors: number;
}

/** Counts what was posted and how it ended, and takes samples. */
export class Account {
  readonly #name: string;
  readonly #goal: number;
  readonly #samples: Sample[] = [];
  readonly #start: number = performance.now();
  /** Things done: datagrams, or round trips. */
  done = 0;
  /** Requests that ended well. */
  completed = 0;
  /** Requests that were aborted. */
  aborted = 0;
  /** Requests that ended with another error, by its number. */
  readonly failed: Map<number, number> = new Map();
  /** Sockets closed in the middle of their work. */
  cancellations = 0;

  constructor(name: string, goal: number) {
    this.#name = name;
    this.#goal = goal;
  }

  /** Whether all that was asked for was done. */
  get isOver(): boolean {
    return this.done >= this.#goal;
  }

  /** Counts a completion. */
  count({ status }: RioCompletion): void {
    if (status === 0) this.completed++;
    else if (status === ABORTED) this.aborted++;
    else this.failed.set(status, (this.failed.get(status) ?? 0) + 1);
  }

  /** Takes a sample each twentieth of the way. */
  sample(): void {
    if (this.done < this.#samples.length * this.#goal / 20) return;
    this.#samples.push({
      done: this.done,
      memory: Deno.memoryUsage().rss,
      descriptors: countDescriptors(),
    });
  }

  /**
   * Prints how it went; every request that was posted must have ended.
   *
   * @throws {AssertionError} If one is missing, or memory or descriptors grew.
   */
  close(session: RioSession): void {
    const failed = [...this.failed.values()].reduce((a, b) => a + b, 0);
    const { posted, completed, outstanding } = session.stats();
    assertEquals(outstanding, 0);
    assertEquals(completed, posted);
    assertEquals(this.completed + this.aborted + failed, posted);
    const seconds = (performance.now() - this.#start) / 1000;
    const memory = slope(this.#samples, (sample) => sample.memory);
    const descriptors = slope(this.#samples, (sample) => sample.descriptors);
    console.log(
      `${this.#name}: ${this.done} in ${
        seconds.toFixed(1)
      } s; ${posted} requests posted, ${this.completed} completed, ${this.aborted} aborted, ${failed} failed; ${this.cancellations} cancellations; slope over the run: ${
        (memory * this.done / 1024).toFixed(0)
      } KiB of memory, ${(descriptors * this.done).toFixed(1)} descriptors`,
    );
    const settled = this.#samples.slice(this.#samples.length >> 2);
    const [first, last] = [settled.at(0), settled.at(-1)];
    if (first === undefined || last === undefined) return;
    assert(
      last.memory - first.memory < GROWTH_LIMIT,
      `memory grew from ${first.memory} to ${last.memory} bytes`,
    );
  }
}

/** How many descriptors this process has open; 0 where that cannot be seen. */
export function countDescriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Least squares over the samples after the first quarter. */
function slope(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
): number {
  const settled = samples.slice(samples.length >> 2);
  const mean = (of: (sample: Sample) => number) =>
    settled.reduce((sum, one) => sum + of(one), 0) / settled.length;
  const [x, y] = [mean((one) => one.done), mean(value)];
  let above = 0;
  let below = 0;
  for (const one of settled) {
    above += (one.done - x) * (value(one) - y);
    below += (one.done - x) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

/** Gives the event loop a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
