/**
 * Socket options, set and read back.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { RioError, type RioSocket } from "../../mod.ts";
import { openUdp, sessionTest } from "./harness.ts";

/** Loopback addresses, and where to bind to reach them. */
const FAMILIES = [
  { name: "IPv4", hostname: "127.0.0.1" },
  { name: "IPv6", hostname: "::1" },
] as const;

const OPTIONS: readonly (readonly [
  "udp" | "tcp",
  Parameters<RioSocket["setOption"]>[0],
  number | boolean,
  number,
])[] = [
  ["udp", "broadcast", true, 1],
  ["udp", "broadcast", 0, 0],
  ["udp", "timeToLive", 42, 42],
  ["udp", "multicastTimeToLive", 3, 3],
  ["udp", "multicastLoopback", false, 0],
  ["udp", "multicastLoopback", true, 1],
  ["tcp", "keepAlive", true, 1],
  ["tcp", "noDelay", true, 1],
  ["tcp", "noDelay", false, 0],
  ["tcp", "keepAliveIdle", 77, 77],
  ["tcp", "keepAliveInterval", 7, 7],
  ["tcp", "keepAliveCount", 4, 4],
];

for (const [transport, option, value, read] of OPTIONS) {
  for (const { name, hostname } of FAMILIES) {
    sessionTest(
      `socket.setOption() sets ${option} to ${value} on ${transport} over ${name}`,
      (open) => {
        using session = open();
        using socket = session.openSocket({ transport, hostname });
        socket.setOption(option, value);
        assertEquals(socket.getOption(option), read);
      },
    );
  }
}

for (const option of ["receiveBufferSize", "sendBufferSize"] as const) {
  sessionTest(`socket.setOption() enlarges ${option}`, (open) => {
    using session = open();
    using socket = openUdp(session);
    socket.setOption(option, 16_384);
    const before = socket.getOption(option);
    socket.setOption(option, 65_536);
    assert(socket.getOption(option) > before);
  });
}

sessionTest(
  "socket.setOption() throws RioError for what the system refuses",
  (open) => {
    using session = open();
    using socket = openUdp(session);
    open.fake?.fail("setsockopt", 10022);
    const error = assertThrows(
      () => socket.setOption("timeToLive", 100_000),
      RioError,
      'Cannot set socket option "timeToLive" to 100000: setsockopt failed',
    );
    assertEquals(error.syscall, "setsockopt");
  },
);

sessionTest(
  "socket.setRawOption() refuses a value that is no Uint8Array",
  (open) => {
    using session = open();
    using socket = openUdp(session);
    for (const value of [1, [1, 0, 0, 0], new DataView(new ArrayBuffer(4))]) {
      assertThrows(
        () => socket.setRawOption([1, 9], value as unknown as Uint8Array),
        TypeError,
        "Uint8Array",
      );
    }
  },
);
