/** Receives by their completion queue, over an epoll and receivers of the test. */
import { assertEquals } from "@std/assert";
import { WSAEALREADY, WSAEINVAL, WSAENOBUFS } from "../../ffi/error_numbers.ts";
import { RioResults } from "../../ffi/layout.ts";
import {
  CompletionQueue,
  type Entry,
  type Receiver,
} from "../../ffi/linux/completion_queue.ts";
import type { Poll } from "../../ffi/linux/poll.ts";
import type { Source } from "../../ffi/linux/readiness.ts";

const KEY = 5;
/** More than are tried one by one. */
const MANY = 9;

/** An epoll that counts what it is asked for. */
class Watches {
  collects = 0;
  reaps = 0;
  readonly fired: number[] = [];
  readonly watched: Source[] = [];
  /** What it answers. */
  errno = 0;
  /** What it tells when it is asked. */
  tells: () => void = () => {};
  /** What completes elsewhere. */
  completes: () => void = () => {};

  watch(source: Source): number {
    this.watched.push(source);
    return this.errno;
  }
  collect(): number {
    this.collects++;
    this.tells();
    return 0;
  }
  reap(): void {
    this.reaps++;
    this.completes();
  }
  fire(key: number): void {
    this.fired.push(key);
  }
}

/** A receiver with so many receives, and so many datagrams for them. */
class Inbox implements Receiver, Entry {
  readonly socket = {} as Source;
  readonly receiver = this;
  position = -1;
  pending: number;
  arrived: number;
  ready = false;
  runs = 0;
  readonly #queue: CompletionQueue;

  constructor(queue: CompletionQueue, pending: number, arrived = 0) {
    this.#queue = queue;
    this.pending = pending;
    this.arrived = arrived;
  }

  run(): boolean {
    this.runs++;
    if (this.arrived === 0) return this.ready = false;
    this.arrived--;
    this.pending--;
    this.#queue.push({ dequeued() {} }, false, 0, 1, 0);
    return true;
  }

  /** Has data arrive, as epoll tells it. */
  arrive(count: number): void {
    this.arrived += count;
    this.ready = true;
    this.#queue.wake(this);
  }
}

/** A queue with receivers that wait. */
function made(receivers: readonly { pending: number; arrived?: number }[]) {
  const watches = new Watches();
  const queue = new CompletionQueue(watches as unknown as Poll, 64, KEY);
  queue.reserve(64);
  const inboxes = receivers.map(({ pending, arrived }) =>
    new Inbox(queue, pending, arrived)
  );
  for (const inbox of inboxes) queue.activate(inbox);
  const results = new RioResults(64);
  const dequeue = (max: number) => queue.dequeue(results, max);
  const runs = () => inboxes.map((inbox) => inbox.runs);
  return { watches, queue, inboxes, dequeue, runs };
}

const idle = (count: number) => new Array(count).fill({ pending: 4 });

Deno.test("dequeue() takes what has completed elsewhere, and looks only where more fits", () => {
  const { watches, queue, dequeue } = made([]);
  const push = () => queue.push({ dequeued() {} }, false, 0, 1, 0);
  watches.completes = push;
  assertEquals(dequeue(2), 1);
  watches.completes = () => {};
  push();
  assertEquals([dequeue(1), watches.reaps], [1, 1]);
  assertEquals([dequeue(1), watches.reaps, watches.collects], [0, 2, 0]);
});

Deno.test("dequeue() makes no call when there are as many results as it takes", () => {
  const { queue, dequeue, runs } = made([{ pending: 4, arrived: 4 }]);
  queue.push({ dequeued() {} }, false, 0, 1, 0);
  assertEquals(dequeue(1), 1);
  assertEquals(runs(), [0]);
  assertEquals(dequeue(2), 2);
  assertEquals(runs(), [2]);
});

Deno.test("dequeue() asks epoll nothing when there are as many results as it takes", () => {
  const { queue, watches, dequeue } = made(idle(MANY));
  queue.push({ dequeued() {} }, false, 0, 1, 0);
  assertEquals(dequeue(1), 1);
  assertEquals(watches.collects, 0);
});

