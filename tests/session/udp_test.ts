/**
 * Datagrams.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ADDRESS_SIZE, type RioCompletion, RioError } from "../../mod.ts";
import {
  collect,
  openSelf,
  openUdp,
  put,
  sessionTest,
  textOf,
} from "./harness.ts";

/** Loopback addresses, and where to bind to reach them. */
const FAMILIES = [
  { name: "IPv4", hostname: "127.0.0.1" },
  { name: "IPv6", hostname: "::1" },
] as const;

function received(completions: readonly RioCompletion[]): RioCompletion {
  const found = completions.find(({ kind }) => kind === "receive");
  assert(found !== undefined, "there is a receive");
  return found;
}

for (const { name, hostname } of FAMILIES) {
  sessionTest(
    `UDP over ${name} tells the address of the sender`,
    async (open) => {
      using session = open();
      using a = openUdp(session, { hostname });
      using b = openUdp(session, { hostname });
      using buffer = session.registerBuffer(400);
      const [remote, to] = [buffer.slice(100, 28), buffer.slice(150, 28)];
      a.writeAddress(to, b.address);
      b.receive(buffer.slice(0, 100), { remote });
      a.send(put(buffer.slice(200, 50), "from a"), { remote: to });
      const [completion] = await collect(b.completions, 1);
      assertEquals(textOf(completion!), "from a");
      assertEquals(b.readAddress(remote), a.address);
      await collect(a.completions, 1);
      // The address can be sent to as it is.
      a.receive(buffer.slice(250, 50));
      b.send(put(buffer.slice(0, 100), "back"), { remote });
      assertEquals(textOf(received(await collect(a.completions, 1))), "back");
      await collect(b.completions, 1);
    },
  );

  sessionTest(
    `UDP over ${name} connected receives from its peer only`,
    async (open) => {
      using session = open();
      using a = openUdp(session, { hostname });
      using b = openUdp(session, { hostname });
      using stranger = openUdp(session, { hostname });
      using buffer = session.registerBuffer(400);
      await a.connect(b.address);
      await b.connect(a.address);
      assertEquals(a.remoteAddress, b.address);
      const to = buffer.slice(100, 28);
      stranger.writeAddress(to, b.address);
      stranger.send(put(buffer.slice(200, 20), "strange"), { remote: to });
      await collect(stranger.completions, 1);
      b.receive(buffer.slice(0, 50));
      a.send(put(buffer.slice(250, 20), "known"));
      assertEquals(textOf((await collect(b.completions, 1))[0]!), "known");
      await collect(a.completions, 1);
    },
  );
}

sessionTest("UDP on :: serves IPv4 and IPv6 peers", async (open) => {
  using session = open();
  using dual = openUdp(session, { hostname: "::" });
  using buffer = session.registerBuffer(400);
  const { port } = dual.address;
  for (const { hostname } of FAMILIES) {
    using peer = openUdp(session, { hostname });
    const [to, remote] = [buffer.slice(100, 28), buffer.slice(150, 28)];
    peer.writeAddress(to, { hostname, port });
    dual.receive(buffer.slice(0, 100), { remote });
    peer.send(put(buffer.slice(200, 50), hostname), { remote: to });
    await collect(peer.completions, 1);
    assertEquals(
      textOf(received(await collect(dual.completions, 1))),
      hostname,
    );
    assertEquals(dual.readAddress(remote), peer.address);
    // What the kernel wrote can be sent to, and so can what we write.
    for (const write of [false, true]) {
      if (write) dual.writeAddress(remote, peer.address);
      peer.receive(buffer.slice(250, 50));
      dual.send(put(buffer.slice(0, 100), "answer"), { remote });
      assertEquals(
        textOf(received(await collect(peer.completions, 1))),
        "answer",
      );
      await collect(dual.completions, 1);
    }
  }
});

sessionTest("session.openSocket() reads every option once", (open) => {
  using session = open();
  const read: string[] = [];
  const options = new Proxy(
    { transport: "udp", hostname: "127.0.0.1", receives: 2, sends: 2 } as const,
    {
      get(target, name) {
        read.push(String(name));
        return Reflect.get(target, name);
      },
    },
  );
  using _socket = session.openSocket(options);
  assertEquals(read.toSorted(), ["hostname", "receives", "sends", "transport"]);
});

sessionTest("UDP with ipv6Only leaves the IPv4 port to others", (open) => {
  using session = open();
  using six = openUdp(session, { hostname: "::", ipv6Only: true });
  using four = openUdp(session, {
    hostname: "0.0.0.0",
    port: six.address.port,
  });
  assertEquals(four.address.port, six.address.port);
  assertEquals(six.getOption("ipv6Only"), 1);
});

