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
  /** CPU seconds outside of the kernel; of this process or of the child. */
  user: number;
  /** CPU seconds in the kernel. */
  system: number;
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
  /** This package's median divided by this one's; absent where it says nothing. */
  readonly ratio?: number;
  /** CPU per unit of work; absent if not measured. */
  readonly cpu?: Cpu;
}

/** Microseconds of CPU, medians: those of the parts need not add up. */
export interface Cpu {
  readonly total: number;
  readonly user: number;
  readonly system: number;
}

/** What a comparison is called. */
export interface Subject {
  /** By which the targets find it. */
  readonly id: string;
  /** Says what the work is. */
  readonly title: string;
}

/** One comparison: a table of rows. */
export interface Report extends Subject {
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
  return { seconds, user: user / 1e6, system: system / 1e6 };
}

/** Runs each candidate in turn; the first round is the compiler's. */
async function takeTurns<C extends AsyncDisposable, T>(
  candidates: readonly C[],
  rounds: number,
  run: (candidate: C) => Promise<T>,
): Promise<T[][]> {
  const samples: T[][] = candidates.map(() => []);
  await using stack = new AsyncDisposableStack();
  for (const candidate of candidates.toReversed()) stack.use(candidate);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const sample = await run(candidate);
      if (round > 0) samples[i]!.push(sample);
    }
  }
  return samples;
}

/**
 * Measures how often per second each candidate does its work.
 *
 * @param subject What is compared; units of work in one count, for example
 * bytes, and what a unit per second is called.
 * @param candidates This package first.
 * @param effort How long to measure.
 */
export async function compareRates(
  { scale = 1, unit = "per s", ...subject }: Subject & {
    scale?: number;
    unit?: string;
  },
  candidates: readonly Candidate[],
  { count, rounds }: Effort,
): Promise<Report> {
  const samples = await takeTurns(
    candidates,
    rounds,
    (candidate) => measure(candidate, count),
  );
  const rows = toRows(
    candidates.map(({ name }) => name),
    samples.map((runs) => runs.map(({ seconds }) => count * scale / seconds)),
    unit,
  );
  const each = (runs: Sample[], of: (sample: Sample) => number) =>
    median(runs.map(of)) * 1e6 / count;
  return {
    ...subject,
    rows: rows.map((row, i) => ({
      ...row,
      cpu: {
        total: each(samples[i]!, ({ user, system }) => user + system),
        user: each(samples[i]!, ({ user }) => user),
        system: each(samples[i]!, ({ system }) => system),
      },
    })),
  };
}

/** How long round trips take, in microseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Something of which several figures are measured in one go. */
export interface Gauge<F extends string> extends AsyncDisposable {
  readonly name: string;
  /** Does the work `count` times. */
  run(count: number): Promise<Readonly<Record<F, number>>>;
}

/** Something that makes so many round trips, one after the other. */
export type Trips = Gauge<keyof Percentiles>;

/** The percentiles of a run of round trips. */
export function percentiles(trips: number[]): Percentiles {
  trips.sort((a, b) => a - b);
  const at = (part: number) => trips[Math.floor(trips.length * part)]!;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Measures how long round trips take: one report for p50, one for p99. */
export function compareTrips(
  subject: Subject,
  candidates: readonly Trips[],
  effort: Effort,
): Promise<Report[]> {
  const units = { p50: "µs", p99: "µs" };
  return compareFigures({ ...subject, units }, candidates, effort);
}

/**
 * Measures several figures of each candidate, of which less is better: one
 * report for each figure.
 *
 * @param subject What is compared, and the unit of each figure.
 * @param candidates This package first.
 * @param effort How long to measure.
 */
export async function compareFigures<F extends string>(
  { id, title, units }: Subject & { units: Readonly<Record<F, string>> },
  candidates: readonly Gauge<F>[],
  { count, rounds }: Effort,
): Promise<Report[]> {
  const samples = await takeTurns(
    candidates,
    rounds,
    (candidate) => candidate.run(count),
  );
  const names = candidates.map(({ name }) => name);
  return (Object.keys(units) as F[]).map((which) => ({
    id: `${id}-${which}`,
    title: `${title}, ${which}`,
    rows: toRows(
      names,
      samples.map((runs) => runs.map((figures) => figures[which])),
      units[which],
    ),
    lessIsBetter: true,
  }));
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
  for (const { name, unit, median, min, max, ratio, cpu } of rows) {
    const spread = `(${formatted(min)} to ${formatted(max)})`;
    console.log(
      `  ${name.padEnd(width)} ${formatted(median).padStart(13)} ${unit} ` +
        `${spread.padEnd(30)} ${ratioText(ratio)}` +
        (cpu === undefined ? "" : `  ${cpuText(cpu)}`),
    );
  }
}

/** A number with the digits that say something. */
export function formatted(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  const text = value.toFixed(1);
  return text === "-0.0" ? "0.0" : text;
}

function ratioText(ratio: number | undefined): string {
  return (ratio === undefined ? "" : `x ${ratio.toFixed(2)}`).padStart(8);
}

function cpuText({ total, user, system }: Cpu): string {
  const [all, ours, kernels] = [total, user, system].map((us) => us.toFixed(2));
  return `${all} µs CPU (user ${ours}, system ${kernels})`;
}
