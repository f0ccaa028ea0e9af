/** Which address and port a socket has, and which family it serves. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, listen, listenDatagram } from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

for (const [name, open] of Object.entries({ listen, listenDatagram })) {
  sessionTest(
    `${name}() with ipv6Only leaves the port to a socket of IPv4`,
    (openSession) => {
      using session = openSession();
      using six = open({ hostname: "::", ipv6Only: true, session });
      const { port } = six.addr;
      using four = open({ hostname: "0.0.0.0", port, session });
      assertEquals(four.addr.port, port);
      assertEquals(six.socket.getOption("ipv6Only"), 1);
    },
    { only: ["linux", "windows"] },
  );

  sessionTest(
    `${name}() refuses ipv6Only where the address is of IPv4`,
    (openSession) => {
      using session = openSession();
      assertThrows(
        () => open({ hostname: "127.0.0.1", ipv6Only: true, session }),
        TypeError,
        "Invalid ipv6Only: 127.0.0.1 is an IPv4 address",
      );
      assertEquals(session.stats().sockets, 0);
    },
  );
}

sessionTest(
  "connect() leaves from the address and port that it is given",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: "127.0.0.1", session });
    const localPort = freePort();
    const accepted = listener.accept();
    using client = await within(
      connect({
        port: listener.addr.port,
        localAddress: "127.0.0.1",
        localPort,
        session,
      }),
    );
    using server = await within(accepted);
    assertEquals(server.remoteAddr.port, localPort);
    assertEquals(client.localAddr, server.remoteAddr);
  },
);

sessionTest("connect() leaves from a port alone", async (openSession) => {
  using session = openSession();
  using listener = listen({ hostname: "127.0.0.1", session });
  const localPort = freePort();
  const accepted = listener.accept();
  using _client = await within(
    connect({ port: listener.addr.port, localPort, session }),
  );
  using server = await within(accepted);
  assertEquals(server.remoteAddr.port, localPort);
});

for (
  const [local, expected] of [
    [{ localAddress: "localhost" }, "Invalid localAddress"],
    [{ localAddress: "::1" }, "no address of its family, only 127.0.0.1"],
    [{ localPort: 65536 }, "Invalid port 65536"],
    [{ localPort: 1.5 }, "Invalid port 1.5"],
  ] as const
) {
  sessionTest(
    `connect() refuses to leave from ${Deno.inspect(local)}`,
    async (openSession) => {
      using session = openSession();
      await assertRejects(
        () => connect({ port: 9, ...local, session }),
        Error,
        expected,
      );
      assertEquals(session.stats().sockets, 0);
    },
  );
}

sessionTest(
  "connect() rejects where the address to leave from is another host's",
  async (openSession) => {
    using session = openSession();
    await assertRejects(
      () => connect({ port: 9, localAddress: "203.0.113.7", session }),
      Deno.errors.AddrNotAvailable,
    );
    assertEquals(session.stats().sockets, 0);
  },
  { only: ["linux", "windows"] },
);

for (const hostname of ["127.0.0.1", "0.0.0.0", "::1", "::"]) {
  sessionTest(
    `conn.disconnect() on ${hostname} lets everybody in, at the same address`,
    async (openSession) => {
      using session = openSession();
      const self = hostname.includes(":") ? "::1" : "127.0.0.1";
      // The kernel below Wine forgets a port that it has chosen itself.
      const port = openSession.system === "windows" ? freePort() : 0;
      using conn = listenDatagram({ hostname, port, session });
      using peer = listenDatagram({ hostname: self, session });
      using other = listenDatagram({ hostname: self, session });
      const { addr } = conn;
      await conn.connect(peer.addr);
      const sent = conn.send(new Uint8Array([1]));
      await conn.disconnect();
      await sent;
      assertEquals(conn.addr, addr);
      assertEquals(conn.socket.remoteAddress, null);
      assertEquals((await within(peer.receive()))[0], new Uint8Array([1]));
      await other.send(new Uint8Array([2]), { ...addr, hostname: self });
      const [data, from] = await within(conn.receive());
      assertEquals([data[0], from.port], [2, other.addr.port]);
      await conn.send(new Uint8Array([3]), from);
      assertEquals((await within(other.receive()))[0], new Uint8Array([3]));
      await conn.connect(other.addr);
      await conn.send(new Uint8Array([4]));
      assertEquals((await within(other.receive()))[0], new Uint8Array([4]));
    },
  );
}

sessionTest(
  "conn.disconnect() rejects with NotConnected where there is no peer",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ hostname: "127.0.0.1", session });
    await assertRejects(() => conn.disconnect(), Deno.errors.NotConnected);
    await conn.connect(conn.addr);
    await conn.disconnect();
    await assertRejects(() => conn.disconnect(), Deno.errors.NotConnected);
    await assertRejects(() => conn.send(new Uint8Array(1)), TypeError);
    conn.close();
    await assertRejects(() => conn.disconnect(), Deno.errors.BadResource);
  },
);

sessionTest("socket.disconnect() refuses a connection", (openSession) => {
  using session = openSession();
  using socket = session.openSocket({ transport: "tcp" });
  assertThrows(
    () => socket.disconnect(),
    TypeError,
    "Cannot disconnect a TCP socket",
  );
});
