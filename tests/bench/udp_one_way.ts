/**
 * Only receiving, and only sending: a socket's buffer is filled, then emptied,
 * and one of the two is measured.
 *
 * @module
 */
import process from "node:process";
import { type RioCompletionQueue, RioSession } from "../../mod.ts";
import type { Candidate } from "./harness.ts";
import type { Limit } from "./limit.ts";

const SIZE = 64;
const BATCH = 64;
/** Batches that fit into a socket buffer of the usual size. */
const ROUNDS = 3;

/** The candidates for one direction, this package first. */
export function udpOneWay(
  direction: "receive" | "send",
  limit: Limit | null,
): Candidate[] {
  const candidates = [session(direction)];
  if (limit) {
    candidates.push(
      limit.candidate("the limit: C, batches of 64", direction, SIZE, BATCH),
    );
  }
  return candidates;
}

function session(direction: "receive" | "send"): Candidate {
  const session = RioSession.open();
  const buffer = session.registerBuffer(2 * BATCH * SIZE);
  const open = () =>
    session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      receives: BATCH,
      sends: BATCH,
      notification: "none",
    });
  const [receiver, sender] = [open(), open()];
  const connected = sender.connect(receiver.address);
  const slices = Array.from(
    { length: 2 * BATCH },
    (_, i) => buffer.slice(i * SIZE, SIZE),
  );
  const inbox = slices.slice(0, BATCH);
  const outbox = slices.slice(BATCH);
  const defer = { defer: true };
  const work = {
    send() {
      for (let round = 0; round < ROUNDS; round++) {
        for (const slice of outbox) sender.send(slice, defer);
        sender.commit("send");
        walk(sender.sendCompletions, BATCH);
      }
    },
    receive() {
      for (let round = 0; round < ROUNDS; round++) {
        for (const slice of inbox) receiver.receive(slice, defer);
        receiver.commit("receive");
        walk(receiver.completions, BATCH);
      }
    },
  };
  return {
    name: "RioSession, batches of 64",
    async run(count) {
      await connected;
      let seconds = 0;
      const cpu = { user: 0, system: 0 };
      const measured = (call: () => void) => {
        const before = process.cpuUsage();
        const start = performance.now();
        call();
        seconds += (performance.now() - start) / 1000;
        const { user, system } = process.cpuUsage(before);
        cpu.user += user / 1e6;
        cpu.system += system / 1e6;
      };
      for (let done = 0; done < count; done += BATCH * ROUNDS) {
        if (direction === "send") {
          measured(work.send);
          work.receive();
        } else {
          work.send();
          measured(work.receive);
        }
      }
      return { seconds, ...cpu };
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}

function walk(queue: RioCompletionQueue, count: number): void {
  for (let left = count; left > 0;) left -= queue.walk(() => {});
}
