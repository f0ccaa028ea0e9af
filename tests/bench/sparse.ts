/**
 * Sparse datagrams: each of them wakes a receiver that has nothing else to do.
 *
 * @module
 */
import { Child } from "./child.ts";
import { compareFigures, type Gauge, type Report } from "./harness.ts";
import { type Kind, KINDS, NAMES } from "./kinds.ts";
import { Program } from "./program.ts";

/** From the send to the wake: two percentiles, and what the wake costs. */
const UNITS = { p50: "µs", p99: "µs", CPU: "µs per wake" };

type Wakes = Gauge<keyof typeof UNITS>;

/** How long to measure. */
export interface SparseEffort {
  /** Datagrams of a round, by the milliseconds between them. */
  readonly counts: Readonly<Record<number, number>>;
  readonly rounds: number;
}

/** Sender and receivers have processes of their own. */
export async function* sparse(
  { counts, rounds }: SparseEffort,
): AsyncGenerator<Report> {
  await using pace = await Program.build("pace.c");
  if (!pace) return;
  for (const [milliseconds, count] of Object.entries(counts)) {
    const subject = {
      id: `sparse-${milliseconds}`,
      title: `UDP, 64 bytes every ${milliseconds} ms, from send to receive`,
      units: UNITS,
    };
    const nanoseconds = Number(milliseconds) * 1e6;
    const candidates = KINDS.map((kind) => wakes(kind, pace, nanoseconds));
    yield* await compareFigures(subject, candidates, { count, rounds });
  }
}

function wakes(kind: Kind, pace: Program, interval: number): Wakes {
  const child = new Child("sparse_child.ts", [kind]);
  return {
    name: NAMES[kind],
    async run(count) {
      await child.tell(String(count));
      const port = await child.line();
      // The child does not count the first.
      await pace.run(["send", port, count + 1, interval]);
      const [p50, p99, CPU] = await child.numbers();
      return { p50: p50!, p99: p99!, CPU: CPU! };
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
