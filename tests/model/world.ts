/**
 * What the model knows of a session, and how it compares.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { WSAENOBUFS, WSAETOOMANYREFS } from "../../ffi/error_numbers.ts";
import { RioError, type RioSession } from "../../mod.ts";
import type { Buffer, Queue, Request, Socket } from "./parts.ts";
import type { Random } from "./random.ts";
import { Reached } from "./pairs.ts";
import { PAIRS, type Verb } from "./verbs.ts";

/** How long room that closed sockets had is waited for, in milliseconds. */
const ROOM_MS = 500;

/** A session, and what the model knows of it. */
export class World {
  /** How often each verb was used in each state. */
  readonly reached: Reached = new Reached(PAIRS);
  protected readonly session: RioSession;
  readonly random: Random;
  protected readonly buffers: Buffer[] = [];
  protected readonly queues: Queue[] = [];
  protected readonly sockets: Socket[] = [];
  protected readonly requests: Map<unknown, Request> = new Map();
  protected posted = 0;
  /** The thread that it is in; 0 for the first. */
  protected readonly owner: number;
  /** Nothing was settled that the model did not see. */
  protected exact = true;

  constructor(session: RioSession, random: Random, owner: number) {
    this.session = session;
    this.random = random;
    this.owner = owner;
  }

  /** Where the UDP sockets that are open receive. */
  addresses(): Deno.NetAddr[] {
    return this.openSockets()
      .filter(({ isStream }) => !isStream)
      .map(({ real }) => real.address);
  }

  /** Remembers that something is done, in this state of what it is done to. */
  does(verb: Verb, state: string): void {
    this.reached.add(verb, state);
  }

  /**
   * Does what needs room in a queue, which a real system gives back with a
   * delay when sockets were closed.
   */
  protected async withRoom<T>(queue: Queue, act: () => T): Promise<T> {
    const end = performance.now() + ROOM_MS;
    for (;;) {
      try {
        return act();
      } catch (error) {
        const late = isRoomError(error) && this.hasClosed(queue);
        if (!late || performance.now() > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /**
   * Does what there is no room for: it fails, unless a system has given back
   * already what a closed socket has not used.
   */
  protected withoutRoom<T>(queue: Queue, act: () => T): T | undefined {
    try {
      const done = act();
      assert(this.hasClosed(queue), "there was no room for it");
      return done;
    } catch (error) {
      if (!isRoomError(error)) throw error;
      return undefined;
    }
  }

  /** What the session says of itself is what the model has counted. */
  protected compare(): void {
    const stats = this.session.stats();
    assertEquals(stats.posted, this.posted);
    assert(stats.outstanding <= this.posted && stats.outstanding >= 0);
    assertEquals(stats.registered - stats.deregistered, stats.buffers);
    assert(stats.buffers >= this.buffers.length);
    for (const buffer of this.buffers) {
      const { inFlight } = buffer.real;
      assert(inFlight >= 0);
      if (this.exact) assertEquals(inFlight, buffer.uses);
      else assert(inFlight <= buffer.uses);
    }
    if (this.exact) {
      assertEquals(stats.outstanding, this.requests.size);
      assertEquals(stats.buffers, this.buffers.length);
    }
    for (
      const { real, outstandingReceives, outstandingSends } of this.sockets
    ) {
      if (!this.exact) continue;
      assertEquals(real.outstandingReceives, outstandingReceives);
      assertEquals(real.outstandingSends, outstandingSends);
    }
    for (const queue of this.openQueues()) {
      const reserved = this.sockets
        .filter((one) => one.queue === queue && isAlive(one))
        .reduce((sum, one) => sum + one.receives + one.sends, 0);
      assertEquals(queue.real.reserved, reserved);
    }
  }

  /** Disposes of some things in some order, and of the session in any case. */
  protected async end(): Promise<void> {
    const disposables: Disposable[] = [
      ...this.buffers.map(({ real }) => real),
      ...this.queues.map(({ real }) => real),
      ...this.sockets.map(({ real }) => real),
    ];
    const { outstanding } = this.session.stats();
    this.does("dispose in any order", outstanding > 0 ? "in use" : "idle");
    const chosen = this.random.shuffle(disposables);
    if (this.random.oneIn(2)) {
      chosen.length = this.random.below(chosen.length);
    }
    for (const one of chosen) one[Symbol.dispose]();
    if (this.random.oneIn(2)) this.session[Symbol.dispose]();
    await this.session.close();
    for (const queue of this.queues) await queue.waiting;
    const stats = this.session.stats();
    assertEquals(
      {
        buffers: stats.buffers,
        queues: stats.completionQueues,
        sockets: stats.sockets,
        outstanding: stats.outstanding,
        abandoned: stats.abandoned,
        registered: stats.registered - stats.deregistered,
      },
      {
        buffers: 0,
        queues: 0,
        sockets: 0,
        outstanding: 0,
        abandoned: 0,
        registered: 0,
      },
    );
    for (const { real } of this.buffers) assert(real.closed);
  }

  protected openQueues(): Queue[] {
    return this.queues.filter(({ closed }) => !closed);
  }

  protected openSockets(): Socket[] {
    return this.sockets.filter(({ closed }) => !closed);
  }

  /** Whether closed sockets may have entries of a queue that are coming back. */
  protected hasClosed(queue: Queue): boolean {
    return this.sockets.some((one) => one.queue === queue && one.closed);
  }
}

/** Whether something failed because a queue has no room. */
function isRoomError(error: unknown): boolean {
  return error instanceof RioError &&
    [WSAENOBUFS, WSAETOOMANYREFS].includes(error.errno);
}

/** Whether a socket still has entries of its queues. */
function isAlive(socket: Socket): boolean {
  return !socket.closed || socket.real.outstanding > 0;
}
