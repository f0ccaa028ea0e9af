/**
 * The groups of light load: a program that mostly waits, or opens and closes.
 *
 * @module
 */
import type { Report } from "./harness.ts";
import { idle } from "./idle.ts";
import { moderate } from "./moderate.ts";
import { open } from "./open.ts";
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
      return moderate({ count: quick ? 600 : 4_000, rounds });
    },
    idle() {
      return quick
        ? idle({ milliseconds: 1_000, rounds: 1 })
        : idle({ milliseconds: 3_000, rounds: 3 });
    },
    open() {
      return quick
        ? open({ churned: 20, rounds, milliseconds: 250 })
        : open({ churned: 500, rounds, milliseconds: 5_000 });
    },
  };
}
