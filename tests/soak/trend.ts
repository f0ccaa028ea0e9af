/**
 * What a row of figures says of growth.
 *
 * @module
 */

/** By how much `y` grows with each `x`: least squares. */
export function slope(points: readonly (readonly [number, number])[]): number {
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
