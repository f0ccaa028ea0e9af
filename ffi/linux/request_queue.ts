/**
 * The request queue of a socket: its two rings.
 *
 * @module
 */
import type { CompletionQueue } from "./completion_queue.ts";
import { receiveDatagrams, sendDatagrams } from "./datagram.ts";
import type { Handled } from "./handles.ts";
import { Receives } from "./receives.ts";
import type { RingSystem } from "./ring.ts";
import { hasRoom } from "./room.ts";
import { Sends } from "./sends.ts";
import type { LinuxSocket, SocketUser } from "./socket.ts";
import { receiveStream, sendStream } from "./stream.ts";

/** Both directions of a socket. */
export class RequestQueue implements Handled, SocketUser {
  handle = 0;
  readonly receives: Receives;
  readonly sends: Sends;
  readonly #onClosing: (queue: RequestQueue) => void;

  /**
   * Makes the rings of a socket; their results are reserved already.
   *
   * @throws {RangeError} If the system has no room.
   */
  constructor(
    system: RingSystem,
    options: {
      socket: LinuxSocket;
      receives: { queue: CompletionQueue; limit: number };
      sends: { queue: CompletionQueue; limit: number };
      onClosing: (queue: RequestQueue) => void;
    },
  ) {
    const { socket, receives, sends } = options;
    const { stream } = socket;
    this.#onClosing = options.onClosing;
    this.receives = new Receives(
      system,
      { socket, ...receives },
      stream ? receiveStream : receiveDatagrams,
    );
    try {
      this.sends = new Sends(
        system,
        { socket, ...sends },
        stream ? sendStream : sendDatagrams,
      );
    } catch (error) {
      this.receives.messages.release();
      throw error;
    }
  }

  get wantsWritable(): boolean {
    return this.sends.blocked;
  }

  readable(ended: boolean): void {
    this.receives.readable(ended);
  }

  writable(): void {
    this.sends.writable();
  }

  closing(): void {
    this.#onClosing(this);
    this.receives.close();
    this.sends.close();
  }

  /**
   * Changes how many requests can be outstanding.
   *
   * @returns Whether there was room; without it nothing changes.
   */
  resize(receives: number, sends: number): boolean {
    const moreReceives = {
      queue: this.receives.queue,
      change: receives - this.receives.limit,
    };
    const moreSends = {
      queue: this.sends.queue,
      change: sends - this.sends.limit,
    };
    const resized = reserving(moreReceives, moreSends, () => {
      this.receives.reserve(receives);
      this.sends.reserve(sends);
    });
    if (!resized) return false;
    this.receives.setLimit(receives);
    this.sends.setLimit(sends);
    return true;
  }
}

/** What to reserve in a completion queue. */
interface Reservation {
  readonly queue: CompletionQueue;
  /** How many results moreReceives, or minus how many fewer. */
  readonly change: number;
}

/**
 * Takes memory once the results of both directions are reserved.
 *
 * @returns Whether the completion queues and the system had room; otherwise
 * nothing is reserved.
 */
export function reserving(
  receives: Reservation,
  sends: Reservation,
  take: () => void,
): boolean {
  // What one direction gives back the other one may take.
  const [first, second] = receives.change <= sends.change
    ? [receives, sends]
    : [sends, receives];
  if (!first.queue.reserve(first.change)) return false;
  if (second.queue.reserve(second.change)) {
    if (hasRoom(take)) return true;
    second.queue.reserve(-second.change);
  }
  first.queue.reserve(-first.change);
  return false;
}
