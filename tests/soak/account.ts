/**
 * What a soak has to account for at its end, and how memory and descriptors
 * went on the way.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { RioCompletion, RioSession } from "../../mod.ts";
import { type Goal, isReached } from "./part.ts";
import { slope } from "./trend.ts";

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
  readonly #goal: Goal;
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

  constructor(name: string, goal: Goal) {
    this.#name = name;
    this.#goal = goal;
  }

  /** Whether all that was asked for was done. */
  get isOver(): boolean {
    return isReached(this.#goal, this.done);
  }

  /** Counts a completion. */
  count({ status }: RioCompletion): void {
    if (status === 0) this.completed++;
    else if (status === ABORTED) this.aborted++;
    else this.failed.set(status, (this.failed.get(status) ?? 0) + 1);
  }

  /** Takes a sample each twentieth of the way, where it is known how far. */
  sample(): void {
    const goal = this.#goal;
    if (typeof goal !== "number") return;
    if (this.done < this.#samples.length * goal / 20) return;
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
    console.log(
      `${this.#name}: ${this.done} in ${
        seconds.toFixed(1)
      } s; ${posted} requests posted, ${this.completed} completed, ${this.aborted} aborted, ${failed} failed; ${this.cancellations} cancellations${this.#trend()}`,
    );
    const settled = this.#samples.slice(this.#samples.length >> 2);
    const [first, last] = [settled.at(0), settled.at(-1)];
    if (first === undefined || last === undefined) return;
    assert(
      last.memory - first.memory < GROWTH_LIMIT,
      `memory grew from ${first.memory} to ${last.memory} bytes`,
    );
  }

  /** How memory and descriptors went after the first quarter. */
  #trend(): string {
    const settled = this.#samples.slice(this.#samples.length >> 2);
    if (settled.length === 0) return "";
    const over = (value: (sample: Sample) => number) =>
      this.done * slope(settled.map((one) => [one.done, value(one)]));
    const memory = over(({ memory }) => memory) / 1024;
    const descriptors = over(({ descriptors }) => descriptors);
    return `; slope over the run: ${memory.toFixed(0)} KiB of memory, ${
      descriptors.toFixed(1)
    } descriptors`;
  }
}

/** How many descriptors this process has open; 0 where that cannot be seen. */
export function countDescriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** How many of them are what event loops sleep with. */
export function countEventfds(): number {
  if (Deno.build.os !== "linux") return 0;
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const what = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (what === "anon_inode:[eventfd]") count++;
    } catch {
      // It was closed meanwhile, as what reads the folder is.
    }
  }
  return count;
}
