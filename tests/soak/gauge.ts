/**
 * What a process holds while everything runs, minute by minute, and whether it
 * grew.
 *
 * @module
 */
import { assert } from "@std/assert";
import { countDescriptors } from "./account.ts";
import type { Holdings } from "./holdings.ts";
import { trendOf } from "./trend.ts";

const MIB = 1024 * 1024;
/** Fewer samples have no quarters. */
const FEWEST = 8;

/** What was there at one moment. */
interface Sample {
  readonly minutes: number;
  /** Resident memory, in MiB, as it is. */
  readonly memory: number;
  /** Of V8's heap what is still in use after a collection, in MiB. */
  readonly heap: number;
  readonly descriptors: number;
  readonly registrations: number;
  readonly outstanding: number;
}

/** What may grow, and by how much: along the line, and between two medians. */
export interface Bounds {
  /** Resident memory, in MiB. */
  readonly memory: number;
  /** V8's heap, in MiB. */
  readonly heap: number;
}

/** Takes samples, prints and judges them. */
export class Gauge {
  readonly #holdings: Holdings;
  readonly #start: number = performance.now();
  readonly #samples: Sample[] = [];

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  /** Takes a sample, and prints it. */
  sample(): void {
    const { buffers, outstanding, posted, registered } = this.#holdings.sum();
    const { rss } = Deno.memoryUsage();
    // What nobody uses any more is no growth; resident memory is read before.
    (globalThis as { gc?: () => void }).gc?.();
    const sample = {
      minutes: (performance.now() - this.#start) / 60_000,
      memory: rss / MIB,
      heap: Deno.memoryUsage().heapUsed / MIB,
      descriptors: countDescriptors(),
      registrations: buffers,
      outstanding,
    };
    this.#samples.push(sample);
    const { minutes, memory, heap, descriptors } = sample;
    console.log(
      `${minutes.toFixed(1)} min: ${memory.toFixed(1)} MiB resident, ${
        heap.toFixed(2)
      } MiB heap, ${descriptors} descriptors, ${buffers} of ${registered} buffers registered, ${outstanding} of ${posted} requests outstanding`,
    );
  }

  /**
   * Prints how memory and heap went after the first quarter.
   *
   * @throws {AssertionError} If one of them grew.
   */
  judge(bounds: Bounds): void {
    const samples = this.#samples;
    if (samples.length < FEWEST) {
      return console.log(`${samples.length} samples tell nothing of growth`);
    }
    const grown: string[] = [];
    for (const key of ["memory", "heap"] as const) {
      const { line, before, after } = trendOf(
        samples.map((one) => [one.minutes, one[key]]),
      );
      console.log(
        `${key} after the first quarter: ${
          line.toFixed(2)
        } MiB more along the line; median of the second quarter ${
          before.toFixed(2)
        } MiB, of the last ${after.toFixed(2)} MiB; ${
          bounds[key]
        } MiB are borne`,
      );
      const growth = Math.max(line, after - before);
      if (growth > bounds[key]) grown.push(`${key} by ${growth} MiB`);
    }
    assert(grown.length === 0, `grown: ${grown.join(", ")}`);
  }
}
