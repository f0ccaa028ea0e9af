/** Where datagrams go, and what is told of where they came from. */
import { assert, assertEquals } from "@std/assert";
import { ADDRESS_SIZE, RioError } from "../../mod.ts";
import { FAMILIES } from "../contract/families.ts";
import {
  collect,
  openSelf,
  openUdp,
  put,
  received,
  sessionTest,
  textOf,
} from "./harness.ts";

for (const { name, loopback: hostname } of FAMILIES) {
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
  for (const { loopback: hostname } of FAMILIES) {
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
