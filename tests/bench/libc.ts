/**
 * What the benchmarks ask of the C library themselves; on Linux only.
 *
 * @module
 */

const CLOCK_MONOTONIC = 1;

const FUNCTIONS = {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  getppid: { parameters: [], result: "i32" },
} as const;

/** Opens the C library. */
export function openLibc(): Deno.DynamicLibrary<typeof FUNCTIONS> {
  return Deno.dlopen("libc.so.6", FUNCTIONS);
}

/**
 * The clock that all processes have in common: answers nanoseconds of
 * `CLOCK_MONOTONIC`. Those of Deno begin with the process.
 */
export function commonClock(): () => bigint {
  const { symbols } = openLibc();
  const time = new BigInt64Array(2);
  return () => {
    symbols.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  };
}
