/** Interfaces and options that a socket or a system does not have. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  listen,
  listenDatagram,
  RioError,
  type RioSession,
} from "../../mod.ts";
import { sessionTest } from "../session/harness.ts";

const GROUP6 = "ff02::77";
const UNKNOWN = "no-such-interface";

/** What is no interface of this host, and how it is refused. */
const REFUSED = [
  [UNKNOWN, TypeError],
  ["", TypeError],
  ["a\0b", TypeError],
  [NaN, RangeError],
  [-1, RangeError],
  [1.5, RangeError],
  [undefined, TypeError],
  [null, TypeError],
  [true, TypeError],
  [{}, TypeError],
] as const;

for (const [given, error] of REFUSED) {
  sessionTest(
    `an interface ${Deno.inspect(given)} is refused with ${error.name}`,
    async (openSession) => {
      using session = openSession();
      using four = listenDatagram({ hostname: "0.0.0.0", session });
      using six = listenDatagram({ hostname: "::", session });
      const wanted = given as string;
      await assertRejects(
        () => four.joinMulticastV4("224.0.0.251", wanted),
        error,
        "Invalid networkInterface",
      );
      await assertRejects(
        () => six.joinMulticastV6(GROUP6, wanted),
        error,
        "Invalid networkInterface",
      );
      for (
        const option of ["unicastInterface", "multicastInterface"] as const
      ) {
        assertThrows(
          () => six.socket.setOption(option, wanted),
          error,
          `Invalid ${option}`,
        );
      }
    },
  );
}

for (const given of [UNKNOWN, 0, -1, 1.5, null, true] as const) {
  const device = given as string;
  const open: Record<string, (session: RioSession) => unknown> = {
    listen: (session) => listen({ hostname: "127.0.0.1", device, session }),
    listenDatagram: (session) =>
      listenDatagram({ hostname: "127.0.0.1", device, session }),
    connect: (session) => connect({ port: 9, device, session }),
    openSocket: (session) => session.openSocket({ transport: "udp", device }),
  };
  for (const [name, call] of Object.entries(open)) {
    sessionTest(
      `${name}() refuses the device ${Deno.inspect(given)}, and opens nothing`,
      async (openSession) => {
        using session = openSession();
        await assertRejects(
          () => Promise.try(() => call(session)),
          Error,
          "Invalid device",
        );
        assertEquals(session.stats().sockets, 0);
      },
    );
  }
}

for (
  const networkInterface of ["203.0.113.7%eth0", "ff02::1", "2001:db8::7"]
) {
  sessionTest(
    `joinMulticastV6() rejects on the interface "${networkInterface}"`,
    async (openSession) => {
      using session = openSession();
      using conn = listenDatagram({ hostname: "::", session });
      await assertRejects(
        () => conn.joinMulticastV6(GROUP6, networkInterface),
        TypeError,
        "Invalid networkInterface",
      );
    },
  );
}

for (const source of ["garbage", "::1", "", 7, null]) {
  sessionTest(
    `joinMulticastV4() rejects for the source ${Deno.inspect(source)}`,
    async (openSession) => {
      using session = openSession();
      using conn = listenDatagram({ hostname: "0.0.0.0", session });
      const options = { source: source as string };
      for (const networkInterface of ["127.0.0.1", 1]) {
        await assertRejects(
          () => conn.joinMulticastV4("232.1.1.1", networkInterface, options),
          Error,
          "Invalid IPv4 address",
        );
      }
    },
  );
}

sessionTest(
  "a group with an interface of its own is refused",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ hostname: "::", session });
    await assertRejects(
      () => conn.joinMulticastV6(`${GROUP6}%1`, 0),
      Error,
      "Invalid IPv6 address",
    );
  },
);

sessionTest(
  "the path MTU can be read once there is a path",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ hostname: "127.0.0.1", session });
    assertThrows(
      () => conn.socket.setOption("pathMtu", 1500),
      TypeError,
      'Cannot set "pathMtu"',
    );
    const error = assertThrows(
      () => conn.socket.getOption("pathMtu"),
      RioError,
    );
    assertEquals(error.code, "WSAENOTCONN");
    await conn.connect(conn.addr);
    assertEquals(conn.socket.getOption("pathMtu") >= 1280, true);
  },
  { only: ["linux"] },
);

for (const hostname of ["127.0.0.1", "::1", "::"]) {
  sessionTest(
    `socket.setOption() sets the pace and the interfaces on ${hostname}`,
    (openSession) => {
      using session = openSession();
      using socket = session.openSocket({ transport: "udp", hostname });
      for (const rate of [125_000, -1]) {
        socket.setOption("maxPacingRate", rate);
        assertEquals(socket.getOption("maxPacingRate"), rate);
      }
      for (const loopback of ["lo", 1]) {
        socket.setOption("unicastInterface", loopback);
        assertEquals(socket.getOption("unicastInterface"), 1);
        socket.setOption("multicastInterface", loopback);
      }
      socket.setOption("unicastInterface", 0);
      assertEquals(socket.getOption("unicastInterface"), 0);
      socket.setOption("multicastAll", false);
      assertEquals(socket.getOption("multicastAll"), 0);
    },
    { only: ["linux"] },
  );

  sessionTest(
    `a device is set for what is sent on ${hostname} where sockets cannot be bound to it`,
    (openSession) => {
      using session = openSession();
      using socket = session.openSocket({
        transport: "udp",
        hostname,
        device: 1,
      });
      assertEquals(socket.getOption("unicastInterface"), 1);
      assertEquals(socket.getOption("multicastInterface"), 1);
    },
    // Wine hands an index to Linux as it is, which reads it differently.
    { only: ["fake"] },
  );
}

sessionTest(
  "an option that the system lacks is refused, never ignored",
  (openSession) => {
    using session = openSession();
    using socket = session.openSocket({ transport: "udp", hostname: "::1" });
    for (const option of ["maxPacingRate", "multicastAll"] as const) {
      const error = assertThrows(() => socket.setOption(option, 1), RioError);
      assertEquals(error.code, "WSAENOPROTOOPT");
    }
  },
  { only: ["fake", "windows"] },
);

sessionTest(
  "a device that the system refuses leaves no socket behind",
  (openSession) => {
    using session = openSession();
    openSession.fake!.fail("setsockopt", 10049);
    assertThrows(
      () => session.openSocket({ transport: "udp", device: 7 }),
      RioError,
      "bind a socket to interface 7",
    );
    assertEquals(session.stats().sockets, 0);
  },
  { only: ["fake"] },
);
