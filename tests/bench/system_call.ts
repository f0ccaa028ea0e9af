/**
 * What every system call costs, whatever it does: ratios depend on it.
 *
 * @module
 */
import { median } from "./harness.ts";
import { openLibc } from "./libc.ts";

const CALLS = 50_000;
const ROUNDS = 5;

/** Nanoseconds of an empty system call through FFI; `null` but on Linux. */
export function emptySystemCall(): number | null {
  if (Deno.build.os !== "linux") return null;
  const libc = openLibc();
  const { getppid } = libc.symbols;
  const samples: number[] = [];
  // The first round is the compiler's.
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    repeat(getppid);
    const milliseconds = performance.now() - start;
    if (round > 0) samples.push(milliseconds * 1e6 / CALLS);
  }
  libc.close();
  return median(samples);
}

/** A function of its own: the compiler is through with it after a round. */
function repeat(call: () => number): void {
  for (let i = 0; i < CALLS; i++) call();
}
