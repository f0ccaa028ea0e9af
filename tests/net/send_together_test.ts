/** What send() is given in one turn leaves together; nobody sees it. */
import { assertEquals, assertRejects } from "@std/assert";
import { createWinsockBackend, openSession } from "../../ffi/mod.ts";
import type { WinsockSymbols } from "../../ffi/winsock/library.ts";
import type { RioDatagram, RioDatagramConn } from "../../mod.ts";
import { createFakeWindows } from "../fake/mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import { sessionTest, within } from "../session/harness.ts";
import { receiveAll } from "./harness.ts";
import {
  assertReceives,
  datagram,
  fail,
  hasControl,
  mixed,
  open,
  RUNS,
} from "./trains.ts";

/** Slots that a socket has for what it sends. */
const SLOTS = 64;

/** Sends without awaiting any of them. */
function sendAll(
  conn: RioDatagramConn,
  datagrams: readonly RioDatagram[],
): Promise<number>[] {
  return datagrams.map(({ data, addr }) => conn.send(data, addr));
}

function runOf(length: number, size: number, addr?: Deno.Addr): RioDatagram[] {
  return Array.from({ length }, (_, i) => datagram(i, size, addr));
}

/** Of each call the bytes sent, or the name of its error. */
async function outcomes(
  calls: readonly Promise<number>[],
): Promise<(number | string)[]> {
  const settled = await within(Promise.allSettled(calls));
  return settled.map((one) =>
    one.status === "fulfilled" ? one.value : one.reason.name
  );
}

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const [bytes, lengths] of Object.entries(RUNS)) {
    sessionTest(
      `conn.send() sends runs of ${bytes} bytes to ${hostname} that are not awaited, each datagram once and in order`,
      async (openSession) => {
        using session = openSession();
        using sender = open(session, hostname);
        using receiver = open(session, hostname);
        for (const length of lengths.flatMap((one) => [one, one + 1])) {
          const run = runOf(length, Number(bytes), receiver.addr);
          const taken = receiveAll(receiver, length);
          assertEquals(
            await outcomes(sendAll(sender, run)),
            run.map(({ data }) => data.length),
          );
          assertEquals(await taken, run.map(({ data }) => data));
        }
      },
    );
  }
}

Deno.test("fake: conn.send() keeps the order of calls where sends complete while one looks for a slot", async () => {
  let given = 0;
  // Nothing completes until each slot was waited for once: then all at once.
  using fake = createFakeWindows({
    portion: (due) => given > 2 * SLOTS ? due : 0,
  });
  const { DispCallFunc } = fake.symbols;
  const symbols: WinsockSymbols = {
    ...fake.symbols,
    DispCallFunc(...call) {
      fake.pump();
      return DispCallFunc!(...call);
    },
  };
  await using session = openSession(createWinsockBackend(symbols));
  using sender = open(session);
  using receiver = open(session);
  const run = runOf(3 * SLOTS, 2, receiver.addr);
  const calls = run.map(({ data, addr }) => {
    given++;
    return sender.send(data, addr);
  });
  await outcomes(calls);
  assertEquals(
    await receiveAll(receiver, run.length),
    run.map(({ data }) => data),
  );
});

faultyTest(
  "conn.send() joins what one turn sends, but for the first",
  async ({ system, session }) => {
    using sender = open(session);
    using receiver = open(session);
    const calls: [count: number, joined: boolean][] = [];
    system.instead.sendmmsg = (call, fd, messages, count, flags) => {
      calls.push([Number(count), hasControl(messages as bigint)]);
      return call(fd, messages, count, flags);
    };
    await outcomes(sendAll(sender, runOf(33, 64, receiver.addr)));
    assertEquals(calls, [[1, true]]);
    assertEquals((await receiveAll(receiver, 33)).length, 33);
  },
);

sessionTest(
  "conn.send() keeps the order of sizes and peers that change, beside sendMany()",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using a = open(session);
    using b = open(session);
    const all = mixed(a, b);
    const calls = all.map((one, i) =>
      i % 5 === 3
        ? sender.sendMany([one]).then(() => one.data.length)
        : sender.send(one.data, one.addr)
    );
    assertEquals(await outcomes(calls), all.map(({ data }) => data.length));
    for (const one of [a, b]) await assertReceives(one, all);
  },
);

