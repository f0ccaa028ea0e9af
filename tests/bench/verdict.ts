/**
 * Whether a run met the targets.
 *
 * @module
 */
import type { Report, Row } from "./harness.ts";

/** Something to reach. */
export interface Target {
  readonly what: string;
  /** What is to be reached, in words. */
  readonly target: string;
  /** What a run says about it. */
  readonly figures: (run: Run) => Figure[];
  /** What stands in the way where it is not met. */
  readonly why: string;
}

/** One number that is judged. */
export interface Figure {
  /** Absent for the only figure of a target. */
  readonly label: string | undefined;
  /** Absent where it was not measured. */
  readonly value: number | undefined;
  readonly met: boolean;
}

/** What became of a target. */
export interface Verdict extends Omit<Target, "figures"> {
  readonly figures: readonly Figure[];
  readonly verdict: "met" | "met in part" | "not met";
}

/** A figure that should not be below a number. */
export function atLeast(
  bound: number,
  value: number | undefined,
  label?: string,
): Figure {
  return { label, value, met: value !== undefined && value >= bound };
}

/** A figure that should not be above a number. */
export function atMost(
  bound: number,
  value: number | undefined,
  label?: string,
): Figure {
  return { label, value, met: value !== undefined && value <= bound };
}

/** Rows that a machine without a C compiler, or without Node, does not have. */
const MAY_BE_MISSING = /^the limit| in Node/;

/** What the rows of a run say; `undefined` for what did not run. */
export class Run {
  readonly #reports: ReadonlyMap<string, Report>;

  constructor(reports: readonly Report[]) {
    this.#reports = new Map(reports.map((report) => [report.id, report]));
  }

  /** The median of one row to that of another; rows by place or by name. */
  rate(id: string, a: number | string, b: string): number | undefined {
    return this.#ratio(id, a, b, ({ median }) => median);
  }

  /** The same for CPU time. */
  cpu(id: string, a: number | string, b: string): number | undefined {
    return this.#ratio(id, a, b, ({ cpu }) => cpu!.total);
  }

  /** The median of a row. */
  median(id: string, row: number | string): number | undefined {
    return this.#row(id, row)?.median;
  }

  #ratio(
    id: string,
    a: number | string,
    b: string,
    of: (row: Row) => number,
  ): number | undefined {
    const [above, below] = [this.#row(id, a), this.#row(id, b)];
    return above && below && of(above) / of(below);
  }

  #row(id: string, wanted: number | string): Row | undefined {
    const rows = this.#reports.get(id)?.rows;
    if (rows === undefined) return undefined;
    const row = typeof wanted === "number"
      ? rows[wanted]
      : rows.find(({ name }) => name === wanted);
    if (row || MAY_BE_MISSING.test(String(wanted))) return row;
    throw new Error(`The report ${id} has no row ${wanted}`);
  }
}

/** Judges the targets of which something was measured. */
export function judge(
  targets: readonly Target[],
  reports: readonly Report[],
): Verdict[] {
  const run = new Run(reports);
  return targets.flatMap(({ figures: measure, ...target }): Verdict[] => {
    const figures = measure(run).filter(({ value }) => value !== undefined);
    if (figures.length === 0) return [];
    const met = figures.filter(({ met }) => met).length;
    const verdict = met === figures.length
      ? "met"
      : met > 0
      ? "met in part"
      : "not met";
    return [{ ...target, figures, verdict }];
  });
}

/** Prints a table of what was met, with the reason below what was not. */
export function printVerdicts(verdicts: readonly Verdict[]): void {
  const widths = (["what", "target"] as const)
    .map((field) => Math.max(...verdicts.map((one) => one[field].length)));
  for (const { what, target, figures, verdict, why } of verdicts) {
    const measured = figures
      .map(({ label, value }) =>
        value!.toFixed(2) + (label === undefined ? "" : ` ${label}`)
      )
      .join(", ");
    console.log(
      `  ${what.padEnd(widths[0]!)}  ${target.padEnd(widths[1]!)}  ` +
        `${verdict}: ${measured}`,
    );
    if (verdict !== "met") console.log(`    because ${why}`);
  }
}
