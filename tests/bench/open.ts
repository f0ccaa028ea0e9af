/**
 * Opening and closing UDP sockets: many at a time, and one after the other.
 *
 * @module
 */
import { Child } from "./child.ts";
import { fits } from "./descriptors.ts";
import {
  type Candidate,
  compareFigures,
  compareRates,
  type Gauge,
  type Report,
} from "./harness.ts";
import { type Kind, KINDS, NAMES } from "./kinds.ts";
import { parseLine } from "./limit.ts";

/** So many are open at a time. */
const COUNTS = [10, 100, 1_000] as const;

const UNITS = { opening: "µs each", closing: "µs each" };

/** How long to measure. */
export interface OpenEffort {
  /** Sockets of a round that are used one after the other. */
  readonly churned: number;
  readonly rounds: number;
  /** After so many no more are opened: those that are open count. */
  readonly milliseconds: number;
}

/** What sockets cost that are opened and closed, each kind in a process. */
export async function* open(
  { churned, rounds, milliseconds }: OpenEffort,
): AsyncGenerator<Report> {
  if (!fits(Math.max(...COUNTS))) return;
  const parts: Report[][] = [];
  for (const count of COUNTS) {
    const subject = { id: "", title: "", units: UNITS };
    const candidates = KINDS.map((kind) => many(kind, count, milliseconds));
    parts.push(await compareFigures(subject, candidates, { count, rounds }));
  }
  for (const [i, which] of Object.keys(UNITS).entries()) {
    yield {
      id: which,
      title: `UDP, ${which} so many sockets`,
      rows: parts.flatMap((reports) => reports[i]!.rows),
      lessIsBetter: true,
    };
  }
  yield await compareRates(
    {
      id: "churn",
      title: "UDP, one socket at a time: open, send to itself, receive, close",
    },
    KINDS.map(churn),
    { count: churned, rounds },
  );
}

/** All are opened, then all are closed. */
function many(
  kind: Kind,
  count: number,
  milliseconds: number,
): Gauge<keyof typeof UNITS> {
  const child = start(kind);
  const name = `${count} of ${NAMES[kind]}`;
  let least = count;
  return {
    name,
    async run() {
      await child.tell(`many ${count} ${milliseconds}`);
      const [opened, opening, closing] = await child.numbers();
      least = Math.min(least, opened!);
      return { opening: opening!, closing: closing! };
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      if (least === count) return;
      const reached = `${least} were open after ${milliseconds} ms`;
      console.error(`skip: ${name}: no more than ${reached}`);
    },
  };
}

/** Each is closed before the next is opened. */
function churn(kind: Kind): Candidate {
  const child = start(kind);
  return {
    name: NAMES[kind],
    async run(count) {
      await child.tell(`churn ${count}`);
      return parseLine(await child.line());
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function start(kind: Kind): Child {
  return new Child("open_child.ts", [kind], { v8Flags: "--expose-gc" });
}
