/**
 * The request queue of a socket: its two rings.
 *
 * @module
 */
import type { CompletionQueue } from "./completion_queue.ts";
import { DatagramReceives, DatagramSends } from "./datagram.ts";
import type { Handled } from "./handles.ts";
import type { Receives } from "./receives.ts";
import type { RingSystem } from "./ring.ts";
import type { Sends } from "./sends.ts";
import type { LinuxSocket, SocketUser } from "./socket.ts";
import { StreamReceives, StreamSends } from "./stream.ts";
import { UringReceives, UringSends } from "./uring/requests.ts";

/** Both directions of a socket. */
export class RequestQueue implements Handled, SocketUser {
  handle = 0;
  readonly receives: Receives;
  readonly sends: Sends;
  readonly #onClosing: (queue: RequestQueue) => void;

  /** Makes the rings of a socket; {@linkcode resize} gives them room. */
  constructor(
    system: RingSystem,
    options: {
      socket: LinuxSocket;
      receiveQueue: CompletionQueue;
      sendQueue: CompletionQueue;
      onClosing: (queue: RequestQueue) => void;
    },
  ) {
    const { socket, onClosing } = options;
    const receives = { socket, queue: options.receiveQueue };
    const sends = { socket, queue: options.sendQueue };
    this.#onClosing = onClosing;
    // Where data moves without requests, epoll tells both.
    const uring = socket.stream && socket.direct === null
      ? system.uring()
      : null;
    if (uring !== null) {
      this.receives = new UringReceives(system, receives, uring);
      this.sends = new UringSends(system, sends, uring);
    } else if (socket.stream) {
      this.receives = new StreamReceives(system, receives);
      this.sends = new StreamSends(system, sends);
    } else {
      this.receives = new DatagramReceives(system, receives);
      this.sends = new DatagramSends(system, sends);
    }
  }

  flush(): void {
    if (this.sends instanceof UringSends) this.sends.flush();
  }

  closing(): void {
    this.#onClosing(this);
    this.receives.close();
    this.sends.close();
  }

  /**
   * Changes how many requests can be outstanding.
   *
   * @returns 0, or an error number: then nothing has changed.
   */
  resize(receives: number, sends: number): number {
    const changes = [
      { ring: this.receives, before: this.receives.limit, limit: receives },
      { ring: this.sends, before: this.sends.limit, limit: sends },
    ];
    // What one direction gives back the other one may take.
    changes.sort((a, b) => a.limit - a.before - (b.limit - b.before));
    for (const { ring, limit } of changes) {
      const errno = ring.resize(limit);
      if (errno === 0) continue;
      // Each had the room of before a moment ago.
      for (const { ring, before } of changes) ring.resize(before);
      return errno;
    }
    return 0;
  }
}
