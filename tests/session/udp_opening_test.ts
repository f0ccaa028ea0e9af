/** Opening a UDP socket: its options, and the address it gets. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RioError } from "../../mod.ts";
import { openUdp, sessionTest } from "./harness.ts";

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
