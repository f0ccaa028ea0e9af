/**
 * Measures in nanoseconds, with candidates that take turns.
 *
 * @module
 */

/** Does something so many times. */
export type Work = (count: number) => void;

/** What was measured of one candidate, in nanoseconds. */
export interface Row {
  name: string;
  median: number;
  min: number;
  max: number;
}

/** One comparison. */
export interface Report {
  title: string;
  rows: Row[];
}

/** How much is measured; the first rounds are the compiler's. */
export interface Effort {
  calls: number;
  rounds: number;
  warmUp: number;
}

/** Runs all of them in turn, in one go. */
export function measure(
  works: Record<string, Work>,
  { calls, rounds, warmUp }: Effort,
): Row[] {
  const all = Object.entries(works).map(([name, work]) => ({
    name,
    work,
    samples: [] as number[],
  }));
  for (let round = -warmUp; round < rounds; round++) {
    for (const { work, samples } of all) {
      const start = performance.now();
      work(calls);
      const ns = (performance.now() - start) * 1e6 / calls;
      if (round >= 0) samples.push(ns);
    }
  }
  return all.map(({ name, samples }) => {
    samples.sort((a, b) => a - b);
    const [min, median, max] = [0, samples.length >> 1, samples.length - 1]
      .map((i) => samples[i]!) as [number, number, number];
    return { name, median, min, max };
  });
}
