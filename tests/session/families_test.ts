/**
 * A socket on `::` serves IPv4 and IPv6: what is asked of it holds for both.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AF_INET, AF_INET6 } from "../../ffi/constants.ts";
import { WSAENOPROTOOPT } from "../../ffi/error_numbers.ts";
import { partsOf, type RioEndpoint } from "../../ffi/session/endpoint.ts";
import { optionNumbers } from "../../ffi/session/socket_options.ts";
import {
  CONTROL_SIZE,
  readControl,
  type RioControlInfo,
  RioError,
  type RioSendControl,
  type RioSession,
  type RioSocket,
  type RioSocketOption,
  writeControl,
} from "../../mod.ts";
import { FAMILIES } from "../contract/families.ts";
import { skipped } from "../skip.ts";
import {
  collect,
  openPair,
  openUdp,
  sessionTest,
  WITH_CONTROL,
} from "./harness.ts";

const HOSTS = FAMILIES.map(({ loopback }) => loopback);

/** Every option of the IP layer that a datagram socket has, and a value. */
const OPTIONS: readonly [RioSocketOption, number][] = [
  ["timeToLive", 42],
  ["typeOfService", 0x28],
  ["dontFragment", 1],
  ["multicastTimeToLive", 3],
  ["multicastLoopback", 0],
  ["packetInfo", 1],
  ["receiveTypeOfService", 1],
  ["receiveEcn", 1],
  ["receiveTimeToLive", 1],
];

/** An option of one family; minus an error number where it has none. */
function read(endpoint: RioEndpoint, option: RioSocketOption, family: number) {
  const { core, record } = partsOf(endpoint);
  const value = new Uint8Array(4);
  const [level, name] = optionNumbers(option, family);
  const { sockets } = core.backend;
  const length = sockets.getOption(record.handle, level, name, value);
  return length < 0 ? length : new DataView(value.buffer).getInt32(0, true);
}

/** Whether a system that is not Linux lacks an option of one of the families. */
function lacks(endpoint: RioEndpoint, option: RioSocketOption): boolean {
  const lacking = [AF_INET, AF_INET6].some((family) =>
    read(endpoint, option, family) === -WSAENOPROTOOPT
  );
  return skipped(
    option,
    lacking ? "this system lacks it in a family" : undefined,
  );
}

for (const [option, value] of OPTIONS) {
  sessionTest(`setOption() of ${option} on :: sets both families`, (open) => {
    using session = open();
    using socket = openUdp(session, { hostname: "::" });
    if (lacks(socket, option)) return;
    socket.setOption(option, value);
    assertEquals(socket.getOption(option), value);
    assertEquals(read(socket, option, AF_INET), value);
  });

  sessionTest(
    `setOption() of ${option} on :: with ipv6Only sets one family`,
    (open) => {
      using session = open();
      using socket = openUdp(session, { hostname: "::", ipv6Only: true });
      if (lacks(socket, option)) return;
      const before = read(socket, option, AF_INET);
      socket.setOption(option, value);
      assertEquals(socket.getOption(option), value);
      assertEquals(read(socket, option, AF_INET), before);
    },
  );
}

sessionTest(
  "setOption() on :: throws when the system refuses it for IPv4",
  (open) => {
    using session = open();
    using socket = openUdp(session, { hostname: "::" });
    const fake = open.fake!;
    fake.fail("setsockopt", WSAENOPROTOOPT, { nth: 2 });
    const error = assertThrows(
      () => socket.setOption("timeToLive", 7),
      RioError,
      'Cannot set socket option "timeToLive" to 7 for IPv4: setsockopt failed',
    );
    assertEquals(error.code, "WSAENOPROTOOPT");
  },
  { only: ["fake"] },
);

for (const hostname of HOSTS) {
  sessionTest(
    `setOption() on a connection from ${hostname} to :: sets both families`,
    async (open) => {
      using session = open();
      using listener = session.openSocket({
        transport: "tcp",
        hostname: "::",
        backlog: 1,
      });
      using client = session.openSocket({
        transport: "tcp",
        hostname: hostname.includes(":") ? "::" : "0.0.0.0",
      });
      const accepted = listener.accept();
      await client.connect({ hostname, port: listener.address.port });
      using server = await accepted;
      for (const [option, value] of OPTIONS.slice(0, 2)) {
        if (lacks(server, option)) continue;
        server.setOption(option, value);
        assertEquals(read(server, option, AF_INET), value);
        assertEquals(read(server, option, AF_INET6), value);
      }
    },
  );
}

sessionTest("setOption() on a listener on :: sets both families", (open) => {
  using session = open();
  using listener = session.openSocket({
    transport: "tcp",
    hostname: "::",
    backlog: 1,
  });
  listener.setOption("timeToLive", 9);
  assertEquals(read(listener, "timeToLive", AF_INET), 9);
  assertEquals(read(listener, "timeToLive", AF_INET6), 9);
});

sessionTest(
  "setOption() on a connection to ::1 sets both families",
  async (open) => {
    using session = open();
    const [client, server] = await openPair(session, { hostname: "::1" });
    using _ = client;
    using __ = server;
    client.setOption("timeToLive", 9);
    assertEquals(client.getOption("timeToLive"), 9);
  },
);

