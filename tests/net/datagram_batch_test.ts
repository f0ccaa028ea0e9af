/** Many datagrams with one call, and batches. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { listenDatagram, RioError } from "../../mod.ts";
import { sessionTest } from "../session/harness.ts";
import { bytes, datagramTest, receiveAll, within } from "./harness.ts";
import { isWine } from "../windows/wine.ts";

datagramTest(
  "conn.sendMany() sends many, conn.receiveMany() takes them in order",
  async (open) => {
    const [alice, bob] = [open(), open()];
    const sizes = Array.from({ length: 40 }, (_, i) => i);
    const sent = await alice.sendMany(
      sizes.map((size) => ({ data: bytes(size), addr: bob.addr })),
    );
    assertEquals(sent, 40);
    assertEquals(await receiveAll(bob, 40), sizes.map(bytes));
  },
);

datagramTest("conn.sendMany() sends to many destinations", async (open) => {
  const [sender, ...receivers] = [open(), open(), open(), open()];
  await sender!.sendMany(
    receivers.map(({ addr }, i) => ({ data: bytes(i), addr })),
  );
  for (const [i, receiver] of receivers.entries()) {
    const [data, from] = await within(receiver.receive());
    assertEquals([data, from], [bytes(i), sender!.addr]);
  }
});

datagramTest("conn.sendMany() sends a batch back as it is", async (open) => {
  const [client, server] = [open(), open()];
  await client.sendMany(
    [1, 2, 3].map((size) => ({ data: bytes(size), addr: server.addr })),
  );
  for (let echoed = 0; echoed < 3;) {
    using batch = await within(server.receiveMany());
    echoed += await server.sendMany(batch);
  }
  assertEquals(await receiveAll(client, 3), [1, 2, 3].map(bytes));
});

datagramTest("conn.sendMany() sends nothing for nothing", async (open) => {
  assertEquals(await open().sendMany([]), 0);
});

datagramTest(
  "conn.sendMany() rejects for one bad datagram, and sends the others",
  async (open) => {
    const [alice, bob] = [open(), open()];
    const error = await assertRejects(() =>
      alice.sendMany([
        { data: bytes(1), addr: bob.addr },
        { data: bytes(65_508), addr: bob.addr },
        { data: bytes(2), addr: bob.addr },
      ])
    );
    assertInstanceOf((error as Error).cause, RioError);
    assertEquals(
      (error as Error & { cause: RioError }).cause.code,
      "WSAEMSGSIZE",
    );
    assertEquals(await receiveAll(bob, 2), [bytes(1), bytes(2)]);
  },
);

datagramTest(
  "conn.sendMany() with more than its slots loses nothing",
  async (open) => {
    const [alice, bob] = [open({ sends: 4 }), open({ receives: 256 })];
    const datagrams = Array.from({ length: 100 }, (_, i) => ({
      data: bytes(i),
      addr: bob.addr,
    }));
    assertEquals(await within(alice.sendMany(datagrams)), 100);
    assertEquals(await receiveAll(bob, 100), datagrams.map(({ data }) => data));
  },
);

datagramTest(
  "conn.send() waits for room, and sends everything in order",
  async (open) => {
    const [alice, bob] = [open({ sends: 2 }), open({ receives: 256 })];
    const sends = Array.from(
      { length: 50 },
      (_, i) => alice.send(bytes(i), bob.addr),
    );
    assertEquals(
      await within(Promise.all(sends)),
      Array.from({ length: 50 }, (_, i) => i),
    );
    const all = await receiveAll(bob, 50);
    // Under Wine a thread sends; when it moves to another core meanwhile, the
    // loopback may swap two datagrams.
    if (isWine()) all.sort((a, b) => a.length - b.length);
    assertEquals(all, all.map((_, i) => bytes(i)));
  },
);

datagramTest(
  "a datagram of a batch keeps addr and info when it is spread",
  async (open) => {
    const [alice, bob] = [open(), open({ info: true })];
    await alice.send(bytes(3), bob.addr);
    {
      using batch = await within(bob.receiveMany());
      const replies = [...batch].map((datagram) => ({
        ...datagram,
        data: bytes(4),
      }));
      assertEquals(replies[0]!.addr, alice.addr);
      assertEquals(replies[0]!.info.destination, "127.0.0.1");
      assertEquals(await bob.sendMany(replies), 1);
    }
    assertEquals(await within(alice.receive()), [bytes(4), bob.addr]);
  },
  isWine() ? { skip: "Wine has no IP_RECVTOS" } : {},
);

datagramTest(
  "a datagram of a batch shows its data and all that is told of it",
  async (open) => {
    const conn = open();
    await conn.send(bytes(1), conn.addr);
    using batch = await within(conn.receiveMany());
    const [datagram] = batch;
    assertEquals(Object.entries(datagram!), [
      ["data", bytes(1)],
      ["addr", conn.addr],
      ["info", {}],
      ["truncated", false],
      ["local", undefined],
    ]);
  },
);

datagramTest(
  "datagrams of a batch can go where the platform takes bytes",
  async (open) => {
    const conn = open();
    await conn.send(bytes(6), conn.addr);
    using batch = await within(conn.receiveMany());
    for (const { data } of batch) {
      // The compiler checks that it is no shared memory, which these refuse.
      await crypto.subtle.digest("SHA-256", data);
      assertEquals(await new Blob([data]).bytes(), bytes(6));
    }
  },
);

datagramTest(
  "what is shared between datagrams cannot be changed",
  async (open) => {
    const [alice, bob] = [open(), open()];
    await alice.sendMany(
      [1, 2].map((size) => ({ data: bytes(size), addr: bob.addr })),
    );
    for (let seen = 0; seen < 2;) {
      using batch = await within(bob.receiveMany());
      for (const { addr, info } of batch) {
        seen++;
        assertEquals(addr, alice.addr);
        assertEquals([addr, info].map(Object.isFrozen), [true, true]);
      }
    }
  },
);

datagramTest(
  "conn.receive() gives an address of the caller's own",
  async (open) => {
    const conn = open();
    for (let i = 0; i < 2; i++) {
      await conn.send(bytes(i), conn.addr);
      const [, from] = await within(conn.receive());
      assertEquals(from, conn.addr);
      from.port = 1;
    }
  },
);

datagramTest("a batch is valid until it is disposed", async (open) => {
  const [alice, bob] = [open(), open({ receives: 4 })];
  await alice.send(bytes(9), bob.addr);
  const batch = await within(bob.receiveMany());
  const [datagram] = batch;
  assertEquals([batch.length, datagram!.data], [1, bytes(9)]);
  // The other slots are filled over and over; this one is held.
  for (let i = 0; i < 20; i++) {
    await alice.send(bytes(i), bob.addr);
    await within(bob.receive());
  }
  assertEquals(datagram!.data, bytes(9));
  assertEquals(datagram!.addr, alice.addr);
  batch[Symbol.dispose]();
  batch[Symbol.dispose]();
  assertEquals([batch.length, [...batch]], [0, []]);
});

datagramTest(
  "a batch that is held by its receiver stops nothing for others",
  async (open) => {
    const [alice, bob, carol] = [open(), open({ receives: 1 }), open()];
    await alice.send(bytes(1), bob.addr);
    const held = await within(bob.receiveMany());
    await alice.send(bytes(2), bob.addr); // waits in the system's buffer
    await alice.send(bytes(3), carol.addr);
    assertEquals((await within(carol.receive()))[0], bytes(3));
    held[Symbol.dispose]();
    assertEquals((await within(bob.receive()))[0], bytes(2));
  },
);

datagramTest(
  "a batch can be disposed after its socket was closed",
  async (open) => {
    const conn = open();
    await conn.send(bytes(5), conn.addr);
    const batch = await within(conn.receiveMany());
    conn.close();
    batch[Symbol.dispose]();
  },
);

sessionTest(
  "conn.receiveMany() takes few and many in turn, each datagram once and in order",
  async (openSession) => {
    using session = openSession();
    const open = () =>
      listenDatagram({
        session,
        hostname: "127.0.0.1",
        receiveBufferSize: 1 << 20,
      });
    using alice = open();
    using bob = open();
    let next = 0;
    let expected = 0;
    for (const burst of [1, 2, 7, 8, 9, 1, 16, 17, 40, 1, 1, 200, 3, 8, 8]) {
      // Half of them while it waits.
      for (const waits of [false, true]) {
        const take = async () => {
          for (let left = burst; left > 0;) {
            using batch = await within(bob.receiveMany());
            for (const { data, addr, info } of batch) {
              assertEquals([data[0], data.length], [expected++ & 255, 3]);
              assertEquals(addr, alice.addr);
              assertEquals(info, {});
            }
            left -= batch.length;
          }
        };
        const taken = waits ? take() : null;
        if (waits) await new Promise((resolve) => setTimeout(resolve, 1));
        for (let i = 0; i < burst; i++) {
          const data = new Uint8Array([next++ & 255, 1, 2]);
          await alice.send(data, bob.addr);
        }
        await (taken ?? take());
      }
    }
    assertEquals(expected, next);
    // One call and the other may change as well.
    for (let i = 0; i < 30; i++) {
      await alice.send(new Uint8Array([i]), bob.addr);
    }
    for (let i = 0; i < 30;) {
      assertEquals((await within(bob.receive()))[0][0], i++);
      if (i === 30) break;
      using batch = await within(bob.receiveMany());
      for (const { data } of batch) assertEquals(data[0], i++);
    }
  },
);
