/**
 * Runs candidates in turn, several rounds in one go, and compares medians.
 *
 * Machines are shared and their speed drifts: candidates are interleaved, so
 * that a slow moment hits all of them, and only ratios are worth quoting. The
 * CPU time of a process does not count the moments in which others ran.
 *
 * @module
 */
import process from "node:process";

/** What one run of a candidate took. */
export interface Sample {
  /** Wall-clock seconds. */
  seconds: number;
  /** CPU seconds, user and system; of this process or of the child. */
  cpu: number;
}

/** Something to measure. */
export interface Candidate extends AsyncDisposable {
  readonly name: string;
  /**
   * Does the work `count` times. A candidate that runs as a child process
   * measures itself and returns what it measured.
   */
  run(count: number): Promise<Sample | void> | void;
}

/** What was measured of one candidate. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** This package's median divided by this one's. */
  readonly ratio: number;
  /** CPU microseconds per unit of work, the median; absent if not measured. */
  readonly cpu?: number;
}

/** One comparison: a table of rows. */
export interface Report {
  readonly title: string;
  readonly rows: Row[];
  /** Whether less is better. */
  readonly lessIsBetter?: boolean;
}

/** How long to measure. */
export interface Effort {
  /** Units of work in a round. */
  readonly count: number;
  /** Rounds, after one that is not counted. */
  readonly rounds: number;
}

/** The middle value; the mean of the two middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs a candidate once and measures it. */
async function measure(candidate: Candidate, count: number): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const own = await candidate.run(count);
  const seconds = (performance.now() - start) / 1000;
  if (own) return own;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpu: (user + system) / 1e6 };
}

/**
 * Measures how often per second each candidate does its work.
 *
 * @param title Says what the work is.
 * @param candidates This package first.
 * @param effort How long to measure.
 * @param scale Units of work in one count, for example bytes.
 * @param unit Name of a unit per second.
 */
export async function compareRates(
  title: string,
  candidates: Candidate[],
  { count, rounds }: Effort,
  { scale = 1, unit = "per s" } = {},
): Promise<Report> {
  const rates: number[][] = candidates.map(() => []);
  const cpus: number[][] = candidates.map(() => []);
  for (const candidate of candidates) await candidate.run(count);
  for (let round = 0; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const { seconds, cpu } = await measure(candidate, count);
      rates[i]!.push(count * scale / seconds);
      cpus[i]!.push(cpu * 1e6 / count);
    }
  }
  for (const candidate of candidates) await candidate[Symbol.asyncDispose]();
  const rows = toRows(candidates.map((c) => c.name), rates, unit);
  return {
    title,
    rows: rows.map((row, i) => ({ ...row, cpu: median(cpus[i]!) })),
  };
}

/** Turns samples into rows, each with the ratio of the first to it. */
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
export function print({ title, rows, lessIsBetter }: Report): void {
  console.log(`\n${title}${lessIsBetter ? " (less is better)" : ""}`);
  const width = Math.max(...rows.map((row) => row.name.length));
  const digits = (value: number) =>
    Math.abs(value) >= 100
      ? Math.round(value).toLocaleString("en")
      : value.toFixed(1);
  for (const { name, unit, median, min, max, ratio, cpu } of rows) {
    const spread = `(${digits(min)} to ${digits(max)})`;
    console.log(
      `  ${name.padEnd(width)} ${digits(median).padStart(13)} ${unit} ` +
        `${spread.padEnd(30)} ${`x ${ratio.toFixed(2)}`.padStart(8)}` +
        (cpu === undefined ? "" : `  ${cpu.toFixed(2)} µs CPU`),
    );
  }
}
