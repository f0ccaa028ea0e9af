/**
 * Connections whose data needs no requests: they share next to nothing.
 *
 * @module
 */
import type { RioCompletionQueue } from "../../session/queue.ts";
import {
  type QueueOptions,
  WITHOUT_REQUESTS,
} from "../../session/request_queue.ts";
import type { RioSession } from "../../session/session.ts";
import type { RioSocket } from "../../session/socket.ts";
import { openHalves } from "./direct.ts";
import type { StreamHalves, StreamWay } from "./way.ts";

const NOTHING: Disposable = { [Symbol.dispose]() {} };

/** Moves data directly. */
export class DirectHub implements StreamWay {
  readonly queueOptions: QueueOptions;
  /** Named by all sockets, and used by none. */
  readonly #queue: RioCompletionQueue;

  constructor(session: RioSession) {
    this.#queue = session.createCompletionQueue({
      capacity: 1,
      notification: "none",
    });
    this.queueOptions = {
      completions: this.#queue,
      [WITHOUT_REQUESTS]: true,
    };
  }

  reserve(): Disposable {
    return NOTHING;
  }

  openHalves(socket: RioSocket): StreamHalves {
    return openHalves(socket);
  }

  closed(): void {}

  shrink(): void {}

  [Symbol.dispose](): void {
    this.#queue.close();
  }
}
