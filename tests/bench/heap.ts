/**
 * What datagrams leave on the heap, what they allocate, and how often V8
 * collects because of them; each kind in a process of its own.
 *
 * @module
 */
import { Child } from "./child.ts";
import { median, type Report, type Row } from "./harness.ts";
import type { HeapSamples } from "./heap_child.ts";

/** Kinds of `heap_child.ts`, this package's batches first. */
const KINDS = {
  session: "RioSession, batches of 32",
  addressed: "RioSession, batches of 32, addressed",
  batches: "listenDatagram, sendMany and receiveMany",
  rio: "listenDatagram, own buffer",
  deno: "Deno.listenDatagram, own buffer",
} as const;

type Kind = keyof typeof KINDS;

/** A line of `--trace-gc`, for a collection that nobody asked for. */
const COLLECTION = / ms: (?:Scavenge|Mark-Compact|Minor).*/g;
const ASKED_FOR = /testing/;

/** Heap growth, allocation and collections, per datagram sent and received. */
export async function heap(count: number): Promise<Report[]> {
  const grown: number[][] = [];
  const allocated: number[][] = [];
  const collected: number[][] = [];
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const short = await run(kind, count, 1);
    const long = await run(kind, count, 4);
    grown.push(long.samples.grown);
    allocated.push(long.samples.allocated);
    // What starting and warming up collect is in both.
    const collections = long.collections - short.collections;
    collected.push([Math.max(0, collections) / (3 * count) * 1e6]);
  }
  const title = (what: string) =>
    `UDP, 64 bytes sent and received: ${what} of ${count} datagrams`;
  return [
    {
      id: "heap",
      title: title("heap growth"),
      rows: rows(grown, "bytes each"),
      lessIsBetter: true,
    },
    {
      id: "allocated",
      title: title("allocation"),
      rows: rows(allocated, "bytes each"),
      lessIsBetter: true,
    },
    {
      id: "collections",
      title: title("garbage collections"),
      rows: rows(collected, "per million"),
      lessIsBetter: true,
    },
  ];
}

/** Rows without ratios: next to nothing is no measure. */
function rows(samples: number[][], unit: string): Row[] {
  return Object.values(KINDS).map((name, i) => ({
    name,
    unit,
    median: median(samples[i]!),
    min: Math.min(...samples[i]!),
    max: Math.max(...samples[i]!),
  }));
}

async function run(kind: Kind, count: number, rounds: number) {
  const args = [kind, count, rounds].map(String);
  const { printed, reported } = await Child.output("heap_child.ts", args, {
    v8Flags: "--expose-gc,--trace-gc",
  });
  const lines = printed.match(COLLECTION) ?? [];
  return {
    samples: JSON.parse(reported) as HeapSamples,
    collections: lines.filter((line) => !ASKED_FOR.test(line)).length,
  };
}
