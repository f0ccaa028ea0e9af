/**
 * The two rings of a request queue, and what they reserve.
 *
 * @module
 */
import type { CompletionQueue } from "./completion_queue.ts";
import { receiveDatagrams, sendDatagrams } from "./datagram.ts";
import type { Kernel } from "./kernel.ts";
import { Ring } from "./ring.ts";
import type { LinuxSocket } from "./socket.ts";
import { receiveStream, sendStream } from "./stream.ts";

/** Both directions of a request queue. */
export interface Rings {
  /** Posted receives. */
  readonly receives: Ring;
  /** Posted sends. */
  readonly sends: Ring;
}

/**
 * Makes the rings of a socket and reserves their results.
 *
 * @returns The rings, or `null` if a completion queue or the system has no
 * room; then nothing is reserved.
 */
export function makeRings(
  kernel: Kernel,
  socket: LinuxSocket,
  options: {
    receives: number;
    sends: number;
    receiving: CompletionQueue;
    sending: CompletionQueue;
  },
): Rings | null {
  const { receiving, sending } = options;
  const held: Reservation[] = [];
  let receives: Ring | undefined;
  try {
    if (
      reserve(receiving, options.receives, held) &&
      reserve(sending, options.sends, held)
    ) {
      receives = new Ring(kernel, socket, receiving, {
        sends: false,
        limit: options.receives,
        run: socket.stream ? receiveStream : receiveDatagrams,
      });
      const sends = new Ring(kernel, socket, sending, {
        sends: true,
        limit: options.sends,
        run: socket.stream ? sendStream : sendDatagrams,
      });
      return { receives, sends };
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  receives?.release();
  for (const [queue, count] of held) queue.reserved -= count;
  return null;
}

/**
 * Changes the limits of rings and what they reserve.
 *
 * @returns Whether there was room; without it nothing changes.
 */
export function resizeRings(
  rings: Rings,
  receiveLimit: number,
  sendLimit: number,
): boolean {
  const { receives, sends } = rings;
  const before = receives.limit;
  const moreReceives = receiveLimit - before;
  const moreSends = sendLimit - sends.limit;
  const held: Reservation[] = [];
  try {
    // What one direction gives back the other one may take.
    if (
      moreReceives <= moreSends
        ? reserve(receives.queue, moreReceives, held) &&
          reserve(sends.queue, moreSends, held)
        : reserve(sends.queue, moreSends, held) &&
          reserve(receives.queue, moreReceives, held)
    ) {
      receives.resize(receiveLimit);
      sends.resize(sendLimit);
      return true;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  receives.limit = before;
  for (const [queue, count] of held) queue.reserved -= count;
  return false;
}

type Reservation = readonly [queue: CompletionQueue, count: number];

function reserve(
  queue: CompletionQueue,
  count: number,
  held: Reservation[],
): boolean {
  if (!queue.reserve(count)) return false;
  held.push([queue, count]);
  return true;
}
