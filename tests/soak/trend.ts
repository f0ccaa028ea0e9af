/**
 * What a row of figures says of growth.
 *
 * @module
 */

/** A figure, and when it was taken. */
export type Point = readonly [time: number, value: number];

/** By how much `y` grows with each `x`: least squares. */
export function slope(points: readonly Point[]): number {
  const mean = (axis: 0 | 1) =>
    points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const point of points) {
    above += (point[0] - x) * (point[1] - y);
    below += (point[0] - x) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

/** The one in the middle; 0 of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [low, high] = [sorted.length - 1 >> 1, sorted.length >> 1];
  return ((sorted[low] ?? 0) + (sorted[high] ?? 0)) / 2;
}

/** How a figure went after it had settled, in the first quarter. */
export interface Trend {
  /** How much it rose along the line through all of them. */
  readonly line: number;
  /** The median of the second quarter. */
  readonly before: number;
  /** The median of the last quarter. */
  readonly after: number;
}

/** What can be told of at least eight figures. */
export function trendOf(points: readonly Point[]): Trend {
  const quarters = (from: number, to: number) => {
    const at = (quarter: number) => Math.floor(points.length * quarter / 4);
    return points.slice(at(from), at(to));
  };
  const settled = quarters(1, 4);
  const middle = (some: readonly Point[]) => median(some.map(([, y]) => y));
  return {
    line: slope(settled) * (settled.at(-1)![0] - settled[0]![0]),
    before: middle(quarters(1, 2)),
    after: middle(quarters(3, 4)),
  };
}
