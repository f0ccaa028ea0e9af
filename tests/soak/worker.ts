/**
 * A part of the soak in a worker: a thread of its own, with sessions of its own.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { Random } from "../model/random.ts";
import { soakConnections } from "./connections.ts";
import { soakDatagramConns } from "./datagram_conns.ts";
import { type Held, Holdings } from "./holdings.ts";
import { turn } from "./part.ts";
import { soakRoundTrips } from "./round_trips.ts";
import { inSession } from "./run.ts";

/** What a worker is told to do. */
export interface Order {
  readonly seed: number;
  readonly hostname: string;
}

/** What a worker tells: nothing but that it is at work, or how it ended. */
export interface Report {
  readonly held?: Held;
  readonly fault?: string;
}

function report(report: Report): void {
  self.postMessage(report);
}

self.onmessage = async ({ data }: MessageEvent<Order>) => {
  const { seed, hostname } = data;
  const random = new Random(seed);
  using holdings = new Holdings();
  // What all workers have done is told at the end.
  console.log = () => {};
  try {
    const parts = Promise.all([
      inSession(soakRoundTrips)({ goal: 2000, random, hostname }),
      soakDatagramConns({ goal: 40, random, hostname }),
      soakConnections({ goal: 60, random, hostname }),
    ]);
    await Promise.race([parts, turn()]);
    report({});
    await parts;
    // The session that sockets share is closed in the turn after the last of them.
    await turn();
    report({ held: holdings.sum() });
  } catch (error) {
    report({ fault: `seed ${seed}: ${(error as Error).stack}` });
  }
};
