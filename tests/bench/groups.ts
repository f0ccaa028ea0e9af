/**
 * What is compared, in groups that can be chosen.
 *
 * @module
 */
import { connectionMemory } from "./connections.ts";
import { dgram } from "./dgram.ts";
import { fits } from "./descriptors.ts";
import { compareRates, type Effort, type Report } from "./harness.ts";
import { heap } from "./heap.ts";
import { lightGroups } from "./light.ts";
import type { Limit } from "./limit.ts";
import { ownCost } from "./own_cost.ts";
import { roundTrips } from "./round_trips.ts";
import { systemCalls } from "./system_calls.ts";
import { tcpBulk, tcpMany } from "./tcp.ts";
import { BULK_BYTES, udpBulk } from "./udp_bulk.ts";
import { udpOneWay } from "./udp_one_way.ts";
import { dropIn, session, udpPairs } from "./udp_pairs.ts";
import { windows } from "./windows.ts";
import { workers } from "./workers.ts";

/** A group measures one thing after the other. */
export type Group = () => AsyncIterable<Report>;

/** The groups by name, in the order in which they run. */
export function groupsOf(
  { limit, quick }: { limit: Limit | null; quick: boolean },
): Record<string, Group> {
  const rounds = quick ? 2 : 7;
  const effort = (count: number): Effort => ({
    count: quick ? Math.ceil(count / 640) * 32 : count,
    rounds,
  });
  return {
    async *limit() {
      if (!limit) {
        console.error("skip: there is no limit to compare with");
        return;
      }
      yield await compareRates(
        {
          id: "limit",
          title: "UDP, 64 bytes sent and received, datagrams, beside the limit",
        },
        [
          session(64),
          limit.candidate("the limit: C, batches of 32", "pairs", 64, 32),
        ],
        effort(128_000),
      );
    },
    async *pairs() {
      for (const size of [64, 1200]) {
        yield await compareRates(
          {
            id: `pairs-${size}`,
            title: `UDP, ${size} bytes sent and received, datagrams`,
          },
          await udpPairs(size, limit),
          effort(64_000),
        );
      }
    },
    async *dropin() {
      yield await compareRates(
        {
          id: "dropin",
          title: "UDP, 64 bytes sent and received, datagrams, the same program",
        },
        dropIn(64),
        effort(64_000),
      );
    },
    dgram() {
      return dgram(effort(64_000));
    },
    async *echo() {
      for (const transport of ["udp", "tcp"] as const) {
        const options = { transport, apart: false, limit };
        // More rounds: they are so short that the machine's moods show.
        const { count } = effort(3_200);
        yield* await roundTrips(options, { count, rounds: 3 * rounds });
      }
    },
    async *processes() {
      for (const transport of ["udp", "tcp"] as const) {
        const options = { transport, apart: true, limit };
        yield* await roundTrips(options, effort(3_200));
      }
    },
    ...lightGroups({ quick, rounds }),
    async *bulk() {
      yield await compareRates(
        {
          id: "bulk",
          title: "UDP, bulk, megabytes",
          scale: BULK_BYTES / 1e6,
          unit: "MB per s",
        },
        udpBulk(),
        effort(1_600),
      );
    },
    async *oneway() {
      for (const direction of ["receive", "send"] as const) {
        yield await compareRates(
          {
            id: direction,
            title: `UDP, ${direction} only, 64 bytes, datagrams`,
          },
          udpOneWay(direction, limit),
          effort(96_000),
        );
      }
    },
    async *tcp() {
      yield await compareRates(
        {
          id: "tcp-bulk",
          title: "TCP, bulk in chunks of 64 KiB, megabytes",
          scale: 65536 / 1e6,
          unit: "MB per s",
        },
        await tcpBulk(limit),
        effort(6_400),
      );
      for (const connections of quick ? [10] : [10, 100, 1_000]) {
        // Six candidates, each with both ends of all.
        if (!fits(12 * connections)) return;
        yield await compareRates(
          {
            id: `tcp-${connections}`,
            title: `TCP, ${connections} connections, requests of 64 bytes`,
          },
          await tcpMany(connections),
          effort(32_000),
        );
      }
    },
    async *calls() {
      const options = { connections: 100, requests: quick ? 1_000 : 10_000 };
      const report = await systemCalls({ ...options, rounds: quick ? 1 : 5 });
      if (report) yield report;
    },
    async *growth() {
      yield await windows(effort(64_000));
      const counts = quick ? [1, 100] : [1, 10, 100, 1_000, 10_000];
      yield await connectionMemory(counts, quick ? 1 : 3);
      const milliseconds = quick ? 50 : 500;
      const report = await workers({ milliseconds, rounds });
      if (report) yield report;
    },
    async *own() {
      yield ownCost(rounds);
    },
    async *heap() {
      yield* await heap(quick ? 3_200 : 100_000);
    },
  };
}
