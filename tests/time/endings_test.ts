/** How long what ends waits for requests that do not. */
import { assertEquals } from "@std/assert";
import { LateDrain } from "../../ffi/session/late_drain.ts";
import type { Ledger, QueueRecord } from "../../ffi/session/ledger.ts";
import { timeNow } from "../../ffi/clock.ts";
import type { RioSession } from "../../mod.ts";
import { openBoth } from "../net/connection.ts";
import { openUdp } from "../session/harness.ts";
import { type Virtual, virtualTest } from "./harness.ts";
import { inVirtualTime } from "./virtual_clock.ts";

/** Ways to end a session, and how long each waits, in milliseconds. */
const ENDS: Readonly<
  Record<string, [ms: number, end: (session: RioSession) => unknown]>
> = {
  "session[Symbol.dispose]()": [250, (session) => session[Symbol.dispose]()],
  "session.close()": [5000, (session) => session.close()],
};

/** A session with a request that the system does not end. */
function stuck({ open, fake }: Virtual) {
  const session = open();
  const buffer = session.registerBuffer(100);
  const socket = openUdp(session);
  socket.receive(buffer.slice());
  fake.hold();
  return { session, buffer, socket };
}

for (const [name, [limit, end]] of Object.entries(ENDS)) {
  virtualTest(
    `${name} gives up after ${limit} ms what does not end, and counts it`,
    async (virtual) => {
      const { session } = stuck(virtual);
      await end(session);
      assertEquals(Math.round(virtual.clock.now()), limit);
      const { abandoned, deregistered, outstanding } = session.stats();
      assertEquals([abandoned, deregistered, outstanding], [1, 0, 1]);
    },
    { abandons: true },
  );

  virtualTest(
    `${name} gives everything back that ends just before ${limit} ms`,
    async (virtual) => {
      const { session } = stuck(virtual);
      virtual.clock.outside(limit - 5, () => virtual.fake.resume());
      await end(session);
      assertEquals(session.stats().deregistered, 1);
    },
  );
}

virtualTest(
  "socket[Symbol.dispose]() waits 100 ms for its requests, and goes on",
  async (virtual) => {
    const { session, socket, buffer } = stuck(virtual);
    socket[Symbol.dispose]();
    assertEquals(virtual.clock.now(), 100);
    assertEquals(buffer.inFlight, 1);
    virtual.fake.resume();
    await session.close();
    assertEquals(session.stats().deregistered, 1);
  },
);

virtualTest(
  "conn.close() tries for 15 ms to give back room that the system still holds, and only then",
  async ({ open, clock, fake }) => {
    const session = open();
    // More than a queue has room for at first.
    const all = [];
    for (let i = 0; i < 150; i++) all.push(...await openBoth(session));
    const shrinks = () => fake.counts.RIOResizeCompletionQueue ?? 0;
    const before = shrinks();
    const began = clock.now();
    fake.fail("RIOResizeCompletionQueue", 10059, { times: Infinity });
    for (const conn of all) conn.close();
    const calls = shrinks() - before;
    assertEquals(calls % 5, 0);
    // 1 + 2 + 4 + 8 between five calls.
    assertEquals(Math.round(clock.now() - began), 15 * calls / 5);
    const { sockets, completionQueues, outstanding } = session.stats();
    assertEquals([sockets, completionQueues, outstanding], [0, 0, 0]);
    await session.close();
  },
);

Deno.test("LateDrain looks less and less often, and once a second at last", async () => {
  const looks: number[] = [];
  const queue = { closing: true, closed: false };
  await inVirtualTime(async (clock) => {
    const ledger = { sockets: new Set(), closed: false } as unknown as Ledger;
    const drain = new LateDrain(ledger, () => {
      looks.push(timeNow());
      queue.closed = looks.length === 12;
    });
    drain.add(queue as QueueRecord);
    await clock.pass(60_000);
  });
  assertEquals(
    looks.map((time, i) => time - (looks[i - 1] ?? 0)),
    [2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000, 1000],
  );
});
