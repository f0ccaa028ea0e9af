/**
 * A UDP server under moderate load, which listens for TCP connections as well.
 *
 * @module
 */
import { Child } from "./child.ts";
import {
  compareFigures,
  type Effort,
  type Gauge,
  type Report,
} from "./harness.ts";
import { type Kind, KINDS } from "./kinds.ts";
import { Program } from "./program.ts";

/** Nanoseconds from one question to the next: 2,000 a second. */
const INTERVAL = 500_000;
/** Questions that may be unanswered. */
const WINDOW = 5;

/** From question to answer: two percentiles, and what an answer costs. */
const UNITS = { p50: "µs", p99: "µs", CPU: "µs each" };

const NAMES: Readonly<Record<Kind, string>> = {
  rio: "listenDatagram, receiveMany and sendMany",
  deno: "Deno.listenDatagram, own buffer",
};

/** Who asks and who answers have processes of their own. */
export async function* moderate(effort: Effort): AsyncGenerator<Report> {
  await using pace = await Program.build("pace.c");
  if (!pace) return;
  const subject = {
    id: "moderate",
    title: "UDP, 2,000 questions a second, up to 5 open, an accept pending",
    units: UNITS,
  };
  const candidates = KINDS.map((kind) => answers(kind, pace));
  yield* await compareFigures(subject, candidates, effort);
}

function answers(kind: Kind, pace: Program): Gauge<keyof typeof UNITS> {
  const child = new Child("moderate_child.ts", [kind]);
  return {
    name: NAMES[kind],
    async run(count) {
      await child.tell("start");
      const port = await child.line();
      const line = await pace.run(["ask", port, count, INTERVAL, WINDOW]);
      await child.tell("stop");
      const [p50, p99] = line.split(" ").map(Number);
      const CPU = Number(await child.line()) / count;
      return { p50: p50!, p99: p99!, CPU };
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
