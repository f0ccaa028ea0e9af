/**
 * What this package is meant to reach, and what stands in the way where it
 * does not.
 *
 * @module
 */
import { atLeast, atMost, type Target } from "./verdict.ts";

const DENO = "Deno.listenDatagram";
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
    what: "UDP round trip, to Deno.listenDatagram",
    target: "at most 1.0 times",
    figures: (run) =>
      (["one", "two"] as const).flatMap((where) =>
        (["p50", "p99"] as const).map((which) =>
          atMost(
            1,
            run.rate(`udp-echo-${where}-${which}`, 0, DENO),
            `${which} in ${where}`,
          )
        )
      ),
    why:
      "a wait that was looked for in vain takes a hop to another thread and back",
  },
  {
    what: "TCP round trip p50, to Deno's own",
    target: "at most 1.0 times",
    figures: (run) =>
      (["one", "two"] as const).map((where) =>
        atMost(
          1,
          run.rate(
            `tcp-echo-${where}-p50`,
            0,
            "Deno.connect and Deno.listen",
          ),
          `in ${where}`,
        )
      ),
    why:
      "a wait that was looked for in vain takes a hop to another thread and back",
  },
  {
    what: "TCP bulk and many connections, to Deno's own",
    target: "at least 1.0 times",
    figures: (run) => {
      const deno = "Deno.connect and Deno.listen";
      return [
        atLeast(1, run.rate("tcp-bulk", 0, deno), "bulk"),
        atLeast(1, run.rate("tcp-many", 0, deno), "many connections"),
      ];
    },
    why:
      "data is copied, and each connection has memory of its own, which thousands drive out of the caches",
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
