/**
 * Does with a session what the model has done, and compares after each step.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { WSA_OPERATION_ABORTED } from "../../ffi/error_numbers.ts";
import {
  type RioBuffer,
  RioBufferInUseError,
  type RioCompletion,
  type RioCompletionQueue,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { turn } from "../exhaustive/run.ts";

const BUFFERS = 3;
const SOCKETS = 2;
const REQUESTS = 4;
/** The most of a direction that a socket has outstanding, as in the model. */
const LIMIT = 2;
const DATA = 16;
const ADDRESS = 28;
/** How often to dequeue what has completed. */
const LOOKS = 3;
/** How many turns of the event loop a wait may take that has to end. */
const TURNS = 1000;

/** What is needed beside the session. */
export interface Around {
  /** Sends a datagram to a socket, from outside the session. */
  arrive(to: Deno.NetAddr): void;
  /** Where the session sends to. */
  readonly sink: Deno.NetAddr;
  /** Lets the system complete what can complete: so many, where it is late. */
  pass(count: number): void | Promise<void>;
}

/** A wait, and what may be said of it. */
interface Wait {
  /** What it resolved with. */
  told: boolean | undefined;
  readonly ended: Promise<void>;
}

/** One life of the model, with a session. */
export class Replay {
  readonly #session: RioSession;
  readonly #around: Around;
  readonly #queue: RioCompletionQueue;
  readonly #buffers: RioBuffer[];
  readonly #sockets: RioSocket[];
  readonly #waits: Wait[] = [];
  readonly #closed: Set<RioSocket> = new Set();
  readonly #posted: Map<number, { socket: RioSocket; kind: string }> =
    new Map();

  constructor(session: RioSession, around: Around) {
    this.#session = session;
    this.#around = around;
    this.#queue = session.createCompletionQueue({ capacity: 16 });
    this.#buffers = Array.from(
      { length: BUFFERS },
      () => session.registerBuffer(REQUESTS * (DATA + ADDRESS)),
    );
    this.#sockets = Array.from({ length: SOCKETS }, () =>
      session.openSocket({
        transport: "udp",
        hostname: "127.0.0.1",
        completions: this.#queue,
        receives: LIMIT,
        sends: LIMIT,
      }));
  }

  /** Does all steps; throws with the number of the one that comes out otherwise. */
  async run(lines: readonly string[]): Promise<void> {
    for (const [i, line] of lines.entries()) {
      const [name, ...numbers] = line.trim().split(" ");
      try {
        await this.#step(name!, numbers.map(Number));
      } catch (cause) {
        this.#session[Symbol.dispose]();
        const steps = lines.filter((line) => !/^(?:uses|at_most) /.test(line));
        throw new Error(
          `Step ${i}, "${line}", fails in ${steps.join(", ")}`,
          { cause },
        );
      }
    }
  }

  #step(name: string, numbers: number[]): Promise<void> | void {
    const [first = 0, second = 0] = numbers;
    switch (name) {
      case "post":
        return this.#post(numbers);
      case "arrive":
        this.#around.arrive(this.#sockets[first]!.address);
        return this.#around.pass(second);
      case "system":
        return this.#around.pass(first);
      case "dequeue":
        return this.#dequeue(first);
      case "refused":
        assertThrows(
          () => this.#buffers[first]!.deregister(),
          RioBufferInUseError,
        );
        return;
      case "deregister":
        return this.#buffers[first]!.deregister();
      case "dispose":
        return this.#buffers[first]![Symbol.dispose]();
      case "close":
        this.#closed.add(this.#sockets[first]!);
        return this.#sockets[first]!.close();
      case "wait":
        return this.#wait(first > 0);
      case "turn":
        return this.#turn(first);
      case "close_queue":
        return this.#closeQueue(first > 0);
      case "uses":
        return assertEquals(
          this.#buffers.map(({ inFlight }) => inFlight),
          numbers,
        );
      case "at_most":
        return this.#buffers.forEach(({ inFlight }, i) =>
          assert(inFlight <= numbers[i]!)
        );
      case "end":
        return this.#end(first);
      default:
        throw new Error(`The model does what nobody knows: ${name}`);
    }
  }

  #post(
    [request = 0, isSend = 0, onSocket = 0, withBuffer = 0]: number[],
  ): void {
    const socket = this.#sockets[onSocket]!;
    const buffer = this.#buffers[withBuffer]!;
    const place = request * (DATA + ADDRESS);
    const data = buffer.slice(place, DATA);
    const context = request;
    if (isSend === 0) {
      socket.receive(data, { context });
    } else {
      const remote = buffer.slice(place + DATA, ADDRESS);
      socket.writeAddress(remote, this.#around.sink);
      socket.send(data, { context, remote });
    }
    const kind = isSend === 0 ? "receive" : "send";
    this.#posted.set(request, { socket, kind });
  }

  #dequeue(expected: number): void {
    let seen = 0;
    // A queue that has something need not ask the system for more.
    for (let i = 0; i < LOOKS && (i === 0 || seen !== expected); i++) {
      for (const completion of this.#queue.dequeue()) {
        seen |= 1 << this.#complete(completion);
      }
    }
    assertEquals(seen, expected);
  }

  /** Which request has completed. */
  #complete({ context, kind, status, socket }: RioCompletion): number {
    const number = context as number;
    const request = this.#posted.get(number);
    assert(request, `request ${number} was not posted, or came twice`);
    this.#posted.delete(number);
    assertEquals(kind, request.kind);
    assert(socket === request.socket);
    if (status !== 0) {
      assertEquals(status, WSA_OPERATION_ABORTED);
      assert(this.#closed.has(socket));
    }
    return number;
  }

  #wait(isThere: boolean): Promise<void> | void {
    const wait: Wait = {
      told: undefined,
      ended: this.#queue.notify().then((told) => {
        wait.told = told;
      }),
    };
    this.#waits.push(wait);
    if (!isThere) return;
    return wait.ended.then(() => assertEquals(wait.told, true));
  }

  /** 0: it goes on; 1: it may have ended; 2: it has to end. */
  async #turn(certainty: number): Promise<void> {
    const wait = this.#waits.at(-1)!;
    await turn();
    for (let i = 0; certainty === 2 && i < TURNS; i++) {
      if (wait.told !== undefined) break;
      await turn();
    }
    if (certainty === 0) assertEquals(wait.told, undefined);
    else if (certainty === 2) assertEquals(wait.told, true);
    else assert(wait.told !== false);
  }

  async #closeQueue(fired: boolean): Promise<void> {
    const before = this.#waits.at(-1);
    const told = before?.told;
    this.#queue.close();
    if (before === undefined) return;
    await before.ended;
    if (told === undefined && !fired) assertEquals(before.told, false);
  }

  async #end(count: number): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    await this.#around.pass(count);
    this.#session[Symbol.dispose]();
    await this.#session.close();
    for (const { ended } of this.#waits) await ended;
    const stats = this.#session.stats();
    assertEquals(
      [stats.buffers, stats.sockets, stats.completionQueues],
      [0, 0, 0],
    );
    assertEquals([stats.outstanding, stats.abandoned], [0, 0]);
    assertEquals(stats.registered, stats.deregistered);
    assertEquals(stats.completed, stats.posted);
  }
}
