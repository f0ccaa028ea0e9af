/**
 * Everything at once, for so long: every part of the soak beside all others, in
 * one process.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { rioSupport, sharedStats } from "../../mod.ts";
import { WITHOUT_URING } from "../linux/engine.ts";
import { Random } from "../model/random.ts";
import { until } from "../patience.ts";
import { countDescriptors, countEventfds } from "./account.ts";
import { soakConnections } from "./connections.ts";
import { soakDatagramConns } from "./datagram_conns.ts";
import { soakDatagrams } from "./datagrams.ts";
import { type Bounds, Gauge } from "./gauge.ts";
import { Holdings } from "./holdings.ts";
import { soakLifetimes } from "./lifetimes.ts";
import { soakNodeSockets } from "./node_sockets.ts";
import { hostnames, type Part, turn } from "./part.ts";
import { soakPeers } from "./peers.ts";
import { soakRoundTrips } from "./round_trips.ts";
import { inSession } from "./run.ts";
import { soakStreams } from "./streams.ts";
import { soakWorkers } from "./workers.ts";

/** So many samples are taken: in an hour, one each minute. */
const SAMPLES = 60;
/** Each makes V8 collect its garbage: so long are they apart, at the least. */
const LEAST_MS = 500;
/** The most that all parts take to end what they have begun. */
const END_MS = 600_000;
/** What the C library and the event loop keep for themselves. */
const KEPT_DESCRIPTORS = 8;
const KEPT_EVENTFDS = 2;
/** Code is compiled, and stores are filled, in the first minutes. */
const SETTLED_SECONDS = 1200;
/**
 * Of a run that ends before, which tells no more than that nothing bursts. On a
 * busy machine a worker that starts is most of what its samples see.
 */
const YOUNG: Bounds = { memory: 384, heap: 16 };
/**
 * In half an hour at work. A heap after a collection is told to the byte, and
 * differs by what is in flight at the moment. Resident memory also has what V8
 * has not collected yet, and what workers leave: some eight of them, a MiB each.
 * A byte for each request that was posted meanwhile would be more than that.
 */
const SETTLED: Bounds = { memory: 32, heap: 4 };
/** Chooses what moves the data, in workers as well. */
const VARIABLE = "RIO_BACKEND";

/** How long, and over what. */
export interface TimedOptions {
  readonly seconds: number;
  readonly seed: number;
  /** What moves the data; what the environment says by default. */
  readonly backend?: string | undefined;
}

/** What moves the data here: each is worth a run. */
export const ENGINES: readonly string[] = Deno.build.os !== "linux"
  ? ["auto"]
  : WITHOUT_URING === undefined
  ? ["io_uring", "epoll"]
  : ["epoll"];

/**
 * Runs every part at the same time, and looks what the process holds.
 *
 * @throws {Error} If anything is missing, left, or has grown.
 */
export async function soakTimed(
  { backend, ...options }: TimedOptions,
): Promise<void> {
  const before = Deno.env.get(VARIABLE);
  if (backend !== undefined) Deno.env.set(VARIABLE, backend);
  try {
    await soakAll(options);
  } finally {
    if (before === undefined) Deno.env.delete(VARIABLE);
    else Deno.env.set(VARIABLE, before);
  }
}

async function soakAll({ seconds, seed }: TimedOptions): Promise<void> {
  const random = new Random(seed);
  const places = hostnames();
  using holdings = new Holdings();
  const workers = { finished: 0, terminated: 0 };
  const parts: Record<string, (part: Part) => Promise<void>> = {
    datagrams: inSession(soakDatagrams),
    "round trips": inSession(soakRoundTrips),
    streams: inSession(soakStreams),
    peers: inSession(soakPeers),
    "datagram sockets": soakDatagramConns,
    connections: soakConnections,
    "sockets of Node's shape": soakNodeSockets,
    lifetimes: soakLifetimes,
    workers: (part) => soakWorkers(part, workers),
  };
  const before = { all: countDescriptors(), eventfds: countEventfds() };
  const over = new AbortController();
  const running = new Set(Object.keys(parts));
  const gauge = new Gauge(holdings);
  const all = Object.entries(parts).map(async ([name, run]) => {
    const hostname = places.next().value;
    const own = new Random(random.bits());
    try {
      await run({ goal: over.signal, random: own, hostname });
    } finally {
      running.delete(name);
    }
  });
  const { engine, waits } = rioSupport();
  console.log(`${seconds} s of everything at once: ${engine}, ${waits}`);
  const every = Math.max(LEAST_MS, 1000 * seconds / SAMPLES);
  const sampling = setInterval(() => gauge.sample(), every);
  const ending = setTimeout(() => over.abort(), 1000 * seconds);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const bound = setTimeout(
    () => reject(new Error(`These go on: ${[...running].join(", ")}`)),
    1000 * seconds + END_MS,
  );
  try {
    await Promise.race([late, Promise.all(all)]);
  } finally {
    clearInterval(sampling);
    clearTimeout(ending);
    clearTimeout(bound);
  }
  // The session that sockets share is closed in the turn after the last of them.
  await turn();
  assertEquals(sharedStats(), null);
  const held = holdings.sum();
  assertEquals(held.deregistered, held.registered);
  const { sessions, buffers, outstanding, abandoned } = held;
  assertEquals([sessions, buffers, outstanding, abandoned], [0, 0, 0, 0]);
  let left = "";
  console.log(
    `all closed: ${held.registered} buffers registered, ${held.deregistered} deregistered; ${held.posted} requests, ${outstanding} outstanding`,
  );
  const ended = workers.finished + workers.terminated;
  // A worker that was terminated ends when it can.
  await until(() => {
    const eventfds = countEventfds() - before.eventfds;
    const others = countDescriptors() - before.all - eventfds;
    left =
      `${others} descriptors left, and ${eventfds} eventfds of the event loop and of ${ended} workers`;
    // A worker leaves one of those that its event loop has slept with.
    return others <= KEPT_DESCRIPTORS && eventfds <= KEPT_EVENTFDS + ended;
  }, () => left);
  console.log(left);
  gauge.judge(seconds < SETTLED_SECONDS ? YOUNG : SETTLED);
}
