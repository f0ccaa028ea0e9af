/** When what waits looks, sleeps, and goes on. */
import { assertEquals, assertRejects } from "@std/assert";
import { Arrival } from "../../ffi/arrival.ts";
import { block, inNextTurn } from "../../ffi/clock.ts";
import { toDuplex } from "../../ffi/net/streams/duplex.ts";
import { inTurn } from "../../ffi/turns.ts";
import { connect, listen } from "../../mod.ts";
import { encode, HOST, openBoth } from "../net/connection.ts";
import { openSelf, openUdp, put } from "../session/harness.ts";
import { virtualTest } from "./harness.ts";
import { inVirtualTime } from "./virtual_clock.ts";

const HOUR_MS = 3_600_000;

/** Turns in a millisecond, and looks before a sleep. */
const LOOKS = [[1024, 205], [128, 26], [64, 16], [1 / 8, 16]] as const;

for (const [turns, looks] of LOOKS) {
  Deno.test(`Arrival.wait() looks ${looks} times before it sleeps where a millisecond is ${turns} turns`, async () => {
    let before = 0;
    let slept = false;
    await inVirtualTime(async (clock) => {
      clock.turn = 1 / turns;
      await new Arrival().wait(() => {
        if (!slept) before++;
        return false;
      }, () => {
        slept = true;
        return Promise.resolve();
      });
    });
    assertEquals(before, looks);
  });
}

Deno.test("inTurn() gives what comes during a turn after what waits for it", async () => {
  const order: string[] = [];
  const give = async (name: string) => void order.push(await inTurn(name));
  await inVirtualTime(async (clock) => {
    // So many calls have somebody look at the clock.
    for (let i = 0; i < 64; i++) inTurn(null);
    block(10);
    inNextTurn(() => void give("later"));
    give("first");
    await clock.pass(10);
  });
  assertEquals(order, ["first", "later"]);
});

for (const notification of ["iocp", "event"] as const) {
  virtualTest(
    `a wait by ${notification} goes on for hours, a second at a time`,
    async ({ open, clock, fake }) => {
      using session = open();
      using buffer = session.registerBuffer(64);
      using socket = await openSelf(session, { notification });
      socket.receive(buffer.slice(0, 32));
      const call = notification === "iocp"
        ? "GetQueuedCompletionStatusEx"
        : "WaitForMultipleObjects";
      const waits = () => fake.counts[call] ?? 0;
      const before = waits();
      const fired = socket.completions.notify();
      await clock.pass(3 * HOUR_MS);
      assertEquals(waits() - before, 3 * 3600);
      socket.send(put(buffer.slice(32), "late"), { dontNotify: true });
      assertEquals(await fired, true);
    },
  );
}

virtualTest(
  "an iterator looks each millisecond at a queue that does not notify",
  async ({ open, clock }) => {
    using session = open();
    using buffer = session.registerBuffer(64);
    using socket = openUdp(session, { notification: "none" });
    socket.receive(buffer.slice(0, 32));
    const next = socket.completions[Symbol.asyncIterator]().next();
    const looks = () => session.stats().calls.RIODequeueCompletion;
    const before = looks();
    await clock.pass(1000.5);
    assertEquals(looks() - before, 1000);
    socket.completions.close();
    assertEquals((await next).done, true);
  },
);

virtualTest(
  "for await takes an exhausted system's time, 20 ms, before it accepts again",
  async ({ open, clock, fake }) => {
    using session = open();
    using elsewhere = open();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    using _client = await connect({ port, session: elsewhere });
    fake.fail("RIOCreateRequestQueue", 10055, { times: 50 });
    const began = clock.now();
    const { value } = await listener[Symbol.asyncIterator]().next();
    value.close();
    assertEquals(Math.floor((clock.now() - began) / 20), 50);
  },
);

virtualTest(
  "duplex.setTimeout() tells after the rest that it was told, and not before",
  async ({ open, clock }) => {
    using session = open();
    const [client, server] = await openBoth(session);
    const stream = toDuplex(client).resume();
    const told: number[] = [];
    stream.setTimeout(HOUR_MS, () => told.push(clock.now() - began));
    let began = clock.now();
    await clock.pass(HOUR_MS - 1);
    // What moves begins the rest anew.
    await server.write(encode("some"));
    await clock.pass(HOUR_MS - 1);
    assertEquals(told, []);
    began = clock.now();
    await clock.pass(2 * HOUR_MS);
    assertEquals(told.map((late) => late > 0 && late < 10), [true]);
    stream.destroy();
    server.close();
  },
);

virtualTest(
  "connect() and accept() wait for hours, until they are ended",
  async ({ open, clock, fake }) => {
    using session = open();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    fake.ignore(port);
    const controller = new AbortController();
    const { signal } = controller;
    const connecting = assertRejects(
      () => connect({ port, session, signal }),
      Error,
      "enough",
    );
    const accepting = assertRejects(() => listener.accept(), Error);
    await clock.pass(3 * HOUR_MS);
    controller.abort(new Error("enough"));
    listener.close();
    await Promise.all([connecting, accepting]);
  },
);
