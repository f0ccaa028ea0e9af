/**
 * Connections that move their data by requests: they share two completion
 * queues, the loops that run them, and registered memory.
 *
 * @module
 */
import { DisposableStack } from "../../globals.ts";
import { RIO_MAX_CQ_SIZE } from "../../constants.ts";
import type { RioCompletionQueue } from "../../session/queue.ts";
import type { RioQueueOptions } from "../../session/request_queue.ts";
import type { RioSession } from "../../session/session.ts";
import type { RioSocket } from "../../session/socket.ts";
import { QueueDriver } from "../driver.ts";
import { interrupted } from "../errors.ts";
import { Reader } from "./reader.ts";
import { SlicePool } from "./slice_pool.ts";
import type { StreamHalves, StreamWay } from "./way.ts";
import { Writer } from "./writer.ts";

/** Entries that a queue has from the start, and that it never goes below. */
const LEAST_CAPACITY = 256;

/** How many requests can be outstanding at a time. */
interface Limits {
  /** Receives that can be outstanding. */
  receives: number;
  /** Sends that can be outstanding. */
  sends: number;
}

/** What a connection starts with. */
const CONNECTION_LIMITS: Readonly<Limits> = { receives: 1, sends: 1 };

/** Moves data by requests. */
export class RequestHub implements StreamWay {
  /** Runs the completions of receives. */
  readonly receives: QueueDriver;
  /**
   * Runs the completions of sends; on a queue of their own, because polling a
   * queue may make the system try every receive that is posted on it.
   */
  readonly sends: QueueDriver;
  readonly slices: SlicePool;
  readonly session: RioSession;
  /** Entries kept free in the queues for connections that are being opened. */
  #reserved: Limits = { receives: 0, sends: 0 };

  /** Makes what the connections of a session share. */
  constructor(session: RioSession) {
    this.session = session;
    using stack = new DisposableStack();
    const makeDriver = () =>
      new QueueDriver(
        stack.use(session.createCompletionQueue({ capacity: LEAST_CAPACITY })),
        interrupted,
      );
    this.receives = makeDriver();
    this.sends = makeDriver();
    this.slices = new SlicePool(session);
    stack.move();
  }

  /** The request queue of a new connection, which completes on the hub's. */
  get queueOptions(): RioQueueOptions {
    const completions = {
      receive: this.receives.queue,
      send: this.sends.queue,
    };
    return { ...CONNECTION_LIMITS, completions };
  }

  /**
   * Keeps room in the queues, which grow first where it is missing, until a
   * request queue has taken it, or never will.
   *
   * @param limits How much room; by default what a new connection needs.
   * @returns Gives the room back when it is disposed.
   * @throws {RioError} If the system refuses; then nothing is kept.
   */
  reserve({ receives, sends }: Limits = CONNECTION_LIMITS): Disposable {
    const reserved = this.#reserved;
    grow(this.receives.queue, reserved.receives + receives);
    grow(this.sends.queue, reserved.sends + sends);
    reserved.receives += receives;
    reserved.sends += sends;
    return {
      [Symbol.dispose]() {
        reserved.receives -= receives;
        reserved.sends -= sends;
      },
    };
  }

  openHalves(socket: RioSocket, settled: () => void): StreamHalves {
    return {
      reader: new Reader(this, socket, settled),
      writer: new Writer(this, socket, settled),
    };
  }

  closed(): void {
    try {
      this.#pollAll();
    } catch {
      // Those who wait are told by their wait.
    }
  }

  #pollAll(): void {
    // Completing a receive may end the last connection, and the queues with it.
    if (!this.receives.queue.closed) this.receives.poll();
    if (!this.sends.queue.closed) this.sends.poll();
  }

  shrink(): void {
    shrink(this.receives.queue, this.#reserved.receives);
    shrink(this.sends.queue, this.#reserved.sends);
  }

  [Symbol.dispose](): void {
    this.slices.close();
    this.receives.queue.close();
    this.sends.queue.close();
  }
}

function grow(queue: RioCompletionQueue, more: number): void {
  const needed = queue.reserved + more;
  if (needed <= queue.capacity) return;
  const doubled = Math.min(2 * queue.capacity, RIO_MAX_CQ_SIZE);
  queue.resize(Math.max(needed, doubled));
}

function shrink(queue: RioCompletionQueue, reserved: number): void {
  if (queue.closed || queue.capacity === LEAST_CAPACITY) return;
  if (4 * (queue.reserved + reserved) > queue.capacity) return;
  try {
    queue.resize(Math.max(LEAST_CAPACITY, queue.capacity >> 1));
  } catch {
    // A queue that is too large serves as well.
  }
}
