/**
 * What this package is meant to reach, and what stands in the way where it
 * does not.
 *
 * @module
 */
import { NAMES as DGRAM } from "./dgram.ts";
import { NOTHING } from "./idle.ts";
import {
  atLeast,
  atMost,
  type Figure,
  type Run,
  type Target,
} from "./verdict.ts";

const DENO = "Deno.listenDatagram";
const DENO_TCP = "Deno.connect and Deno.listen";
const LIMIT = "the limit: C";

/** The targets, in the order in which they are printed. */
export const TARGETS: readonly Target[] = [
  {
    what: "UDP pairs in batches, to Deno.listenDatagram with its own buffer",
    target: "at least 2.6 times",
    figures: (run) => [
      atLeast(2.6, run.rate("pairs-64", 0, `${DENO}, own buffer`)),
    ],
    why: "the system calls of loopback are most of what is left",
  },
  {
    what: "sendMany() to one peer and receiveMany(), to Deno.listenDatagram",
    target: "at least 8 times",
    figures: (run) => [
      atLeast(
        8,
        run.rate(
          "pairs-64",
          "listenDatagram, sendMany and receiveMany",
          `${DENO}, own buffer`,
        ),
      ),
    ],
    why: "each datagram is received by itself, and its slot posted again",
  },
  {
    what: "receive and send of the drop-in, to Deno.listenDatagram",
    target: "at least 1.5 times",
    figures: (run) => [
      atLeast(
        1.5,
        run.rate("dropin", "listenDatagram, no buffer", `${DENO}, no buffer`),
        "no buffer",
      ),
      atLeast(
        1.5,
        run.rate(
          "dropin",
          "listenDatagram, own buffers, 32 at a time",
          `${DENO}, own buffers, 32 at a time`,
        ),
        "32 at a time",
      ),
      atLeast(
        1.5,
        run.rate(
          "dropin",
          "listenDatagram, own buffer",
          `${DENO}, own buffer`,
        ),
        "own buffer",
      ),
    ],
    why: "one datagram at a time is two system calls, whoever makes them",
  },
  {
    what: "a dgram program, 32 at a time, to node:dgram in Deno and in Node",
    target: "at least 6 and 2 times",
    figures: (run) => [
      atLeast(6, run.rate("dgram-32", 0, DGRAM.theirs), "Deno's"),
      atLeast(2, run.rate("dgram-32", 0, DGRAM.node), "Node's"),
    ],
    why: "each message has a Buffer of its own, and each listener its call",
  },
  {
    what: "a dgram program, one at a time, to node:dgram in Deno",
    target: "at least 1.5 times, p50 at most 0.6",
    figures: (run) => [
      atLeast(1.5, run.rate("dgram-1", 0, DGRAM.theirs), "rate"),
      atMost(0.6, run.rate("dgram-trip-p50", 0, DGRAM.theirs), "p50"),
    ],
    why: "one datagram at a time is two system calls, whoever makes them",
  },
  {
    what: "questions to 10,000 peers: CPU, to node:dgram in Deno",
    target: "at most a third",
    figures: (run) => [
      atMost(1 / 3, run.cpu("dgram-peers", 0, DGRAM.theirs)),
    ],
    why: "each destination is another one, and written for itself",
  },
  {
    what: "UDP pairs in batches, to C with the same batch",
    target: "at least 0.90 times",
    figures: (run) => {
      const c = `${LIMIT}, batches of 32`;
      return [
        atLeast(0.9, run.rate("limit", 0, c), "by the clock"),
        atLeast(0.9, inverse(run.cpu("limit", 0, c)), "by CPU time"),
      ];
    },
    why: "each request is counted, so that its buffer is safe",
  },
  {
    what: "CPU per datagram received, to C",
    target: "at most 1.5 times",
    figures: (run) => [
      atMost(1.5, run.cpu("receive", 0, `${LIMIT}, batches of 64`)),
    ],
    why: "each request is counted, so that its buffer is safe",
  },
  {
    what: "bulk UDP with segmentation offload, to Deno.listenDatagram",
    target: "at least 5 times",
    figures: (run) => [
      atLeast(
        5,
        run.rate("bulk", 0, `${DENO}, datagrams of 1200 bytes, own buffer`),
      ),
    ],
    why: "the system has no segmentation offload",
  },
  {
    what: "sparse datagrams: p50, p99, CPU per wake, to Deno.listenDatagram",
    target: "at most 1.0 times",
    figures: (run) =>
      [1, 10].flatMap((milliseconds) =>
        ["p50", "p99", "CPU"].map((which) =>
          atMost(
            1,
            run.rate(`sparse-${milliseconds}-${which}`, 0, DENO),
            `${which} at ${milliseconds} ms`,
          )
        )
      ),
    why: "a wake runs more code of ours, and what is cold costs the most",
  },
  {
    what: "UDP and TCP round trip, two processes: p50 / p99, to Deno's own",
    target: "at most 0.6 / 1.0 times",
    figures: (run) => roundTrips(run, "two", { p50: 0.6, p99: 1 }),
    why:
      "an answer that comes after the look is over takes a sleep and a wake, and on few cores the other process waits while we look",
  },
  {
    what: "UDP and TCP round trip, one process: p50 / p99, to Deno's own",
    target: "at most 0.7 / 0.9 times",
    figures: (run) => roundTrips(run, "one", { p50: 0.7, p99: 0.9 }),
    why:
      "an answer that comes after the look is over takes a sleep and a wake, and on few cores the other process waits while we look",
  },
  {
    what: "TCP in bulk, to Deno's own",
    target: "at least 1.0 times",
    figures: (run) => [atLeast(1, run.rate("tcp-bulk", 0, DENO_TCP))],
    why: "data is copied once more than the system does",
  },
  {
    what: "TCP, 1,000 connections with small requests, to Deno's own",
    target: "at least 1.0 times",
    figures: (run) => [atLeast(1, run.rate("tcp-1000", 0, DENO_TCP))],
    why:
      "each connection has memory of its own, which thousands drive out of the caches",
  },
  {
    what: "TCP, 10 and 100 connections with small requests, to Deno's own",
    target: "at least 3.5 times, at most half the CPU",
    figures: (run) =>
      [10, 100].flatMap((connections) => [
        atLeast(
          3.5,
          run.rate(`tcp-${connections}`, 0, DENO_TCP),
          `rate of ${connections}`,
        ),
        atMost(
          0.5,
          run.cpu(`tcp-${connections}`, 0, DENO_TCP),
          `CPU of ${connections}`,
        ),
      ]),
    why:
      "the kernel's own part of a request over loopback is most of it, where system calls are cheap",
  },
  {
    what: "the same by requests of a RioSession, and of 1,000 connections",
    target: "at least 3.5, and 2 times, at most half the CPU",
    figures: (run) =>
      ([[10, 3.5], [100, 3.5], [1000, 2]] as const).flatMap((
        [connections, bound],
      ) => [
        atLeast(
          bound,
          run.rate(`tcp-${connections}`, "RioSession", DENO_TCP),
          `rate of ${connections}`,
        ),
        atMost(
          0.5,
          run.cpu(`tcp-${connections}`, "RioSession", DENO_TCP),
          `CPU of ${connections}`,
        ),
      ]),
    why: "without io_uring each request is a call",
  },
  {
    what: "CPU of idle sockets, to Deno.listenDatagram",
    target: `at most 1.0 times, or below ${NOTHING} %`,
    figures: (run) =>
      ["referenced", "unreferenced"].map((way) => idle(run, way)),
    why: "something looks for what may have arrived",
  },
  {
    what: "open and close, each of 1,000 sockets, to Deno.listenDatagram",
    target: "at most 2 times",
    figures: (run) =>
      ["opening", "closing"].map((which) =>
        atMost(
          2,
          run.rate(which, "1000 of listenDatagram", `1000 of ${DENO}`),
          which,
        )
      ),
    why:
      "each call goes through FFI, and a socket has twice as many objects as one of Deno's",
  },
  {
    what: "heap growth per datagram in batches, in bytes",
    target: "none: below 1",
    figures: (run) => [atMost(1, run.median("heap", 0))],
    why: "something is kept for each request",
  },
];

function inverse(value: number | undefined): number | undefined {
  return value === undefined ? undefined : 1 / value;
}

function roundTrips(
  run: Run,
  where: "one" | "two",
  bounds: Readonly<Record<"p50" | "p99", number>>,
): Figure[] {
  return Object.entries({ udp: DENO, tcp: DENO_TCP }).flatMap(
    ([transport, peer]) =>
      Object.entries(bounds).map(([which, bound]) => {
        const id = `${transport}-echo-${where}-${which}`;
        return atMost(bound, run.rate(id, 0, peer), `${transport} ${which}`);
      }),
  );
}

/** The ratio, but the share of a core where that is next to nothing. */
function idle(run: Run, way: string): Figure {
  const id = `idle-${way}`;
  const percent = run.median(id, 0);
  return percent !== undefined && percent < NOTHING
    ? atMost(NOTHING, percent, `% ${way}`)
    : atMost(1, run.rate(id, 0, DENO), way);
}
