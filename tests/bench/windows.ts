/**
 * Cost as windows grow: datagrams that are on their way at a time.
 *
 * @module
 */
import { RioSession } from "../../mod.ts";
import {
  type Candidate,
  compareRates,
  type Effort,
  type Report,
} from "./harness.ts";
import { session } from "./udp_pairs.ts";

const SIZES = [1, 4, 16, 64, 256, 1024, 4096];
/** What a waiting datagram of 64 bytes takes of a socket's buffer. */
const FOOTPRINT = 1024;

/** Pairs per second at growing windows. */
export async function windows(effort: Effort): Promise<Report> {
  const largest = largestBuffer();
  const candidates: Candidate[] = [];
  for (const size of SIZES) {
    const bytes = size * FOOTPRINT;
    if (bytes > largest) {
      console.error(
        `skip: ${size} datagrams do not fit a socket's buffer of at most ${largest} bytes`,
      );
      continue;
    }
    candidates.push(session(64, { window: size, receiveBufferSize: bytes }));
  }
  return await compareRates(
    {
      id: "windows",
      title: "UDP, 64 bytes, by datagrams on their way at a time",
    },
    candidates,
    effort,
  );
}

/** The most that the system gives; it may give less than is asked for. */
function largestBuffer(): number {
  using session = RioSession.open();
  using socket = session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
  });
  socket.setOption("receiveBufferSize", SIZES.at(-1)! * FOOTPRINT);
  return socket.getOption("receiveBufferSize");
}
