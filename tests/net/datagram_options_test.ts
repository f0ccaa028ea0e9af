/** What a datagram socket can be opened with. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { bytes, datagramTest, receiveAll, within } from "./harness.ts";

const LINUX_ONLY = Deno.build.os === "linux"
  ? {}
  : { skip: "this is what Linux has" };

datagramTest("buffer sizes are set, and can be read back", (open) => {
  const size = 64 * 1024;
  const { socket } = open({ receiveBufferSize: size, sendBufferSize: size });
  for (const name of ["receiveBufferSize", "sendBufferSize"] as const) {
    const real = socket.getOption(name);
    assert(real >= size, `${name} is ${real}`);
  }
});

for (
  const [name, limit] of [
    ["receiveBufferSize", "rmem_max"],
    ["sendBufferSize", "wmem_max"],
  ] as const
) {
  for (const hostname of ["127.0.0.1", "::1"]) {
    datagramTest(
      `${name} beyond net.core.${limit} reads as what the system gave, ${hostname}`,
      (open) => {
        const most = Number(
          Deno.readTextFileSync(`/proc/sys/net/core/${limit}`),
        );
        const asked = most * 2;
        const { socket } = open({ hostname, [name]: asked });
        assertEquals(socket.getOption(name), most);
        socket.setOption(name, most);
        assertEquals(socket.getOption(name), most);
      },
      LINUX_ONLY,
    );
  }
}

datagramTest("timeToLive is set, and can be read back", (open) => {
  assertEquals(open({ timeToLive: 3 }).socket.getOption("timeToLive"), 3);
  const v6 = open({ hostname: "::1", timeToLive: 4 });
  assertEquals(v6.socket.getOption("timeToLive"), 4);
});

datagramTest("reusePort shares a port between sockets", async (open) => {
  const first = open({ reusePort: true });
  const second = open({ reusePort: true, port: first.addr.port });
  const senders = Array.from({ length: 32 }, () => open());
  for (const sender of senders) await sender.send(bytes(1), first.addr);
  let received = 0;
  const count = async (conn: typeof first) => {
    for await (const _ of conn) {
      if (++received === senders.length) [first, second].map((c) => c.close());
    }
  };
  await within(Promise.all([count(first), count(second)]));
  assertEquals(received, senders.length);
}, LINUX_ONLY);

datagramTest("reusePort throws NotSupported on Windows", (open) => {
  assertThrows(() => open({ reusePort: true }), Deno.errors.NotSupported);
}, Deno.build.os === "windows" ? {} : { skip: "Linux has SO_REUSEPORT" });

datagramTest("segmentSize cuts what is sent into datagrams", async (open) => {
  const [alice, bob] = [open(), open()];
  const data = bytes(2500);
  await alice.send(data, bob.addr, { segmentSize: 1000 });
  assertEquals(await receiveAll(bob, 3), [
    data.slice(0, 1000),
    data.slice(1000, 2000),
    data.slice(2000),
  ]);
}, LINUX_ONLY);

datagramTest("coalesce takes joined datagrams apart", async (open) => {
  const [alice, bob] = [open(), open({ coalesce: true })];
  const data = bytes(2500);
  for (let i = 0; i < 2; i++) {
    await alice.send(data, bob.addr, { segmentSize: 1000 });
  }
  // One by one, then as a batch: the same datagrams.
  const singly = [];
  for (let i = 0; i < 3; i++) singly.push((await within(bob.receive()))[0]);
  const expected = [
    data.slice(0, 1000),
    data.slice(1000, 2000),
    data.slice(2000),
  ];
  assertEquals(singly, expected);
  assertEquals(await receiveAll(bob, 3), expected);
}, LINUX_ONLY);

datagramTest(
  "coalesce gives joined datagrams to all who wait",
  async (open) => {
    const [alice, bob] = [open(), open({ coalesce: true })];
    // The last one that asks is served first.
    const received = [1, 2, 3].map(() => bob.receive()).toReversed();
    await alice.send(bytes(250), bob.addr, { segmentSize: 100 });
    const all = await within(Promise.all(received));
    assertEquals(all.map(([data]) => data), [
      bytes(250).slice(0, 100),
      bytes(250).slice(100, 200),
      bytes(250).slice(200),
    ]);
  },
  LINUX_ONLY,
);

datagramTest(
  "coalesce leaves single datagrams alone, also empty ones",
  async (open) => {
    const [alice, bob] = [open(), open({ coalesce: true })];
    await alice.send(bytes(0), bob.addr);
    await alice.send(bytes(10), bob.addr);
    assertEquals(await receiveAll(bob, 2), [bytes(0), bytes(10)]);
  },
  LINUX_ONLY,
);

datagramTest(
  "info tells where a datagram arrived, and its ECN",
  async (open) => {
    const [alice, bob] = [open(), open({ hostname: "0.0.0.0", info: true })];
    alice.socket.setOption("typeOfService", 2);
    await alice.send(bytes(1), { ...bob.addr, hostname: "127.0.0.1" });
    using batch = await within(bob.receiveMany());
    const [{ info } = fail()] = batch;
    assertEquals([info.destination, info.ecn], ["127.0.0.1", 2]);
    assert(info.interfaceIndex! > 0);
  },
  LINUX_ONLY,
);

datagramTest("info is empty unless asked for", async (open) => {
  const conn = open();
  await conn.send(bytes(1), conn.addr);
  using batch = await within(conn.receiveMany());
  assertEquals([...batch].map(({ info }) => info), [{}]);
});

datagramTest(
  "datagramSize cuts what is longer, and ends nothing",
  async (open) => {
    const [alice, bob] = [open(), open({ datagramSize: 100 })];
    for (const size of [100, 101, 5000, 3]) {
      await alice.send(bytes(size), bob.addr);
    }
    assertEquals(await receiveAll(bob, 4), [
      bytes(100),
      bytes(101).slice(0, 100),
      bytes(5000).slice(0, 100),
      bytes(3),
    ]);
    await assertRejects(() => bob.send(bytes(101), alice.addr), Error);
    assertEquals(await bob.send(bytes(100), alice.addr), 100);
  },
);

function fail(): never {
  throw new Error("The batch is empty");
}
