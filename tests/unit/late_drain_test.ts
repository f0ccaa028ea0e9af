/** Looking for completions that come late. */
import { assertEquals } from "@std/assert";
import { within } from "../faults/steps.ts";
import { LateDrain } from "../../ffi/session/late_drain.ts";
import type { Ledger, QueueRecord } from "../../ffi/session/ledger.ts";

Deno.test("LateDrain leaves a session alone that was closed without a word", async () => {
  const { promise: looked, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  // Open when the queue is closed, and closed when it is looked at.
  const ledger = {
    sockets: new Set(),
    get closed() {
      if (++asked > 1) resolve();
      return asked > 1;
    },
  } as unknown as Ledger;
  let pulls = 0;
  const drain = new LateDrain(ledger, () => pulls++);
  drain.add({ closing: true, closed: false } as QueueRecord);
  // A look keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  await looked;
  clearInterval(alive);
  assertEquals(pulls, 0);
  drain.stop();
});

Deno.test("LateDrain looks at closed queues alone, once every socket on them is closed", async () => {
  const queue = () => ({ closing: true, closed: false }) as QueueRecord;
  const [received, sent, left, other] = [queue(), queue(), queue(), queue()];
  const socket = (receives: QueueRecord, sends: QueueRecord) => ({
    closed: false,
    receives: { queue: receives },
    sends: { queue: sends },
  });
  const ledger = {
    sockets: new Set([
      socket(received, other),
      socket(other, sent),
      { ...socket(left, left), closed: true },
    ]),
    closed: false,
  } as unknown as Ledger;
  const looks = Promise.withResolvers<QueueRecord[]>();
  const drain = new LateDrain(ledger, (queues) => looks.resolve([...queues]));
  for (
    const one of [
      received,
      sent,
      { ...queue(), closing: false },
      { ...queue(), closed: true },
      left,
    ]
  ) drain.add(one);
  const alive = setInterval(() => {}, 1000);
  const looked = await looks.promise;
  clearInterval(alive);
  drain.stop();
  assertEquals(looked.map((one) => one === left), [true]);
});

Deno.test("LateDrain looks again for each queue that comes, and has no timer without one", async () => {
  const queue = () => ({ closing: true, closed: false });
  const ledger = { sockets: new Set(), closed: false } as unknown as Ledger;
  let looked = Promise.withResolvers<QueueRecord[]>();
  const drain = new LateDrain(ledger, (queues) => {
    const all = [...queues];
    for (const one of all) one.closed = true;
    looked.resolve(all);
  });
  const look = async (one: ReturnType<typeof queue>) => {
    looked = Promise.withResolvers();
    drain.add(one as QueueRecord);
    const found = await within(looked.promise, "a look");
    assertEquals(found.map((each) => each as unknown === one), [true]);
  };
  await look(queue());
  await look(queue());
  drain.add(queue() as QueueRecord);
  drain.stop();
  await look(queue());
});