for (const size of [20, 30]) {
  sessionTest(
    `conn.send() of ${size} bytes does not overtake what waits for the end of the turn`,
    async (openSession) => {
      using session = openSession();
      using sender = open(session);
      using receiver = open(session);
      const { addr } = receiver;
      const calls = [sender.send(datagram(0, 20).data, addr)];
      // By then the first is no longer a moment ago.
      queueMicrotask(() =>
        calls.push(sender.send(datagram(2, size).data, addr))
      );
      calls.push(sender.send(datagram(1, 20).data, addr));
      const firsts = (await receiveAll(receiver, 3)).map(([first]) => first);
      assertEquals(firsts, [0, 31, 62]);
      assertEquals(await outcomes(calls), [20, 20, size]);
    },
  );
}

sessionTest(
  "conn.send() refuses what cannot be sent by itself, and sends the others",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    const run = runOf(9, 40, receiver.addr);
    run[4] = datagram(4, 65_536, receiver.addr);
    const [before, after] = [Array(4).fill(40), Array(4).fill(40)];
    const all = await outcomes(sendAll(sender, run));
    assertEquals(all.toSpliced(4, 1), [...before, ...after]);
    assertEquals(typeof all[4], "string");
    const sent = run.toSpliced(4, 1).map(({ data }) => data);
    assertEquals(await receiveAll(receiver, 8), sent);
  },
);

sessionTest(
  "conn.send() copies each datagram when it is given, and waits for no other",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    const data = new Uint8Array(20);
    const calls = Array.from(
      { length: 40 },
      (_, i) => sender.send(data.fill(i), receiver.addr),
    );
    assertEquals(await outcomes(calls), Array(40).fill(20));
    const firsts = (await receiveAll(receiver, 40)).map(([first]) => first);
    assertEquals(firsts, Array.from({ length: 40 }, (_, i) => i));
  },
);

for (const how of ["using", "await using"] as const) {
  sessionTest(
    `${how} sends what was sent in the same turn`,
    async (openSession) => {
      using session = openSession();
      using receiver = open(session);
      const sender = open(session);
      const run = runOf(20, 40, receiver.addr);
      const calls = sendAll(sender, run);
      if (how === "using") sender[Symbol.dispose]();
      else await within(sender[Symbol.asyncDispose]());
      assertEquals(await receiveAll(receiver, 20), run.map(({ data }) => data));
      assertEquals(await outcomes(calls), Array(20).fill(40));
    },
    { only: ["linux"] },
  );
}

faultyTest(
  "conn.send() tells each datagram's own error where those joined are sent one by one",
  async ({ system, session }) => {
    using sender = open(session);
    using receiver = open(session);
    system.instead.sendmmsg = (call, fd, messages, count, flags) => {
      if (hasControl(messages as bigint)) return fail(90);
      const refused = [3 * 31, 6 * 31].includes(firstByte(messages as bigint));
      return refused ? fail(13) : call(fd, messages, count, flags);
    };
    const run = runOf(10, 700, receiver.addr);
    const sent = (await outcomes(sendAll(sender, run)))
      .map((one) => one === 700);
    assertEquals(sent, run.map((_, i) => i !== 3 && i !== 6));
    const arrived = run.filter((_, i) => sent[i]).map(({ data }) => data);
    assertEquals(await receiveAll(receiver, 8), arrived);
    await assertRejects(() => sender.send(new Uint8Array(65_536)));
  },
);

faultyTest(
  "conn.close() ends what had not left of those joined, and nothing that had",
  async ({ system, session }) => {
    const sender = open(session);
    using receiver = open(session);
    let alone = 0;
    system.instead.sendmmsg = (call, fd, messages, count, flags) => {
      if (hasControl(messages as bigint)) return fail(90);
      return ++alone > 4 ? fail(11) : call(fd, messages, count, flags);
    };
    const calls = sendAll(sender, runOf(10, 700, receiver.addr));
    assertEquals((await receiveAll(receiver, 5)).length, 5);
    sender.close();
    assertEquals(await outcomes(calls), [
      ...Array(5).fill(700),
      ...Array(5).fill("Interrupted"),
    ]);
  },
);

/** The first byte that a `struct msghdr` leads to. */
function firstByte(address: bigint): number {
  const at = (place: bigint) =>
    new Deno.UnsafePointerView(Deno.UnsafePointer.create(place)!);
  const vector = at(address).getBigUint64(16);
  return at(at(vector).getBigUint64()).getUint8();
}
