/**
 * How far the resources go, up to a bound that no machine minds.
 *
 * @module
 */
import { allocate, type RioHandle, type RioMemory } from "../../ffi/mod.ts";
import {
  errorOf,
  type Experiment,
  type Notebook,
  outcome,
  type Setting,
} from "./experiment.ts";
import { Lab } from "./lab.ts";

const MIB = 1024 * 1024;
const BOUND = {
  queueEntries: MIB,
  registrationBytes: 256 * MIB,
  registrations: 4096,
  sockets: 512,
} as const;

/** Limits, each searched to a bound. */
export const LIMITS: readonly Experiment[] = [
  {
    name: "limits",
    title: "How large and how many?",
    net: true,
    run: limits,
  },
];

async function limits(notes: Notebook, setting: Setting): Promise<void> {
  await using lab = new Lab(setting);
  // A part of the time for each, so that a slow one does not cost the others.
  const share = (setting.deadline - performance.now()) / 5;
  const start = performance.now();
  const inTime = (part: number) => performance.now() < start + part * share;
  largestQueue(notes, lab);
  largestRegistration(notes, lab);
  registrations(notes, lab, () => inTime(3));
  sockets(notes, lab, () => inTime(4));
}

function largestQueue(notes: Notebook, { rio }: Lab): void {
  let reached = 0;
  let error = 0;
  for (let size = 1024; size <= BOUND.queueEntries; size *= 2) {
    const queue = rio.rings.createCompletionQueue(size, 0);
    error = errorOf(queue);
    if (error !== 0) break;
    rio.rings.closeCompletionQueue(queue);
    reached = size;
  }
  report(notes, "entries of a completion queue", {
    reached,
    bound: BOUND.queueEntries,
    error,
  });
}

function largestRegistration(notes: Notebook, lab: Lab): void {
  let reached = 0;
  let error = 0;
  for (let size: number = MIB; size <= BOUND.registrationBytes; size *= 4) {
    let memory: RioMemory;
    try {
      memory = allocate(size);
    } catch {
      break;
    }
    const id = lab.register(memory);
    error = errorOf(id);
    if (error !== 0) break;
    lab.deregister(id);
    reached = size;
  }
  report(notes, "bytes of a registration", {
    reached,
    bound: BOUND.registrationBytes,
    error,
  });
}

function registrations(
  notes: Notebook,
  lab: Lab,
  inTime: () => boolean,
): void {
  const page = allocate(4096);
  const ids: RioHandle[] = [];
  let error = 0;
  while (ids.length < BOUND.registrations && inTime()) {
    const id = lab.register(page);
    error = errorOf(id);
    if (error !== 0) break;
    ids.push(id);
  }
  for (const id of ids) lab.deregister(id);
  report(notes, "registrations at a time", {
    reached: ids.length,
    bound: BOUND.registrations,
    error,
  });
}

function sockets(notes: Notebook, lab: Lab, inTime: () => boolean): void {
  const queue = lab.queue(2 * BOUND.sockets);
  let reached = 0;
  let error = 0;
  while (reached < BOUND.sockets && inTime()) {
    const requestQueue = openWithQueue(lab, queue);
    error = errorOf(requestQueue);
    if (error !== 0) break;
    reached++;
  }
  report(notes, "sockets with a request queue", {
    reached,
    bound: BOUND.sockets,
    error,
  });
}

function openWithQueue(lab: Lab, queue: RioHandle): number {
  const socket = lab.trySocket();
  return socket < 0 ? socket : lab.tryRequestQueue(socket, queue, 1);
}

function report(
  notes: Notebook,
  what: string,
  { reached, bound, error }: { reached: number; bound: number; error: number },
): void {
  const end = reached === bound
    ? "no limit found up to here"
    : error === 0
    ? "the time for this was over"
    : `then ${outcome(error)}`;
  notes.fact(what, `${reached}, ${end}`, { reached, bound, error });
}
