/** sendMany() joins datagrams of one size to one peer; nobody sees it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
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

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const [bytes, lengths] of Object.entries(RUNS)) {
    sessionTest(
      `conn.sendMany() sends runs of ${bytes} bytes to ${hostname}, each datagram once and in order`,
      async (openSession) => {
        using session = openSession();
        using sender = open(session, hostname);
        using receiver = open(session, hostname);
        for (const length of lengths) {
          const run = Array.from(
            { length },
            (_, i) => datagram(i, Number(bytes), receiver.addr),
          );
          const taken = receiveAll(receiver, length);
          assertEquals(await within(sender.sendMany(run)), length);
          const got = await taken;
          assertEquals(got, run.map(({ data }) => data));
        }
      },
      { only: ["linux", "windows"] },
    );
  }
}

sessionTest(
  "conn.sendMany() keeps the order of sizes and peers that change",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using a = open(session);
    using b = open(session);
    const all = mixed(a, b);
    assertEquals(await within(sender.sendMany(all)), all.length);
    for (const one of [a, b]) await assertReceives(one, all);
  },
);

sessionTest(
  "conn.sendMany() of a connected socket joins what has no address",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    await sender.connect(receiver.addr);
    const run = Array.from({ length: 70 }, (_, i) => datagram(i, 50));
    assertEquals(await within(sender.sendMany(run)), 70);
    assertEquals(await receiveAll(receiver, 70), run.map(({ data }) => data));
  },
);

sessionTest(
  "conn.sendMany() copies each datagram when it is given",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    const data = new Uint8Array(20);
    function* one() {
      for (let i = 0; i < 40; i++) {
        yield { data: data.fill(i), addr: receiver.addr };
      }
    }
    assertEquals(await within(sender.sendMany(one())), 40);
    const firsts = (await receiveAll(receiver, 40)).map(([first]) => first);
    assertEquals(firsts, Array.from({ length: 40 }, (_, i) => i));
  },
);

sessionTest(
  "conn.sendMany() sends what came before its iterator throws",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    function* some() {
      for (let i = 0; i < 5; i++) yield datagram(i, 20, receiver.addr);
      throw new Error("no more");
    }
    await assertRejects(() => sender.sendMany(some()), Error, "no more");
    assertEquals((await receiveAll(receiver, 5)).length, 5);
    assertEquals(await sender.sendMany([datagram(9, 20, receiver.addr)]), 1);
  },
);

sessionTest(
  "conn.sendMany() keeps what its iterator sends apart from what it gives",
  async (openSession) => {
    using session = openSession();
    using sender = open(session);
    using receiver = open(session);
    const { addr } = receiver;
    const inner: Promise<number>[] = [];
    function* nested() {
      yield datagram(0, 20, addr);
      inner.push(sender.sendMany([datagram(1, 20, addr)]));
      yield datagram(2, 20, addr);
      inner.push(sender.send(datagram(3, 20).data, addr));
      yield datagram(4, 20, addr);
    }
    assertEquals(await within(sender.sendMany(nested())), 3);
    assertEquals(await within(Promise.all(inner)), [1, 20]);
    const firsts = (await receiveAll(receiver, 5)).map(([first]) => first);
    assertEquals(firsts, [0, 31, 62, 93, 124]);
  },
);

sessionTest(
  "conn.sendMany() rejects when its iterator closes the socket, and loses no slot",
  async (openSession) => {
    using session = openSession();
    const sender = open(session);
    using receiver = open(session);
    function* closing() {
      for (let i = 0; i < 3; i++) yield datagram(i, 20, receiver.addr);
      sender.close();
      yield datagram(3, 20, receiver.addr);
    }
    await assertRejects(
      () => within(sender.sendMany(closing())),
      Deno.errors.BadResource,
    );
    // What was given before that has left, as with every other close.
    assertEquals((await receiveAll(receiver, 3)).length, 3);
  },
  { only: ["linux"] },
);

sessionTest(
  "conn.sendMany() of more than its slots sends all, however many calls there are",
  async (openSession) => {
    using session = openSession();
    using sender = listenDatagram({ session, hostname: "127.0.0.1", sends: 2 });
    using receiver = open(session);
    const taken = receiveAll(receiver, 400);
    const calls = Array.from(
      { length: 4 },
      (_, call) =>
        sender.sendMany(
          Array.from({ length: 100 }, (_, i) =>
            datagram(call * 100 + i, i % 3 === 0 ? 30 : 40, receiver.addr)),
        ),
    );
    assertEquals(await within(Promise.all(calls)), [100, 100, 100, 100]);
    await taken;
  },
);

for (
  const [what, errno] of [
    ["a path that is too narrow for them", 90],
    ["a system that cannot cut them", 22],
    ["a device that cannot", 5],
  ] as const
) {
  const name = `conn.sendMany() sends datagrams one by one over ${what}`;
  faultyTest(name, async ({ system, session }) => {
    using sender = open(session);
    using receiver = open(session);
    // More than one message in a call is no train.
    let trains = 0;
    system.instead.sendmmsg = (call, fd, messages, count, flags) => {
      if (count === 1 && hasControl(messages as bigint)) {
        trains++;
        return fail(errno);
      }
      return call(fd, messages, count, flags);
    };
    const run = (seed: number) =>
      Array.from(
        { length: 20 },
        (_, i) => datagram(seed + i, 700, receiver.addr),
      );
    let tried = 0;
    for (const seed of [0, 20]) {
      tried ||= trains;
      assertEquals(await within(sender.sendMany(run(seed))), 20);
      const got = await receiveAll(receiver, 20);
      assertEquals(got, run(seed).map(({ data }) => data));
    }
    assertEquals(trains, tried, "it was tried again");
    assert(trains > 0);
    // Whoever sends them one by one holds no slot that he waits for.
    using one = listenDatagram({
      session,
      hostname: "127.0.0.1",
      sends: 1,
    });
    const calls = [0, 20].map((seed) => one.sendMany(run(seed)));
    assertEquals(await within(Promise.all(calls)), [20, 20]);
    assertEquals((await receiveAll(receiver, 40)).length, 40);
    assert(sender.socket.outstandingSends === 0);
  });
}

for (const sends of [1, 4]) {
  for (const how of ["await using", "using"] as const) {
    const name =
      `${how} sends what is sent one by one, and was not awaited, with ${sends} at a time`;
    faultyTest(name, async ({ system, session }) => {
      using receiver = open(session);
      // Without waits for room, all of it leaves while it is asked for.
      const waits = how === "await using";
      let room = waits;
      system.instead.sendmmsg = (call, fd, messages, count, flags) => {
        if (count === 1 && hasControl(messages as bigint)) return fail(90);
        room = !room || !waits;
        return room ? call(fd, messages, count, flags) : fail(11);
      };
      const datagrams = Array.from(
        { length: 20 },
        (_, i) => datagram(i, 700, receiver.addr),
      );
      const sender = listenDatagram({
        session,
        hostname: "127.0.0.1",
        sends,
      });
      const sent = sender.sendMany(datagrams).then(
        (count) => count,
        ({ name }) => name,
      );
      if (how === "using") sender[Symbol.dispose]();
      else await within(sender[Symbol.asyncDispose]());
      const got = await receiveAll(receiver, 20);
      assertEquals(got, datagrams.map(({ data }) => data));
      assertEquals(await within(sent), 20);
    });
  }
}
