/**
 * Open questions about queues: creating, sizing, notifying, closing.
 *
 * @module
 */
import {
  IPPROTO_UDP,
  type RioHandle,
  RioResults,
  SOCK_DGRAM,
  WSAEINVAL,
  WSAENOBUFS,
  WSAEOPNOTSUPP,
  WSAETOOMANYREFS,
} from "../../ffi/mod.ts";
import {
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { A_WHILE, Lab, pause } from "./lab.ts";
import { Winsock } from "./native.ts";

/** Long enough for a notification that is sent at all, in milliseconds. */
const MOMENT = 300;

/** Questions 1, 5, 6 and 8. */
export const QUEUE_QUESTIONS: readonly Experiment[] = [
  {
    name: "1",
    title: "Which request queues are refused, and with what?",
    risk: "a second queue on a socket is described nowhere",
    net: true,
    run: refusedRequestQueues,
  },
  {
    name: "5",
    title: "What do the edges of a completion queue answer?",
    net: true,
    run: edgesOfCompletionQueues,
  },
  {
    name: "6",
    title: "Does closing a completion queue fire a notification?",
    risk: "a closed queue with an armed notification is described nowhere",
    net: true,
    run: closedWhileArmed,
  },
  {
    name: "8",
    title: "When is the room of a closed socket given back?",
    net: true,
    run: roomOfClosedSockets,
  },
];

async function refusedRequestQueues(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  const queue = lab.queue();
  for (const buffers of [0, 2]) {
    dataBuffers(notes, lab, { setting, queue, buffers });
  }
  const { socket } = lab.udp(queue);
  const second = lab.tryRequestQueue(socket, queue, 1);
  notes.errno("a second queue on a socket", [WSAEINVAL], errorOf(second));

  const what = "a socket without the flag";
  if (lab.rio.name !== "winsock") {
    notes.undecided(
      what,
      [WSAEOPNOTSUPP, WSAEINVAL].map(outcome).join(" or "),
      "this backend has no such sockets",
    );
    return;
  }
  using winsock = new Winsock(setting);
  const plain = winsock.open(SOCK_DGRAM, IPPROTO_UDP);
  notes.errno(
    what,
    [WSAEOPNOTSUPP, WSAEINVAL],
    errorOf(lab.tryRequestQueue(plain, queue, 1)),
  );
  winsock.close(plain);
}

/** Asks for requests of so many slices, which the package never does. */
function dataBuffers(
  notes: Notebook,
  lab: Lab,
  { setting, queue, buffers }: {
    setting: Setting;
    queue: RioHandle;
    buffers: number;
  },
): void {
  const what = `${buffers} data buffers`;
  if (lab.rio.name !== "winsock") {
    const why = "this backend always takes one";
    notes.undecided(what, outcome(WSAEINVAL), why);
    return;
  }
  using winsock = new Winsock(setting);
  const socket = lab.socket("udp");
  notes.errno(
    what,
    [WSAEINVAL],
    winsock.tryRequestQueue(socket, queue, buffers),
  );
}

async function edgesOfCompletionQueues(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  const { rio } = lab;
  const queue = lab.queue(16);
  lab.udp(queue);
  notes.errno(
    "RIONotify without a notification",
    [WSAEINVAL],
    rio.rings.notify(queue),
  );
  const none = rio.rings.dequeueCompletion(queue, new RioResults(1), 0);
  notes.compare("RIODequeueCompletion of 0", "0", String(none), none === 0);
  notes.errno(
    "resize to 0",
    [WSAEINVAL],
    rio.rings.resizeCompletionQueue(queue, 0),
  );
  notes.errno(
    "resize below what is reserved",
    [WSAETOOMANYREFS],
    rio.rings.resizeCompletionQueue(queue, 4),
  );
  notes.errno(
    "resize to what is reserved",
    [0],
    rio.rings.resizeCompletionQueue(queue, 8),
  );
}

async function closedWhileArmed(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  for (const [i, kind] of (["event", "iocp"] as const).entries()) {
    const key = i + 1;
    const queue = lab.queue(4, lab.notification(kind, key));
    const error = lab.rio.rings.notify(queue);
    lab.closeQueue(queue);
    const what = `close while armed, ${kind}`;
    if (error !== 0) {
      notes.undecided(what, "does not fire", `RIONotify: ${outcome(error)}`);
      continue;
    }
    const fired = await lab.fires(key, MOMENT);
    notes.compare(
      what,
      "does not fire",
      fired ? "fired" : `did not fire in ${MOMENT} ms`,
      !fired,
    );
  }
}

async function roomOfClosedSockets(
  notes: Notebook,
  setting: Setting,
): Promise<void> {
  await using lab = new Lab(setting);
  await roomAfter(notes, lab, false);
  await roomAfter(notes, lab, true);
}

/** Fills a queue with one socket, closes that, and tries the next one. */
async function roomAfter(
  notes: Notebook,
  lab: Lab,
  outstanding: boolean,
): Promise<void> {
  const queue = lab.queue(2);
  const first = lab.socket("udp");
  const requestQueue = lab.requestQueue(first, queue, 1);
  if (outstanding) lab.receive(requestQueue, lab.slice(0, 64));
  lab.close(first);
  const second = lab.socket("udp");
  const start = performance.now();
  const attempt = () => errorOf(lab.tryRequestQueue(second, queue, 1));
  let error = attempt();
  let when = "at once";
  while (error === WSAENOBUFS && performance.now() - start < MOMENT) {
    await pause(1);
    error = attempt();
    when = `after ${Math.ceil(performance.now() - start)} ms`;
  }
  if (error === WSAENOBUFS && outstanding) {
    await lab.dequeue(queue, 1);
    when = "after the request was dequeued";
    const deadline = performance.now() + A_WHILE;
    while ((error = attempt()) === WSAENOBUFS && performance.now() < deadline) {
      await pause(1);
      when = "a while after the request was dequeued";
    }
  } else if (outstanding) {
    when += ", before the request was dequeued";
  }
  notes.compare(
    outstanding ? "with a request outstanding" : "with nothing outstanding",
    "given back, at once or later",
    error === 0 ? `given back ${when}` : outcome(error),
    error === 0,
  );
}
