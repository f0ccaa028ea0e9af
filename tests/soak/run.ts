/**
 * The whole soak, long or short.
 *
 * @module
 */
import { assert } from "@std/assert";
import { RioSession } from "../../mod.ts";
import { Random } from "../model/random.ts";
import { countDescriptors } from "./account.ts";
import { soakDatagrams } from "./datagrams.ts";
import { soakPeers } from "./peers.ts";
import { soakRoundTrips } from "./round_trips.ts";

/** How much is done. */
export interface SoakOptions {
  datagrams: number;
  roundTrips: number;
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
    [soakPeers, options.peers],
  ] as const;
  const before = countDescriptors();
  for (const [part, count] of parts) {
    await using session = RioSession.open();
    await part(session, count, random);
  }
  const left = countDescriptors() - before;
  // The C library and what the event loop keeps for itself.
  assert(left <= 8, `${left} descriptors are left`);
}
