/**
 * Connections whose data needs no requests: they share nothing.
 *
 * @module
 */
import { LATE_QUEUES, type QueueOptions } from "../../session/request_queue.ts";
import type { RioSocket } from "../../session/socket.ts";
import { openHalves } from "./direct.ts";
import type { StreamHalves, StreamWay } from "./way.ts";

const NOTHING: Disposable = { [Symbol.dispose]() {} };

/** Moves data directly. */
export class DirectHub implements StreamWay {
  readonly queueOptions: QueueOptions = { [LATE_QUEUES]: null };

  reserve(): Disposable {
    return NOTHING;
  }

  openHalves(socket: RioSocket): StreamHalves {
    return openHalves(socket);
  }

  closed(): void {}

  shrink(): void {}

  [Symbol.dispose](): void {}
}