Deno.test("dequeue() takes from each receiver in turn, and goes on where it stopped", () => {
  const one = { pending: 4, arrived: 4 };
  const { dequeue, runs } = made([one, one, one]);
  assertEquals(dequeue(2), 2);
  assertEquals(runs(), [1, 1, 0]);
  assertEquals(dequeue(2), 2);
  assertEquals(runs(), [2, 1, 1]);
});

Deno.test("dequeue() asks epoll nothing where nobody receives", () => {
  const { queue, watches, inboxes, dequeue } = made(idle(2));
  assertEquals(queue.notify(), 0);
  for (const inbox of inboxes) queue.deactivate(inbox);
  assertEquals(dequeue(8), 0);
  assertEquals(watches.collects, 0);
});

Deno.test("dequeue() asks epoll whom to try where there are many", () => {
  const { watches, inboxes, dequeue, runs } = made(idle(MANY));
  watches.tells = () => inboxes[3]!.arrive(2);
  assertEquals(dequeue(8), 2);
  assertEquals(watches.collects, 1);
  assertEquals(watches.watched.length, MANY);
  // The third call finds nothing more.
  assertEquals(runs().map((runs) => runs > 0).indexOf(true), 3);
  watches.tells = () => {};
  const before = runs();
  assertEquals(dequeue(8), 0);
  assertEquals(runs(), before);
  // All of them are watched already.
  assertEquals(watches.watched.length, MANY);
});

Deno.test("dequeue() tries 8 receivers one by one, and asks epoll nothing", () => {
  const { watches, dequeue, runs } = made(idle(MANY - 1));
  assertEquals(dequeue(8), 0);
  assertEquals(runs(), new Array(MANY - 1).fill(1));
  assertEquals(watches.collects, 0);
});

Deno.test("dequeue() leaves a receiver alone that has no receives any more", () => {
  const { dequeue, runs } = made([{ pending: 1, arrived: 2 }]);
  assertEquals([dequeue(8), dequeue(8)], [1, 0]);
  assertEquals(runs(), [1]);
});

Deno.test("dequeue() tries all others when one is done whose place another one takes", () => {
  const { inboxes, dequeue } = made([
    { pending: 2, arrived: 1 },
    { pending: 4, arrived: 1 },
    { pending: 4 },
  ]);
  // The next look begins with the last one, which has nothing.
  assertEquals(dequeue(2), 2);
  inboxes[0]!.arrived = 1;
  inboxes[1]!.arrived = 2;
  assertEquals(dequeue(8), 3);
});

Deno.test("dequeue() tries those, too, whose place one took that was told of", () => {
  const { inboxes, dequeue } = made(idle(3));
  inboxes[2]!.arrive(1);
  inboxes[0]!.arrived = 1;
  assertEquals(dequeue(8), 2);
});

Deno.test("dequeue() asks epoll nothing where a wait has told of something since", () => {
  const { watches, inboxes, dequeue } = made(idle(MANY));
  assertEquals([dequeue(8), watches.collects], [0, 1]);
  // A wait asks, and is told of one.
  watches.collects++;
  inboxes[2]!.arrive(1);
  assertEquals([dequeue(8), watches.collects], [1, 2]);
  // It was told of one, but nobody has asked since the last look.
  inboxes[2]!.arrive(1);
  assertEquals([dequeue(8), watches.collects], [1, 3]);
  // It has asked, and was told of nothing.
  watches.collects++;
  assertEquals([dequeue(8), watches.collects], [0, 5]);
});

Deno.test("dequeue() asks epoll where only a post has made a receiver ready since", () => {
  const { queue, watches, inboxes, dequeue } = made(idle(MANY));
  assertEquals([dequeue(8), watches.collects], [0, 1]);
  // A wait has looked, and had nothing to tell of.
  watches.collects++;
  queue.deactivate(inboxes[0]!);
  inboxes[0]!.ready = true;
  queue.activate(inboxes[0]!);
  watches.tells = () => inboxes[1]!.arrive(1);
  assertEquals([dequeue(8), watches.collects], [1, 3]);
});

Deno.test("notify() watches all, and asks for nothing", () => {
  const { queue, watches, runs } = made(idle(2));
  assertEquals(queue.notify(), 0);
  assertEquals([watches.watched.length, watches.collects], [2, 0]);
  assertEquals(runs(), [0, 0]);
  assertEquals(queue.notify(), WSAEALREADY);
  assertEquals(watches.fired, []);
});

