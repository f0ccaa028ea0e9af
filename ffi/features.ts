/**
 * What a system has beyond the 13 functions: asked of real sockets.
 *
 * @module
 */
import {
  AF_INET,
  AF_INET6,
  IP_ECN,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  UDP_RECV_MAX_COALESCED_SIZE,
  UDP_SEND_MSG_SIZE,
} from "./constants.ts";
import type { RioBackend } from "./contract.ts";
import { probe } from "./probe.ts";

/** What a system has beyond the 13 functions. */
export interface RioFeatures {
  /** Request queues on IPv6 sockets. */
  readonly ipv6: boolean;
  /** Sends that the system cuts into datagrams: `UDP_SEGMENT`, USO. */
  readonly segmentation: boolean;
  /** Datagrams that the system joins on arrival: `UDP_GRO`, URO. */
  readonly coalescing: boolean;
  /** The destination and interface of what arrives: `IP_PKTINFO`. */
  readonly packetInfo: boolean;
  /** The congestion marks of what arrives: `IP_RECVTOS`, `IP_ECN`. */
  readonly ecn: boolean;
}

const OPTIONS = {
  segmentation: [IPPROTO_UDP, UDP_SEND_MSG_SIZE],
  coalescing: [IPPROTO_UDP, UDP_RECV_MAX_COALESCED_SIZE],
  packetInfo: [IPPROTO_IP, IP_PKTINFO],
  ecn: [IPPROTO_IP, IP_ECN],
} as const;

/** Nothing, where nothing could be asked. */
export const NO_FEATURES: RioFeatures = Object.freeze({
  ipv6: false,
  segmentation: false,
  coalescing: false,
  packetInfo: false,
  ecn: false,
});

/** Looks for them; changes nothing that lasts. */
export function findFeatures(backend: RioBackend): RioFeatures {
  const { sockets } = backend;
  const found = { ...NO_FEATURES };
  try {
    probe(backend, [AF_INET6]);
    found.ipv6 = true;
  } catch {
    // Without IPv6, and where something filters its sockets.
  }
  const socket = sockets.open(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  if (socket <= 0) return found;
  const value = new Uint8Array(4);
  for (const name of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]) {
    const [level, option] = OPTIONS[name];
    found[name] = sockets.getOption(socket, level, option, value) >= 0;
  }
  sockets.close(socket);
  return found;
}