/** Sends a datagram, with control messages or none; what its receiver is told. */
async function exchange(
  session: RioSession,
  [from, to]: [RioSocket, RioSocket],
  options: {
    hostname?: string;
    control?: RioSendControl;
    family?: 4 | 6;
  },
): Promise<RioControlInfo> {
  using buffer = session.registerBuffer(1024);
  const told = buffer.slice(512, CONTROL_SIZE);
  to.receive(buffer.slice(0, 8), { control: told });
  const { hostname, control, family = 6 } = options;
  const remote = buffer.slice(64, 28);
  if (hostname !== undefined) {
    from.writeAddress(remote, { hostname, port: to.address.port });
  }
  const messages = buffer.slice(256, CONTROL_SIZE);
  from.send(buffer.slice(8, 4), {
    ...(hostname === undefined ? {} : { remote }),
    ...(control === undefined ? {} : {
      control: buffer.slice(
        256,
        writeControl(messages.bytes, family, control),
      ),
    }),
  });
  const [sent] = await collect(from.completions, 1);
  assertEquals(sent!.status, 0);
  await collect(to.completions, 1);
  return readControl(told.bytes);
}

/** Asks for everything that a receiver on this system can be told. */
function listen(session: RioSession, hostname: string): RioSocket {
  const socket = openUdp(session, { hostname });
  for (
    const option of [
      "packetInfo",
      "receiveTypeOfService",
      "receiveEcn",
      "receiveTimeToLive",
    ] as const
  ) {
    socket.setOption(option, true);
  }
  return socket;
}

const LINUX = { only: ["linux"] } as const;

for (const hostname of HOSTS) {
  for (const family of [4, 6] as const) {
    sessionTest(
      `ECN for IPv${family} in control data goes from :: to ${hostname}`,
      async (open) => {
        using session = open();
        using from = openUdp(session, { hostname: "::" });
        using to = listen(session, hostname);
        const control = { ecn: 1 };
        const info = await exchange(session, [from, to], {
          hostname,
          control,
          family,
        });
        assertEquals(info.ecn, 1);
        // A slice that goes to one family can go to the other one after that.
        await from.connect({ hostname, port: to.address.port });
        const connected = await exchange(session, [from, to], {
          control,
          family,
        });
        assertEquals(connected.ecn, 1);
      },
      WITH_CONTROL,
    );
  }

  sessionTest(
    `ECN in control data to ${hostname} keeps the type of service`,
    async (open) => {
      using session = open();
      using from = openUdp(session, { hostname: "::" });
      using to = listen(session, hostname);
      from.setOption("typeOfService", 0xB8);
      const info = await exchange(session, [from, to], {
        hostname,
        control: { ecn: 2 },
      });
      assertEquals(info.typeOfService, 0xBA);
    },
    LINUX,
  );

  sessionTest(
    `a socket on :: marks what goes to ${hostname}`,
    async (open) => {
      using session = open();
      using from = openUdp(session, { hostname: "::" });
      using to = listen(session, hostname);
      from.setOption("typeOfService", 0x2A);
      from.setOption("timeToLive", 42);
      const info = await exchange(session, [from, to], { hostname });
      const { typeOfService, ecn, timeToLive } = info;
      assertEquals([typeOfService, ecn, timeToLive], [0x2A, 2, 42]);
    },
    LINUX,
  );

  sessionTest(
    `a socket on :: is told where what comes to ${hostname} arrived`,
    async (open) => {
      using session = open();
      using from = openUdp(session, { hostname });
      using to = openUdp(session, { hostname: "::" });
      to.setOption("packetInfo", true);
      const told = await exchange(session, [from, to], { hostname });
      assertEquals(told.destination, hostname);
      to.setOption("packetInfo", false);
      assertEquals(await exchange(session, [from, to], { hostname }), {});
    },
  );

  sessionTest(
    `a socket on :: is told everything of what comes to ${hostname}`,
    async (open) => {
      using session = open();
      using from = openUdp(session, { hostname });
      using to = listen(session, "::");
      const info = await exchange(session, [from, to], {
        hostname,
        control: { ecn: 3 },
      });
      assertEquals([info.destination, info.ecn], [hostname, 3]);
      assert(info.interfaceIndex! > 0);
      if (open.system === "linux") assert(info.timeToLive! > 0);
    },
    WITH_CONTROL,
  );
}

sessionTest(
  "a packet of :: that is too long is not cut with dontFragment",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(1 << 17);
    using socket = openUdp(session, { hostname: "::" });
    const remote = buffer.slice(1 << 16, 28);
    socket.writeAddress(remote, { hostname: "::1", port: 9 });
    // The longest packet is longer than what the loopback interface takes.
    const statuses = [];
    for (const on of [0, 1]) {
      socket.setOption("dontFragment", on);
      socket.send(buffer.slice(0, 65527), { remote });
      const [{ error } = fail()] = await collect(socket.completions, 1);
      statuses.push(error?.code);
    }
    assertEquals(statuses, [undefined, "WSAEMSGSIZE"]);
  },
  LINUX,
);

sessionTest("receiveTimestamp tells when a datagram came", async (open) => {
  using session = open();
  using from = openUdp(session);
  using to = openUdp(session);
  to.setOption("receiveTimestamp", true);
  const { timestamp } = await exchange(session, [from, to], {
    hostname: "127.0.0.1",
  });
  // In nanoseconds since 1970: the year tells the unit.
  const year = new Date(Number(timestamp! / 1_000_000n)).getUTCFullYear();
  assertEquals(year, new Date().getUTCFullYear());
}, LINUX);

sessionTest("receiveTimestamp is refused where the system has none", (open) => {
  using session = open();
  using socket = openUdp(session);
  assertThrows(
    () => socket.setOption("receiveTimestamp", true),
    RioError,
    "WSAENOPROTOOPT",
  );
}, { only: ["fake", "windows"] });

function fail(): never {
  throw new Error("There is no completion");
}
