/**
 * What the benchmarks ask of the C library themselves; on Linux only.
 *
 * @module
 */

/** The C library with the functions that are used here. */
export type Libc = ReturnType<typeof openLibc>;

const CLOCK_MONOTONIC = 1;

/** Opens the C library. */
export function openLibc() {
  return Deno.dlopen("libc.so.6", {
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    getppid: { parameters: [], result: "i32" },
  });
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