sessionTest(
  "UDP truncates with WSAEMSGSIZE what is longer than the slice",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(100);
    buffer.slice(0, 20).bytes.fill(0xEE);
    socket.receive(buffer.slice(0, 4));
    socket.send(put(buffer.slice(50), "truncated"));
    const completion = received(await collect(socket.completions, 2));
    assertEquals([completion.status, completion.bytesTransferred], [10040, 4]);
    assertEquals(completion.error?.code, "WSAEMSGSIZE");
    assertEquals(completion.error?.syscall, "RIOReceive");
    assertEquals(textOf(completion), "trun");
    assertEquals([...buffer.bytes.subarray(4, 6)], [0xEE, 0xEE]);
  },
);

sessionTest("UDP sends and receives empty datagrams", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(100);
  socket.receive(buffer.slice(0, 50));
  socket.send(buffer.slice(50, 0));
  let both = await collect(socket.completions, 2);
  assertEquals(both.map((c) => [c.status, c.bytesTransferred]), [[0, 0], [
    0,
    0,
  ]]);
  socket.receive(buffer.slice(0, 50));
  socket.send(null);
  both = await collect(socket.completions, 2);
  assertEquals(both.map((c) => [c.status, c.bytesTransferred]), [[0, 0], [
    0,
    0,
  ]]);
  assertEquals(both.find(({ kind }) => kind === "send")?.slice, null);
});

sessionTest("UDP sends its longest datagram", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(2 * 65_507);
  buffer.slice(0, 65_507).bytes.fill(0x77);
  socket.receive(buffer.slice(65_507));
  socket.send(buffer.slice(0, 65_507));
  const completion = received(await collect(socket.completions, 2));
  assertEquals([completion.status, completion.bytesTransferred], [0, 65_507]);
  assert(completion.slice!.bytes.every((byte) => byte === 0x77));
});

sessionTest(
  "UDP sends without a destination complete or fail with an error, never hang",
  async (open) => {
    using session = open();
    using socket = openUdp(session);
    using buffer = session.registerBuffer(10);
    let status: number;
    try {
      socket.send(buffer.slice());
      status = (await collect(socket.completions, 1))[0]!.status;
    } catch (error) {
      assert(error instanceof RioError);
      status = error.errno;
    }
    assertEquals(status, 10057);
  },
);

sessionTest(
  "UDP completes receives in the order of their posts",
  async (open) => {
    using session = open();
    using socket = await openSelf(session);
    using buffer = session.registerBuffer(1000);
    for (let i = 0; i < 10; i++) {
      socket.receive(buffer.slice(20 * i, 20), { context: i });
    }
    for (let i = 0; i < 10; i++) {
      socket.send(
        put(buffer.slice(500 + 20 * i, 20), `${i}`),
      );
    }
    const completions = await collect(socket.completions, 20);
    const receives = completions.filter(({ kind }) => kind === "receive");
    assertEquals(receives.map(({ context }) => context), [
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
    ]);
    assertEquals(receives.map(textOf).join(""), "0123456789");
  },
);

sessionTest("UDP starts deferred requests with a commit", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(200);
  socket.receive(buffer.slice(0, 50), { defer: true });
  socket.send(put(buffer.slice(50, 50), "one"), { defer: true });
  assertEquals(socket.outstanding, 2);
  socket.commit();
  assertEquals(textOf(received(await collect(socket.completions, 2))), "one");
  socket.receive(buffer.slice(0, 50), { defer: true });
  socket.commit("receive");
  socket.send(put(buffer.slice(50, 50), "two"), { defer: true });
  socket.commit("send");
  assertEquals(textOf(received(await collect(socket.completions, 2))), "two");
});

sessionTest("UDP starts deferred sends with the next send", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(200);
  for (let i = 0; i < 3; i++) socket.receive(buffer.slice(20 * i, 20));
  socket.send(put(buffer.slice(100, 20), "a"), { defer: true });
  socket.send(put(buffer.slice(120, 20), "b"), { defer: true });
  socket.send(put(buffer.slice(140, 20), "c"));
  const completions = await collect(socket.completions, 6);
  const texts = completions.filter(({ kind }) => kind === "receive").map(
    textOf,
  );
  assertEquals(texts, ["a", "b", "c"]);
});

sessionTest(
  "UDP sends to a port where nothing listens do not fail later receives",
  async (open) => {
    using session = open();
    using socket = openUdp(session);
    using buffer = session.registerBuffer(200);
    const gone = openUdp(session);
    const to = buffer.slice(0, 28);
    socket.writeAddress(to, gone.address);
    gone.close();
    socket.receive(buffer.slice(100, 50));
    socket.send(put(buffer.slice(50, 20), "lost"), { remote: to });
    assertEquals((await collect(socket.completions, 1))[0]?.kind, "send");
    socket.writeAddress(to, socket.address);
    socket.send(put(buffer.slice(50, 20), "found"), { remote: to });
    const completion = received(await collect(socket.completions, 2));
    assertEquals([completion.status, textOf(completion)], [0, "found"]);
  },
);

