/**
 * What the package itself costs per request.
 *
 * @module
 */
import { RioSession } from "../../mod.ts";
import { type Report, toRows } from "./harness.ts";

const BATCH = 64;

/** Nanoseconds per post and per dequeue, without the kernel's part. */
export function ownCost(rounds: number): Report {
  using session = RioSession.open();
  const buffer = session.registerBuffer(BATCH * 64);
  const slices = Array.from(
    { length: BATCH },
    (_, i) => buffer.slice(i * 64, 64),
  );
  const open = () =>
    session.openSocket({
      transport: "udp",
      hostname: "127.0.0.1",
      receives: BATCH,
      sends: BATCH,
      notification: "none",
    });
  const receiver = open();
  const sender = open();
  const remote = session.registerBuffer(32).slice();
  sender.writeAddress(remote, receiver.address);
  const defer = { defer: true };
  const send = { remote, defer: true };
  const samples: number[][] = [[], [], []];
  for (let round = 0; round < rounds + 2; round++) {
    const spent = [0, 0, 0];
    const timed = (kind: number, work: () => void) => {
      const start = performance.now();
      work();
      spent[kind]! += performance.now() - start;
    };
    const repeats = 500;
    for (let i = 0; i < repeats; i++) {
      timed(0, () => {
        for (const slice of slices) receiver.receive(slice, defer);
      });
      receiver.commit("receive");
      timed(1, () => {
        for (const slice of slices) sender.send(slice, send);
      });
      sender.commit("send");
      timed(2, () => {
        if (sender.completions.walk(() => {}) !== BATCH) {
          throw new Error("A send did not complete at once");
        }
      });
      for (let left = BATCH; left > 0;) {
        left -= receiver.completions.walk(() => {});
      }
    }
    // The first rounds are the compiler's.
    if (round < 2) continue;
    spent.forEach((ms, i) => samples[i]!.push(ms * 1e6 / (repeats * BATCH)));
  }
  const names = ["post a receive", "post a send with a destination", "dequeue"];
  return {
    id: "own",
    title: "Own cost per request",
    rows: toRows(names, samples, "ns"),
  };
}
