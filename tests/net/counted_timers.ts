/**
 * Loaded before a program: counts the timers that are started, by whomever.
 *
 * @module
 */
const counted = globalThis as unknown as {
  timers: number;
  setTimeout: (...values: unknown[]) => unknown;
  setInterval: (...values: unknown[]) => unknown;
};
const { setInterval, setTimeout } = counted;

counted.timers = 0;
counted.setTimeout = (...values) => {
  counted.timers++;
  return setTimeout(...values);
};
counted.setInterval = (...values) => {
  counted.timers++;
  return setInterval(...values);
};
