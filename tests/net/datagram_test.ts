import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { listenDatagram } from "../../mod.ts";
import {
  bytes,
  datagramTest,
  openSession,
  pause,
  receiveAll,
  within,
} from "./harness.ts";
import { NOT_LINUX, skipped } from "../skip.ts";
import { isWine } from "../windows/wine.ts";

datagramTest(
  "conn.connect() lets send() and receive() go without addresses",
  async (open) => {
    const [alice, bob, stranger] = [open(), open(), open()];
    await alice.connect(bob.addr);
    assertEquals(await alice.send(bytes(3)), 3);
    assertEquals((await within(bob.receive()))[1], alice.addr);
    await stranger.send(bytes(1), alice.addr);
    await bob.send(bytes(2), alice.addr);
    const [data, from] = await within(alice.receive());
    assertEquals([data, from], [bytes(2), bob.addr]);
    assertEquals(await alice.sendMany([{ data: bytes(4) }]), 1);
    assertEquals((await within(bob.receive()))[0], bytes(4));
  },
);

datagramTest("conn.connect() looks up a hostname", async (open) => {
  const [alice, bob] = [open(), open()];
  await alice.connect({ hostname: "localhost", port: bob.addr.port });
  await alice.send(bytes(3));
  assertEquals((await within(bob.receive()))[0], bytes(3));
});

datagramTest("conn.connect() refuses what is no port", async (open) => {
  const conn = open();
  await assertRejects(() => conn.connect({ port: 70_000 }), RangeError);
  await assertRejects(() => conn.connect({ port: Number("x") }), RangeError);
});

datagramTest(
  "an unreachable port ends neither a connected socket nor a loop",
  async (open) => {
    const [alice, bob] = [open(), open()];
    const { addr } = bob;
    await alice.connect(addr);
    bob.close();
    for (let i = 0; i < 5; i++) {
      await alice.send(bytes(1)).catch(() => {}); // may be told of the one before
      await pause(5);
    }
    const again = open({ port: addr.port });
    const received = alice.receive();
    await again.send(bytes(6), alice.addr);
    assertEquals((await within(received))[0], bytes(6));
  },
  isWine()
    ? {
      skip: "under Wine, an ICMP error stalls receives of a connected socket",
    }
    : {},
);

datagramTest(
  "conn.receive() rejects with the reason of its signal",
  async (open) => {
    const conn = open();
    const reason = new Error("mine");
    const signal = AbortSignal.abort(reason);
    assertEquals(
      await conn.receive(undefined, { signal }).catch((error) => error),
      reason,
    );
    const controller = new AbortController();
    const waiting = conn.receiveMany({ signal: controller.signal });
    await pause();
    controller.abort(reason);
    assertEquals(await within(waiting.catch((error) => error)), reason);
  },
);

datagramTest("an aborted receive loses no datagram", async (open) => {
  const [alice, bob] = [open(), open()];
  for (let i = 0; i < 50; i++) {
    const controller = new AbortController();
    const waiting = bob.receive(undefined, { signal: controller.signal });
    const outcome = waiting.then(([data]) => data, () => null);
    const sent = alice.send(bytes(i), bob.addr);
    if (i % 3 === 0) await sent;
    controller.abort();
    await sent;
    const data = await within(outcome) ?? (await within(bob.receive()))[0];
    assertEquals(data, bytes(i));
  }
});

datagramTest("conn.receive() serves who asked last", async (open) => {
  const conn = open();
  await pause(); // the event loop's turn is due at the first call
  const served: number[] = [];
  const waiting = [0, 1, 2, 3].map((nth) =>
    conn.receive().then(() => served.push(nth))
  );
  // Those who wait on change places after each arrival.
  for (let size = 1; size <= 4; size++) {
    await conn.send(bytes(size), conn.addr);
    while (served.length < size) await pause(1);
  }
  await within(Promise.all(waiting));
  assertEquals(served, [3, 0, 2, 1]);
});

datagramTest(
  "conn.receive() that is given up takes nothing from who asks again",
  async (open) => {
    const conn = open();
    const givenUp = conn.receive();
    for (const size of [1, 2, 3]) {
      const again = conn.receive();
      await pause();
      await conn.send(bytes(size), conn.addr);
      assertEquals((await within(again))[0], bytes(size));
    }
    await conn.send(bytes(4), conn.addr);
    assertEquals((await within(givenUp))[0], bytes(4));
  },
);

datagramTest("an abort leaves the order of the others", async (open) => {
  const conn = open();
  const controller = new AbortController();
  const first = conn.receive();
  const second = conn.receive(undefined, { signal: controller.signal });
  const third = conn.receive();
  await pause();
  controller.abort();
  await assertRejects(() => within(second), DOMException);
  await conn.send(bytes(3), conn.addr);
  assertEquals((await within(third))[0], bytes(3));
  await conn.send(bytes(1), conn.addr);
  assertEquals((await within(first))[0], bytes(1));
});

datagramTest("a hostname is looked up at each send", async (open) => {
  const conn = open();
  const addr = { ...conn.addr, hostname: "localhost" };
  await conn.sendMany([{ data: bytes(1), addr }, { data: bytes(2), addr }]);
  assertEquals(await receiveAll(conn, 2), [bytes(1), bytes(2)]);
});