sessionTest("UDP tells where a datagram was sent to", async (open) => {
  using session = open();
  using socket = await openSelf(session);
  using buffer = session.registerBuffer(200);
  const local = buffer.slice(60, 28);
  socket.receive(buffer.slice(0, 50), { local });
  socket.send(put(buffer.slice(150), "x"));
  await collect(socket.completions, 2);
  assertEquals(socket.readAddress(local), socket.address);
});

sessionTest(
  "UDP with packetInfo tells where a datagram to any address was sent to",
  async (open) => {
    using session = open();
    using socket = openUdp(session, { hostname: "0.0.0.0" });
    socket.setOption("packetInfo", true);
    using buffer = session.registerBuffer(200);
    const { port } = socket.address;
    const [local, remote] = [buffer.slice(60, 28), buffer.slice(100, 28)];
    socket.writeAddress(remote, { hostname: "127.0.0.2", port });
    socket.receive(buffer.slice(0, 50), { local });
    socket.send(put(buffer.slice(150), "x"), { remote });
    await collect(socket.completions, 2);
    assertEquals(socket.readAddress(local).hostname, "127.0.0.2");
  },
  { only: ["linux"] },
);

sessionTest(
  "UDP receives write no more than an address into a longer slice",
  async (open) => {
    using session = open();
    using socket = openUdp(session);
    using buffer = session.registerBuffer(200);
    const [remote, to] = [buffer.slice(50, 40), buffer.slice(100, 28)];
    remote.bytes.fill(0xEE);
    socket.writeAddress(to, socket.address);
    socket.receive(buffer.slice(0, 50), { remote });
    socket.send(put(buffer.slice(150), "x"), { remote: to });
    await collect(socket.completions, 2);
    assertEquals(socket.readAddress(remote), socket.address);
    assertEquals(
      [...remote.bytes.subarray(ADDRESS_SIZE)],
      new Array(12).fill(0xEE),
    );
  },
);

sessionTest(
  "socket.connect() sends a UDP socket elsewhere the second time",
  async (open) => {
    using session = open();
    using a = openUdp(session);
    using b = openUdp(session);
    using socket = openUdp(session);
    using buffer = session.registerBuffer(100);
    await socket.connect(a.address);
    await socket.connect(b.address);
    assertEquals(socket.remoteAddress, b.address);
    b.receive(buffer.slice(0, 50));
    socket.send(put(buffer.slice(50), "to b"));
    assertEquals(textOf((await collect(b.completions, 1))[0]!), "to b");
    await collect(socket.completions, 1);
  },
);

sessionTest(
  "session.openSocket() throws WSAEADDRINUSE for a port in use",
  (open) => {
    using session = open();
    using first = openUdp(session);
    const { port } = first.address;
    const error = assertThrows(
      () => openUdp(session, { port }),
      RioError,
      `Cannot bind 127.0.0.1:${port}: bind failed with WSAEADDRINUSE (10048)`,
    );
    assertEquals(error.syscall, "bind");
    assertEquals(session.stats().sockets, 1);
    assertEquals(session.stats().completionQueues, 1);
  },
);

sessionTest(
  "session.openSocket() throws WSAEADDRNOTAVAIL for another host's address",
  (open) => {
    using session = open();
    const error = assertThrows(
      () => openUdp(session, { hostname: "192.0.2.1" }),
      RioError,
    );
    assertEquals([error.code, error.syscall], ["WSAEADDRNOTAVAIL", "bind"]);
    assertEquals(session.stats().sockets, 0);
  },
);

sessionTest("socket.address gives the port that the system chose", (open) => {
  using session = open();
  using socket = openUdp(session);
  assertEquals(socket.address.hostname, "127.0.0.1");
  assertEquals(socket.address.transport, "udp");
  assert(socket.address.port > 0);
  assertEquals(socket.remoteAddress, null);
});

sessionTest(
  "UDP sends to bytes that are no address fail, and are not lost",
  async (open) => {
    using session = open();
    using socket = openUdp(session);
    using buffer = session.registerBuffer(100);
    let refused: RioError | null | undefined;
    try {
      socket.send(buffer.slice(0, 10), { remote: buffer.slice(50, 28) });
      refused = (await collect(socket.completions, 1))[0]!.error;
    } catch (error) {
      assert(error instanceof RioError);
      refused = error;
    }
    assertEquals(refused?.syscall, "RIOSendEx");
    assertEquals([buffer.inFlight, session.stats().outstanding], [0, 0]);
  },
);
