/**
 * What the package does in practice on this machine, in numbers that nobody can
 * know beforehand.
 *
 * @module
 */
import {
  allocate,
  createWinsockBackend,
  openLibrary,
  type RioHandle,
  RioResults,
  type RioRings,
} from "../../ffi/mod.ts";
import {
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { A_WHILE, Lab, pause } from "./lab.ts";

const MIB = 1024 * 1024;
/** How much memory is registered at the most, and in which pieces. */
const LOCKED = { bound: 512 * MIB, piece: 16 * MIB } as const;
/** Calls and round trips that are measured. */
const CALLS = 20_000;
const TRIPS = 200;
const KEY = 1;

/** Call costs, what a closed socket holds, locked memory, latency. */
export const PRACTICE: readonly Experiment[] = [
  {
    name: "calls",
    title: "How are the functions called, and what does that cost?",
    net: false,
    run: callCosts,
  },
  {
    name: "closing",
    title: "What does a socket hold that was just closed?",
    net: true,
    run: closing,
  },
  {
    name: "pending",
    title: "What becomes of a TCP send that is pending at close?",
    net: true,
    run: pendingSend,
  },
  {
    name: "locked",
    title: "How much memory can be registered at a time?",
    net: false,
    run: lockable,
  },
  {
    name: "latency",
    title: "How long does a small datagram take over loopback?",
    net: true,
    run: latency,
  },
];

async function callCosts(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const { rio } = lab;
  const cost = (rings: RioRings, queue: RioHandle) => {
    const results = new RioResults(1);
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) {
        rings.dequeueCompletion(queue, results, 1);
      }
      best = Math.min(best, (performance.now() - start) / CALLS * 1e6);
    }
    return Math.round(best);
  };
  const own = cost(rio.rings, lab.queue());
  notes.fact("functions are called", `through ${rio.calls}`);
  notes.fact("RIODequeueCompletion, nothing there", `${own} ns`, own);
  const { library } = setting;
  if (rio.name !== "winsock") return;
  const symbols = openLibrary(library === undefined ? {} : { library });
  const slow = createWinsockBackend(symbols, { dispatch: false });
  const queue = slow.rings.createCompletionQueue(1, 0);
  const other = cost(slow.rings, queue);
  slow.rings.closeCompletionQueue(queue);
  slow.close(false);
  notes.fact("the same through UnsafeFnPointer", `${other} ns`, other);
}

async function closing(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const { rio } = lab;
  const queue = lab.queue(16);
  const timed = (what: string, call: () => number) => {
    const start = performance.now();
    const error = call();
    const ms = performance.now() - start;
    // More than a millisecond is spent on trying again.
    notes.fact(what, `${outcome(error)} after ${ms.toFixed(2)} ms`, {
      error,
      ms,
    });
  };
  for (const what of ["at once", "after its last completion"]) {
    const first = lab.udp(queue);
    const second = lab.udp(queue);
    lab.receive(first.requestQueue, lab.slice(1024, 64));
    lab.close(first.socket);
    if (what !== "at once") await lab.dequeue(queue, 1);
    timed(
      `shrinking the queue ${what}`,
      () => rio.rings.resizeCompletionQueue(queue, 8),
    );
    timed(
      "growing the queue again",
      () => rio.rings.resizeCompletionQueue(queue, 16),
    );
    const socket = lab.socket("udp");
    timed(
      `another request queue ${what}`,
      () => errorOf(lab.tryRequestQueue(socket, queue, 4)),
    );
    lab.close(second.socket);
    lab.close(socket);
    await lab.dequeue(queue, 1, 100);
    await pause(100);
  }
}

async function pendingSend(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const queue = lab.queue();
  const [client] = await lab.connection(queue);
  let sent = 0;
  for (let pending = false; !pending && sent < 64 * MIB;) {
    const error = lab.send(client.requestQueue, lab.slice(0, 32768));
    if (error !== 0) return notes.fact("a send", outcome(error));
    const done = await lab.dequeue(queue, 1, 200);
    pending = done.length === 0;
    sent += 32768;
  }
  notes.fact("bytes until a send is pending", `${sent}`, sent);
  const start = performance.now();
  lab.close(client.socket);
  const [end] = await lab.dequeue(queue, 1, 5 * A_WHILE);
  const ms = performance.now() - start;
  notes.fact(
    "it ends when its socket is closed",
    end === undefined
      ? `not within ${5 * A_WHILE} ms`
      : `${outcome(end.status)}, ${end.bytesTransferred} bytes, after ${
        ms.toFixed(1)
      } ms`,
    end ?? null,
  );
}

function lockable(notes: Notebook, setting: Setting): void {
  using stack = new DisposableStack();
  const lab = new Lab(setting);
  stack.defer(() => void lab[Symbol.asyncDispose]());
  let bytes = 0;
  let error = 0;
  while (bytes < LOCKED.bound && performance.now() < setting.deadline - 5000) {
    const id = lab.register(allocate(LOCKED.piece));
    error = errorOf(id);
    if (error !== 0) break;
    stack.defer(() => lab.deregister(id));
    bytes += LOCKED.piece;
  }
  const end = error === 0 ? "no limit found up to here" : outcome(error);
  notes.fact("memory registered", `${bytes / MIB} MiB, ${end}`, {
    bytes,
    error,
  });
}

async function latency(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  const { rings } = lab.rio;
  const queue = lab.queue(16, lab.notification("iocp", KEY));
  const { requestQueue, address } = lab.udp(queue);
  const remote = lab.addressSlice(0, address);
  for (const way of ["polled", "notified"] as const) {
    const samples: number[] = [];
    for (let i = 0; i < TRIPS; i++) {
      const start = performance.now();
      if (way === "notified") rings.notify(queue);
      lab.receive(requestQueue, lab.slice(1024, 64));
      lab.send(requestQueue, lab.slice(512, 5), remote);
      let done = 0;
      while (done < 2 && performance.now() < start + A_WHILE) {
        if (way === "notified" && !await lab.fires(KEY, A_WHILE)) break;
        const some = lab.poll(queue).length;
        done += some;
        if (way === "notified" && done < 2) rings.notify(queue);
        if (way === "polled" && some === 0) await pause(0);
      }
      if (done < 2) return notes.fact(`${way}, a datagram`, "did not arrive");
      samples.push((performance.now() - start) * 1000);
    }
    samples.sort((a, b) => a - b);
    const at = (part: number) => Math.round(samples[TRIPS * part | 0]!);
    const [median, most] = [at(0.5), at(0.99)];
    notes.fact(
      `${way}, 5 bytes to itself`,
      `${median} µs in the middle, 99 % within ${most} µs`,
      { median, most },
    );
  }
}
