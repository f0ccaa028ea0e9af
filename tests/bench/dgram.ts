/**
 * Programs for `node:dgram`, unchanged: over the sockets of this package, over
 * Deno's own, and in Node.
 *
 * @module
 */
import * as theirs from "node:dgram";
import * as ours from "../../ffi/dgram/mod.ts";
import { Child } from "./child.ts";
import { PROGRAMS } from "./dgram_program.mjs";
import {
  type Candidate,
  compareRates,
  compareTrips,
  type Effort,
  percentiles,
  type Report,
  type Trips,
} from "./harness.ts";
import { parseLine } from "./limit.ts";
import { hasNode } from "./node.ts";

/** What the candidates are called; this package first. */
export const NAMES = {
  ours: "@winsock/rio/dgram",
  theirs: "node:dgram in Deno",
  node: "node:dgram in Node",
} as const;

const NODE = ["node"] as const;

/** What is measured: a program, and how much is on its way at a time. */
const RATES = [
  {
    id: "dgram-32",
    title: "a dgram program, 64 bytes sent and received, 32 at a time",
    kind: "pairs",
    window: 32,
    share: 1,
  },
  {
    id: "dgram-1",
    title: "a dgram program, 64 bytes sent and received, one at a time",
    kind: "pairs",
    window: 1,
    share: 0.25,
  },
  {
    id: "dgram-peers",
    title:
      "a dgram program, questions of 64 bytes to 10,000 peers, 32 at a time",
    kind: "peers",
    window: 32,
    share: 0.5,
  },
] as const;

interface Program {
  run(count: number): Promise<number[] | void>;
  close(): Promise<void>;
}

function open(
  kind: keyof typeof PROGRAMS,
  { createSocket }: typeof ours | typeof theirs,
  window: number,
): Promise<Program> {
  return PROGRAMS[kind](createSocket, window) as Promise<Program>;
}

/** Runs all of them. */
export async function* dgram(effort: Effort): AsyncGenerator<Report> {
  for (const { share, kind, window, ...subject } of RATES) {
    const count = Math.ceil(effort.count * share / 32) * 32;
    const candidates: Candidate[] = [];
    for (
      const [name, module] of [[NAMES.ours, ours], [
        NAMES.theirs,
        theirs,
      ]] as const
    ) {
      const program = await open(kind, module, window);
      candidates.push({
        name,
        async run(count) {
          await program.run(count);
        },
        [Symbol.asyncDispose]: () => program.close(),
      });
    }
    if (await hasNode()) candidates.push(inNode(kind, window));
    yield await compareRates(subject, candidates, { ...effort, count });
  }
  const trips = [
    roundTrips(NAMES.ours, ours),
    roundTrips(NAMES.theirs, theirs),
  ];
  if (await hasNode()) trips.push(tripsInNode());
  yield* await compareTrips(
    { id: "dgram-trip", title: "a dgram program, round trip of 64 bytes" },
    trips,
    { count: Math.ceil(effort.count / 20), rounds: effort.rounds },
  );
}

function inNode(kind: string, window: number): Candidate {
  return {
    name: NAMES.node,
    async run(count) {
      const args = [kind, String(count), String(window)];
      const { printed } = await Child.output("dgram_program.mjs", args, {
        command: NODE,
      });
      return parseLine(printed);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function roundTrips(
  name: string,
  module: typeof ours | typeof theirs,
): Trips {
  const opened = open("trips", module, 1);
  return {
    name,
    async run(count) {
      return percentiles((await (await opened).run(count))!);
    },
    [Symbol.asyncDispose]: async () => await (await opened).close(),
  };
}

function tripsInNode(): Trips {
  return {
    name: NAMES.node,
    async run(count) {
      await using child = new Child("dgram_program.mjs", [
        "trips",
        String(count),
      ], { command: NODE });
      const [p50, p99] = await child.numbers();
      return { p50: p50!, p99: p99! };
    },
    async [Symbol.asyncDispose]() {},
  };
}
