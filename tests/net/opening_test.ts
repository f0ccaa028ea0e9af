/** What opens sockets, and refuses what it cannot do before anything is open. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  listen,
  listenDatagram,
  RioDatagramBatch,
  RioDatagramConn,
  RioMembership,
  type RioSession,
  RioTcpConn,
  RioTcpListener,
} from "../../mod.ts";
import { sessionTest } from "../session/harness.ts";

/** Options, right and wrong. */
type Options = Record<string, unknown>;
/** A function that opens a socket, given whatever options. */
type Opener = (options: Options) => unknown;

/** The transport that each opens, and the functions themselves. */
const OPENERS: Record<string, { transport: string; open: Opener }> = {
  connect: { transport: "tcp", open: connect as unknown as Opener },
  listen: { transport: "tcp", open: listen as Opener },
  listenDatagram: { transport: "udp", open: listenDatagram as Opener },
};

/** Classes of errors, and the options that are refused with them. */
const REFUSED: [new (message: string) => Error, Options, string][] = [
  [TypeError, { transport: "unix" }, 'Unsupported transport "unix": give '],
  [TypeError, { transport: null }, "Unsupported transport null: give "],
  [TypeError, { port: "x" }, 'Invalid port "x"'],
  [TypeError, { port: 1.5 }, "Invalid port 1.5"],
  [RangeError, { port: 65536 }, "Invalid port 65536"],
  [RangeError, { port: "65536" }, "Invalid port 65536"],
  [TypeError, { hostname: 7 }, "Invalid hostname 7"],
  [URIError, { hostname: "a b" }, 'Invalid hostname "a b"'],
];

/** Calls an opener, which throws or rejects, and sees that nothing is open. */
async function assertRefused(
  session: RioSession,
  open: Opener,
  [errorClass, options, message]: (typeof REFUSED)[number],
): Promise<void> {
  const before = session.stats();
  await assertRejects(
    () => Promise.try(open, { session, port: 1, ...options }),
    errorClass,
    message,
  );
  const { sockets, buffers, completionQueues } = session.stats();
  assertEquals(
    { sockets, buffers, completionQueues },
    {
      sockets: before.sockets,
      buffers: before.buffers,
      completionQueues: before.completionQueues,
    },
  );
}

for (const [name, { transport, open }] of Object.entries(OPENERS)) {
  for (const refused of REFUSED) {
    const [{ name: error }, options] = refused;
    sessionTest(
      `${name}() refuses ${Deno.inspect(options)} with ${error}`,
      async (openSession) => {
        using session = openSession();
        await assertRefused(session, open, refused);
      },
    );
  }

  sessionTest(
    `${name}() names the transport that it opens when it refuses another`,
    async (openSession) => {
      using session = openSession();
      const message = `: give "${transport}"`;
      const refused = [TypeError, { transport: "unix" }, message] as const;
      await assertRefused(session, open, [...refused]);
    },
  );
}

for (const name of ["listen", "listenDatagram"] as const) {
  const { open } = OPENERS[name]!;

  sessionTest(
    `${name}() throws the system's words for an interface that is not there`,
    async (openSession) => {
      using session = openSession();
      await assertRefused(session, open, [
        Error,
        { hostname: "fe80::1%no-such-one" },
        Deno.build.os === "windows" ? "os error" : "failed to lookup address",
      ]);
    },
  );

  sessionTest(
    `${name}() throws NotSupported where sockets cannot share a port`,
    async (openSession) => {
      using session = openSession();
      await assertRefused(session, open, [
        Deno.errors.NotSupported,
        { reusePort: true },
        "has no SO_REUSEPORT",
      ]);
    },
    { only: ["fake", "windows"] },
  );

  sessionTest(
    `${name}() opens several sockets on one port with reusePort`,
    (openSession) => {
      using session = openSession();
      const options = { session, hostname: "127.0.0.1", reusePort: true };
      const openOne = (port: number) =>
        open({ ...options, port }) as RioTcpListener | RioDatagramConn;
      using first = openOne(0);
      const { port } = first.addr;
      using second = openOne(port);
      assertEquals(second.addr.port, port);
    },
    { only: ["linux"] },
  );
}

for (
  const [illegal, instead] of [
    [RioDatagramConn, "listenDatagram()"],
    [RioDatagramBatch, "RioDatagramConn.receiveMany()"],
    [RioMembership, "RioDatagramConn.joinMulticastV4()"],
    [RioTcpConn, "connect()"],
    [RioTcpListener, "listen()"],
  ] as const
) {
  Deno.test(`new ${illegal.name}() throws TypeError, whatever is given`, () => {
    const Class = illegal as unknown as new (...given: unknown[]) => unknown;
    const message = `Illegal constructor: use ${instead}`;
    for (const key of [undefined, null, true, {}, Symbol("@winsock/rio")]) {
      assertThrows(() => new Class(key, {}, {}), TypeError, message);
    }
    assertThrows(() => new Class(), TypeError, message);
  });
}