datagramTest("a socket on :: talks to both families", async (open) => {
  const dual = open({ hostname: "::" });
  const peers = [open(), open({ hostname: "::1" })];
  for (const [i, peer] of peers.entries()) {
    await dual.send(bytes(i), peer.addr);
    const [data, { port }] = await within(peer.receive());
    assertEquals([data, port], [bytes(i), dual.addr.port]);
    await peer.send(bytes(9), { ...peer.addr, port: dual.addr.port });
    assertEquals(await within(dual.receive()), [bytes(9), peer.addr]);
  }
});

datagramTest(
  "await using closes when everything has been sent",
  async (open) => {
    const bob = open({ receives: 256 });
    const sends: Promise<number>[] = [];
    {
      await using alice = open({ sends: 2 });
      for (let i = 0; i < 20; i++) sends.push(alice.send(bytes(i), bob.addr));
    }
    assertEquals((await within(Promise.all(sends))).length, 20);
    assertEquals((await receiveAll(bob, 20)).length, 20);
  },
);

datagramTest(
  "sockets of one session close without the others",
  async (open, session) => {
    const [alice, bob] = [open(), open()];
    alice.close();
    await bob.send(bytes(1), bob.addr);
    assertEquals((await within(bob.receive()))[0], bytes(1));
    bob.close();
    assertEquals(session.closed, false);
  },
);

datagramTest(
  "conn.receive() goes on after its array was transferred meanwhile",
  async (open) => {
    const conn = open({ receives: 1 });
    const p = new Uint8Array(8);
    const received = conn.receive(p);
    structuredClone(p, { transfer: [p.buffer] });
    // It may be refused while the send is still awaited.
    const refused = assertRejects(() => within(received), TypeError);
    await conn.send(bytes(3), conn.addr);
    await refused;
    await conn.send(bytes(5), conn.addr);
    for (const next of [3, 5]) {
      assertEquals((await within(conn.receive()))[0], bytes(next));
    }
  },
);

datagramTest(
  "conn.send() tells how much it sent also when the array was transferred since",
  async (open) => {
    const [alice, bob] = [open(), open()];
    // Alone, and together with others.
    for (const others of [0, 3]) {
      for (let i = 0; i < others; i++) alice.send(bytes(1), bob.addr);
      const data = bytes(100);
      const sent = alice.send(data, bob.addr);
      data.buffer.transfer(0);
      assertEquals(await within(sent), 100);
      const received = await receiveAll(bob, others + 1);
      assertEquals(received.at(-1), bytes(100));
    }
  },
);

datagramTest(
  "conn.send() rejects when its array was transferred while a name was looked up",
  async (open) => {
    const conn = open();
    const data = bytes(100);
    const refused = assertRejects(
      () => within(conn.send(data, { ...conn.addr, hostname: "localhost" })),
      TypeError,
      "the array was transferred",
    );
    data.buffer.transfer(0);
    await refused;
    await conn.send(bytes(4), conn.addr);
    assertEquals((await within(conn.receive()))[0], bytes(4));
  },
);

datagramTest(
  "conn.socket is a property, conn.addr tells where the socket is now",
  async (open) => {
    const [conn, peer] = [open({ hostname: "0.0.0.0" }), open()];
    assertEquals(Object.keys(conn), ["socket"]);
    assertEquals(conn.addr, conn.socket.address);
    await conn.connect(peer.addr);
    assertEquals(conn.addr.hostname, "127.0.0.1");
  },
);

datagramTest(
  "conn[Symbol.asyncDispose]() can be called again while it goes on",
  async (open) => {
    const conn = open({ sends: 2 });
    const sent = conn.send(bytes(3), conn.addr);
    await within(Promise.all([
      conn[Symbol.asyncDispose](),
      conn[Symbol.asyncDispose](),
    ]));
    assertEquals(await sent, 3);
    await conn[Symbol.asyncDispose]();
  },
);

datagramTest(
  "session.close() ends a receive that waits with BadResource",
  async (open, session) => {
    const conn = open();
    const waiting = conn.receive();
    const outcome = assertRejects(
      () => within(waiting),
      Deno.errors.BadResource,
    );
    await pause();
    await session.close();
    await outcome;
  },
);

datagramTest(
  "listenDatagram() throws BadResource in a closed session",
  (open, session) => {
    session[Symbol.dispose]();
    assertThrows(() => open(), Deno.errors.BadResource);
  },
);

datagramTest(
  "listenDatagram() refuses counts and sizes that make no sense",
  (open) => {
    for (const wrong of [0, -1, 1.5, NaN]) {
      assertThrows(() => open({ receives: wrong }), RangeError);
      assertThrows(() => open({ sends: wrong }), RangeError);
      assertThrows(() => open({ datagramSize: wrong }), RangeError);
    }
  },
);

datagramTest("a session of one's own is one's own to close", async (open) => {
  const session = openSession();
  open({ session }).close();
  assertEquals(session.closed, false);
  await session.close();
});

Deno.test({
  name: "sockets without a session share one, which ends with the last",
  ignore: skipped("the shared session", NOT_LINUX),
  fn: async () => {
    const before = descriptors();
    for (let round = 0; round < 2; round++) {
      const [alice, bob] = [1, 2].map(() =>
        listenDatagram({ hostname: "127.0.0.1" })
      );
      alice!.close();
      await bob!.send(bytes(1), bob!.addr);
      assertEquals((await within(bob!.receive()))[0], bytes(1));
      bob!.close();
      for (let i = 0; i < 500 && descriptors() > before; i++) await pause(2);
      assertEquals(descriptors(), before);
    }
  },
});

function descriptors(): number {
  if (Deno.build.os !== "linux") return 0;
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
