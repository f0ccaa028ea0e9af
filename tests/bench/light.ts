/**
 * The groups of light load: a program that mostly waits, or opens and closes.
 *
 * @module
 */
import type { Report } from "./harness.ts";
import { moderate } from "./moderate.ts";
import { sparse } from "./sparse.ts";

/** The groups by name, in the order in which they run. */
export function lightGroups(
  { quick, rounds }: { quick: boolean; rounds: number },
): Record<string, () => AsyncIterable<Report>> {
  return {
    sparse() {
      const counts = quick ? { 1: 200, 10: 20 } : { 1: 1_000, 10: 100 };
      return sparse({ counts, rounds });
    },
    moderate() {
      return moderate({ count: quick ? 1_000 : 4_000, rounds });
    },
  };
}
