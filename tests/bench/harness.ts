/**
 * Runs candidates in turn, several rounds in one go, and compares medians.
 *
 * Machines are shared and their speed drifts: candidates are interleaved, so
 * that a slow moment hits all of them, and only ratios are worth quoting.
 *
 * @module
 */

/** Something to measure. */
export interface Candidate extends AsyncDisposable {
  readonly name: string;
  /** Does the work `count` times. */
  run(count: number): Promise<void> | void;
}

/** What was measured of one candidate. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The first candidate's median is this many times this one's. */
  readonly ratio: number;
}

/** One comparison: a table of rows. */
export interface Report {
  readonly title: string;
  readonly rows: Row[];
}

/** The middle value; the mean of the two middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Measures how often per second each candidate does its work. */
export async function compareRates(
  title: string,
  candidates: Candidate[],
  { count, rounds }: { count: number; rounds: number },
): Promise<Report> {
  const rates: number[][] = candidates.map(() => []);
  for (const candidate of candidates) await candidate.run(count / 10 | 0);
  for (let round = 0; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const start = performance.now();
      await candidate.run(count);
      rates[i]!.push(count * 1000 / (performance.now() - start));
    }
  }
  for (const candidate of candidates) await candidate[Symbol.asyncDispose]();
  return { title, rows: toRows(candidates.map((c) => c.name), rates, "per s") };
}

/** Turns samples into rows, each with its ratio to the first. */
export function toRows(
  names: string[],
  samples: number[][],
  unit: string,
): Row[] {
  const first = median(samples[0]!);
  return names.map((name, i) => ({
    name,
    unit,
    median: median(samples[i]!),
    min: Math.min(...samples[i]!),
    max: Math.max(...samples[i]!),
    ratio: first / median(samples[i]!),
  }));
}

/** Prints a report as a table for people. */
export function print({ title, rows }: Report): void {
  console.log(`\n${title}`);
  const width = Math.max(...rows.map((row) => row.name.length));
  const digits = (value: number) =>
    value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
  for (const { name, unit, median, min, max, ratio } of rows) {
    console.log(
      `  ${name.padEnd(width)}  ${digits(median).padStart(10)} ${unit}` +
        `  (${digits(min)} to ${digits(max)})  1 : ${ratio.toFixed(2)}`,
    );
  }
}
