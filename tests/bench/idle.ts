/**
 * What sockets cost on which nothing arrives.
 *
 * @module
 */
import { Child } from "./child.ts";
import { type Report, type Row, toRows } from "./harness.ts";
import { KINDS, NAMES } from "./kinds.ts";

/** Sockets of a process, each with a receive pending. */
const SOCKETS = 100;
/**
 * Percent of a core that count as nothing: what remains of it are the turns of
 * the runtime, and a ratio of them is noise.
 */
export const NOTHING = 0.5;

/** Whether the pending receives keep the process alive. */
const WAYS = ["referenced", "unreferenced"] as const;

/** CPU of idle sockets, in percent of a core. */
export async function* idle(
  { milliseconds, rounds }: { milliseconds: number; rounds: number },
): AsyncGenerator<Report> {
  // All wait at the same time: what one uses is not the others' account.
  const samples = await Promise.all(
    WAYS.map((way) =>
      Promise.all(
        KINDS.map((kind) => measure([kind, way], milliseconds, rounds)),
      )
    ),
  );
  const names = KINDS.map((kind) => NAMES[kind]);
  for (const [i, way] of WAYS.entries()) {
    const rows = toRows(names, samples[i]!, "% of a core");
    yield {
      id: `idle-${way}`,
      title: `UDP, ${SOCKETS} idle sockets, a receive pending, ${way}`,
      rows: rows[0]!.median < NOTHING ? rows.map(withoutRatio) : rows,
      lessIsBetter: true,
    };
  }
}

async function measure(
  args: string[],
  milliseconds: number,
  rounds: number,
): Promise<number[]> {
  await using child = new Child("idle_child.ts", [...args, String(SOCKETS)]);
  const samples: number[] = [];
  while (samples.length < rounds) {
    await child.tell(String(milliseconds));
    const [percent] = await child.numbers();
    samples.push(percent!);
  }
  return samples;
}

function withoutRatio({ ratio: _, ...row }: Row): Row {
  return row;
}
