/**
 * The whole soak, long or short.
 *
 * @module
 */
import { assert } from "@std/assert";
import { RioSession } from "../../mod.ts";
import { Random } from "../model/random.ts";
import { countDescriptors } from "./account.ts";
import { hostnames, type Part } from "./part.ts";
import { soakDatagrams } from "./datagrams.ts";
import { soakPeers } from "./peers.ts";
import { soakRoundTrips } from "./round_trips.ts";
import { soakStreams } from "./streams.ts";

/** How much is done. */
export interface SoakOptions {
  datagrams: number;
  roundTrips: number;
  /** Streams of 128 KiB or so. */
  streams: number;
  /** How often each kind of peer is met. */
  peers: number;
  seed: number;
}

/** Runs every part, each over a session of its own, on loopback only. */
export async function soak(options: SoakOptions): Promise<void> {
  const random = new Random(options.seed);
  const parts = [
    [soakDatagrams, options.datagrams],
    [soakRoundTrips, options.roundTrips],
    [soakStreams, options.streams],
    [soakPeers, 4 * options.peers],
  ] as const;
  const before = countDescriptors();
  const places = hostnames();
  for (const [part, goal] of parts) {
    await inSession(part)({ goal, random, hostname: places.next().value });
  }
  const left = countDescriptors() - before;
  // The C library and what the event loop keeps for itself.
  assert(left <= 8, `${left} descriptors are left`);
}

/** Runs a part over a session of its own. */
export function inSession(
  run: (session: RioSession, part: Part) => Promise<void>,
): (part: Part) => Promise<void> {
  return async (part) => {
    await using session = RioSession.open();
    await run(session, part);
  };
}