Deno.test("notify() fires at once for what is known to have arrived", () => {
  const { queue, watches, inboxes, runs } = made(idle(2));
  inboxes[1]!.arrive(2);
  assertEquals(runs(), [0, 0]);
  assertEquals(queue.notify(), 0);
  assertEquals(runs(), [0, 1]);
  assertEquals(watches.fired, [KEY]);
});

Deno.test("notify() arms nothing where a receiver cannot be watched", () => {
  const { queue, watches } = made(idle(2));
  watches.errno = WSAENOBUFS;
  assertEquals(queue.notify(), WSAENOBUFS);
  watches.errno = 0;
  assertEquals(queue.notify(), 0);
  assertEquals(watches.fired, []);
});

Deno.test("activate() fires where somebody waits and the receiver cannot be watched", () => {
  const { queue, watches, dequeue } = made(idle(2));
  assertEquals(queue.notify(), 0);
  watches.errno = WSAENOBUFS;
  const late = new Inbox(queue, 1, 1);
  queue.activate(late);
  assertEquals(watches.fired, [KEY]);
  // It is tried with the others, though nobody tells of it.
  assertEquals(dequeue(8), 1);
  assertEquals(late.runs, 1);
});

Deno.test("activate() takes a receiver once, and runs one that is ready where somebody waits", () => {
  const { queue, watches, inboxes, dequeue, runs } = made(idle(1));
  queue.activate(inboxes[0]!);
  assertEquals(queue.notify(), 0);
  const late = new Inbox(queue, 1, 1);
  late.ready = true;
  queue.activate(late);
  assertEquals([watches.fired, late.runs], [[KEY], 1]);
  assertEquals(watches.watched.length, 2);
  assertEquals(dequeue(8), 1);
  queue.deactivate(inboxes[0]!);
  dequeue(8);
  assertEquals(runs(), [0]);
});

Deno.test("notify() refuses a queue without a key", () => {
  const watches = new Watches() as unknown as Poll;
  assertEquals(new CompletionQueue(watches, 4, 0).notify(), WSAEINVAL);
});

Deno.test("wake() runs a receiver where somebody waits, until that is told", () => {
  const { queue, watches, inboxes, dequeue, runs } = made(idle(2));
  assertEquals(queue.notify(), 0);
  inboxes[0]!.arrive(3);
  assertEquals([watches.fired, runs()], [[KEY], [1, 0]]);
  assertEquals(dequeue(8), 3);
});

Deno.test("wake() leaves a receiver behind the others that finds nothing", () => {
  const { queue, inboxes, dequeue, runs } = made(idle(2));
  assertEquals(queue.notify(), 0);
  inboxes[1]!.arrive(0);
  assertEquals(runs(), [0, 1]);
  assertEquals(dequeue(8), 0);
  assertEquals(runs(), [0, 1]);
});

Deno.test("wake() and deactivate() do nothing for a receiver that is done", () => {
  const { queue, inboxes, dequeue, runs } = made(idle(2));
  queue.deactivate(inboxes[0]!);
  queue.deactivate(inboxes[0]!);
  assertEquals(queue.notify(), 0);
  inboxes[0]!.arrive(1);
  assertEquals(dequeue(8), 0);
  assertEquals(runs(), [0, 0]);
  assertEquals(inboxes.map(({ position }) => position), [-1, 0]);
});

Deno.test("deactivate() leaves the place of a receiver that is ready to none", () => {
  const { queue, inboxes, dequeue, runs } = made(idle(2));
  assertEquals(queue.notify(), 0);
  inboxes[0]!.arrive(1);
  queue.deactivate(inboxes[0]!);
  assertEquals(dequeue(8), 1);
  assertEquals(runs(), [1, 0]);
});

Deno.test("close() lets no receiver run, and takes none", () => {
  const { queue, inboxes, dequeue, runs } = made([{ pending: 1, arrived: 1 }]);
  queue.close();
  queue.activate(inboxes[0]!);
  assertEquals(inboxes[0]!.position, -1);
  assertEquals(dequeue(8), 0);
  assertEquals(runs(), [0]);
});
