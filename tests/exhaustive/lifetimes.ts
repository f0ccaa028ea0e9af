/**
 * One short life of a session, in an order that is chosen: two buffers, two
 * sockets or the ends of a connection, two requests, and everything that can
 * happen to them.
 *
 * Things that are alike are told apart only once they were used differently:
 * what happens to an untouched one happens to the first.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as wsa from "../../ffi/error_numbers.ts";
import {
  type RioBuffer,
  RioBufferInUseError,
  type RioCompletionQueue,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import type { Choices } from "./choices.ts";
import type { Collector } from "./collector.ts";
import type { Life } from "./run.ts";
import { alike, Thing } from "./thing.ts";

/** Bytes of a request's data; behind them is its address. */
const DATA = 16;
const ADDRESS = 28;
const THINGS = 2;
const REQUESTS = 2;

/**
 * What happens at most once where all orders are tried to the end: together
 * with two requests, in 8 steps.
 */
const ONCE = ["datagram", "dequeue", "wait", "dispose", "close", "end"]
  .concat("collect");

/** A request, until its completion was seen. */
interface Request {
  readonly kind: "receive" | "send";
  readonly socket: Thing<RioSocket>;
  readonly buffer: Thing<RioBuffer>;
}

/** How a request can end after the other end of its connection was closed. */
const BROKEN = [0, wsa.WSAECONNABORTED, wsa.WSAECONNRESET];

/** What lives. */
export interface Subject {
  readonly session: RioSession;
  readonly completions: RioCompletionQueue;
  /** Two, for one request of each kind; ends of a connection send each other. */
  readonly sockets: readonly RioSocket[];
}

/** What is needed beside the session. */
export interface LifetimesOptions {
  /** Sends a datagram to a socket, from outside the session; not to the end of a connection. */
  arrive(to: Deno.NetAddr): void;
  /** Lets requests complete that complete late. */
  pass(): void;
  /**
   * Whether of the kinds in {@linkcode ONCE} each happens once, requests twice,
   * and others do not happen.
   */
  readonly once: boolean;
  /**
   * What finds things that are dropped. With it there are only runs in which
   * that happens: it takes its time.
   */
  readonly collector?: Collector;
}

/** Something that can happen. */
interface Event {
  readonly kind: string;
  readonly name: string;
  act(): void | Promise<void>;
}

/** A session, and what is known of it. */
export class Lifetimes implements Life {
  /** What was done, in words. */
  readonly done: string[] = [];
  readonly #session: Thing<RioSession>;
  readonly #around: LifetimesOptions;
  readonly #choices: Choices;
  readonly #queue: Thing<RioCompletionQueue>;
  readonly #buffers: Thing<RioBuffer>[];
  readonly #sockets: Thing<RioSocket>[];
  readonly #connected: boolean;
  readonly #requests: Map<unknown, Request> = new Map();
  #posted = 0;
  #completed = 0;
  #queueClosed = false;
  #over = false;
  #collected = false;
  #waits: Promise<unknown>[] = [];

  /** Registers two buffers. */
  constructor(
    { session, completions, sockets }: Subject,
    around: LifetimesOptions,
    choices: Choices,
  ) {
    this.#session = new Thing(session);
    this.#around = around;
    this.#choices = choices;
    this.#queue = new Thing(completions);
    const size = REQUESTS * (DATA + ADDRESS);
    this.#buffers = Array.from(
      { length: THINGS },
      () => new Thing(session.registerBuffer(size)),
    );
    this.#sockets = sockets.map((socket) => new Thing(socket));
    this.#connected = sockets[0]!.transport === "tcp";
  }

  /** Has so many things happen, and compares after each; then ends the session. */
  async run(depth: number): Promise<void> {
    const { once, collector } = this.#around;
    const left = new Set<string>(ONCE);
    for (let i = 0; i < depth && !this.#over; i++) {
      const due = collector !== undefined && !this.#collected &&
        i === depth - 1;
      const events = this.#events()
        .filter(({ kind }) => !once || kind === "request" || left.has(kind))
        .filter(({ kind }) => !due || kind === "collect");
      if (events.length === 0) break;
      const event = this.#choices.pick(events);
      left.delete(event.kind);
      this.done.push(event.name);
      await event.act();
      if (this.#session.dropped) return;
      this.#compare();
    }
    // It ends in the middle of whatever goes on.
    const session = this.#session.real;
    session[Symbol.dispose]();
    await session.close();
    await Promise.all(this.#waits);
    const end = session.stats();
    assertEquals(
      [end.buffers, end.sockets, end.completionQueues, end.outstanding],
      [0, 0, 0, 0],
    );
    assertEquals([end.abandoned, end.posted], [0, this.#posted]);
    assertEquals(end.registered, end.deregistered);
    assertEquals(end.completed, this.#posted, "a request has not ended");
    for (const buffer of this.#buffers) {
      if (!buffer.dropped) assertEquals(buffer.real.inFlight, 0);
    }
  }

  giveUp(): void {
    if (!this.#session.dropped) this.#session.real[Symbol.dispose]();
  }

  /** What can happen now, and would change something. */
  #events(): Event[] {
    const events: Event[] = [];
    const add = (kind: string, which: string, act: Event["act"]) =>
      events.push({ kind, name: `${kind}${which}`, act });
    const last = this.done.at(-1);
    const sockets = alike(this.#sockets);
    const buffers = alike(this.#buffers);
    if (this.#posted < REQUESTS && !this.#queueClosed) {
      for (const [i, socket] of sockets) {
        for (const [j, buffer] of buffers) {
          for (const kind of ["receive", "send"] as const) {
            if (!this.#fits(kind, socket)) continue;
            const which = `: ${kind} on socket ${i} with buffer ${j}`;
            add("request", which, () => this.#post(kind, socket, buffer));
          }
        }
      }
    }
    for (const [i, socket] of sockets) {
      const which = ` for socket ${i}`;
      add("close", ` socket ${i}`, () => close(socket));
      if (!this.#connected && last !== `datagram${which}`) {
        add("datagram", which, () => this.#arrive(socket));
      }
    }
    for (const [j, buffer] of buffers) {
      add("dispose", ` of buffer ${j}`, () => close(buffer));
      // Otherwise it does the same.
      if (buffer.real.inFlight > 0) {
        add("deregister", ` buffer ${j}`, () => refused(buffer));
      }
    }
    if (!this.#queueClosed) {
      if (last !== "dequeue") add("dequeue", "", () => this.#dequeue());
      if (this.#waits.length === 0) add("wait", "", () => this.#wait());
      add("close the queue", "", () => this.#closeQueue());
    }
    const { collector } = this.#around;
    if (collector === undefined || this.#collected) {
      add("end", "", () => this.#dispose());
    }
    if (collector === undefined) return events;
    for (const [i, socket] of sockets) {
      add("collect", ` socket ${i}`, () => this.#collect(socket, collector));
    }
    for (const [j, buffer] of buffers) {
      add("collect", ` buffer ${j}`, () => this.#collect(buffer, collector));
    }
    // What somebody waits for is not dropped.
    if (this.#waits.length === 0 || this.#queueClosed) {
      add("collect", " the session", () => this.#collectAll(collector));
    }
    return events;
  }

  #fits(kind: Request["kind"], socket: Thing<RioSocket>): boolean {
    const { real } = socket;
    return kind === "send"
      ? real.outstandingSends === 0
      : real.outstandingReceives === 0;
  }

  #post(
    kind: Request["kind"],
    socket: Thing<RioSocket>,
    buffer: Thing<RioBuffer>,
  ): void {
    // Slices that overlap must not be in flight together.
    const place = this.#posted * (DATA + ADDRESS);
    const slice = buffer.real.slice(place, DATA);
    const context = ++this.#posted;
    socket.touched = buffer.touched = true;
    if (kind === "receive") {
      socket.real.receive(slice, { context });
    } else if (this.#connected) {
      socket.real.send(slice, { context });
    } else {
      const remote = buffer.real.slice(place + DATA, ADDRESS);
      const to = this.#sockets
        .find((one) => one !== socket && !one.dropped) ?? socket;
      socket.real.writeAddress(remote, to.real.address);
      socket.real.send(slice, { context, remote });
    }
    this.#requests.set(context, { kind, socket, buffer });
  }

  #arrive(socket: Thing<RioSocket>): void {
    socket.touched = true;
    this.#around.arrive(socket.real.address);
    this.#around.pass();
  }

  #dequeue(): void {
    this.#around.pass();
    for (const completion of this.#queue.real.dequeue()) {
      const { context, kind, status, socket } = completion;
      const request = this.#requests.get(context);
      assert(request, `request ${context} completed twice`);
      this.#requests.delete(context);
      this.#completed++;
      assertEquals(kind, request.kind);
      assert(request.socket.dropped || socket === request.socket.real);
      if (status === wsa.WSA_OPERATION_ABORTED) assert(request.socket.closed);
      else if (!this.#connected) assertEquals(status, 0);
      else if (this.#sockets.some(({ closed }) => closed)) {
        assert(BROKEN.includes(status), `status ${status}`);
      } else assertEquals([status, completion.bytesTransferred], [0, DATA]);
    }
  }

  #wait(): void {
    this.#waits.push(this.#queue.real.notify());
  }

  #closeQueue(): void {
    this.#queueClosed = true;
    this.#queue.real.close();
  }

  #dispose(): void {
    this.#over = true;
    this.#session.real[Symbol.dispose]();
  }

  /** Drops something: it is found, unless it is in a request that was not seen. */
  async #collect(thing: Thing<unknown>, collector: Collector): Promise<void> {
    this.#collected = true;
    thing.drop();
    await collector.collect();
    const stats = () => this.#session.real.stats();
    const { outstanding } = stats();
    for (
      const [name, things, held] of [
        ["RioBuffer", this.#buffers, () => stats().buffers],
        ["RioSocket", this.#sockets, () => stats().sockets],
      ] as const
    ) {
      const dropped = things.filter(({ dropped }) => dropped);
      const free = dropped.filter((one) => !this.#isInRequest(one));
      // Behind a queue that was closed nobody sees which requests have ended.
      const least = this.#queueClosed && outstanding === 0 ? dropped : free;
      const most = this.#queueClosed ? dropped : free;
      const found = () => collector.found(name);
      await collector.until(() => found() >= least.length, name);
      assert(found() <= most.length, `a ${name} was in use`);
      assert(held() <= THINGS - found(), `a ${name} was not released`);
    }
  }

  #isInRequest(thing: Thing<unknown>): boolean {
    return [...this.#requests.values()]
      .some(({ socket, buffer }) => socket === thing || buffer === thing);
  }

  /** Drops all of it: the session ends as one that is disposed. */
  async #collectAll(collector: Collector): Promise<void> {
    this.#collected = this.#over = true;
    const { backend } = collector;
    for (
      const thing of [
        ...[...this.#buffers, ...this.#sockets],
        ...[this.#queue, this.#session],
      ]
    ) thing.drop();
    await collector.until(() => backend.closed !== "no", "the session");
    assertEquals(backend, { buffers: 0, closed: "with everything" });
    assertEquals(collector.found("RioSession"), 1);
  }

  /** What the session says is what is known. */
  #compare(): void {
    const stats = this.#session.real.stats();
    assertEquals(stats.posted, this.#posted);
    assertEquals(stats.registered - stats.deregistered, stats.buffers);
    assert(stats.completed >= this.#completed);
    assertEquals(stats.outstanding, stats.posted - stats.completed);
    for (const buffer of this.#buffers) {
      if (buffer.dropped) continue;
      const uses = [...this.#requests.values()]
        .filter((request) => request.buffer === buffer)
        .reduce((sum, { kind }) => sum + this.#usesOf(kind), 0);
      const { inFlight, closed } = buffer.real;
      assert(inFlight <= uses, `${inFlight} uses of a buffer, not ${uses}`);
      assertEquals(closed, buffer.closed || this.#over);
      // Until a socket is closed nobody but the program takes completions.
      if (this.#all(({ closed }) => !closed)) assertEquals(inFlight, uses);
    }
  }

  /** A datagram has an address beside its data. */
  #usesOf(kind: Request["kind"]): number {
    return kind === "send" && !this.#connected ? 2 : 1;
  }

  #all(holds: (thing: Thing<unknown>) => boolean): boolean {
    return !this.#queueClosed && !this.#over &&
      [...this.#sockets, ...this.#buffers].every(holds);
  }
}

function close(thing: Thing<Disposable>): void {
  thing.touched = thing.closed = true;
  thing.real[Symbol.dispose]();
}

/** A buffer that is in use stays what it is. */
function refused({ real }: Thing<RioBuffer>): void {
  const { inFlight } = real;
  assertThrows(() => real.deregister(), RioBufferInUseError);
  assertEquals([real.inFlight, real.closed], [inFlight, false]);
}
