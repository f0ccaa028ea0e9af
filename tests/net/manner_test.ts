/** What can be asked for with a datagram that is sent: ECN, source, segments. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  listenDatagram,
  type RioDatagram,
  type RioDatagramConn,
  type RioListenDatagramOptions,
  type RioReceivedDatagram,
} from "../../mod.ts";
import { type Intent, sessionTest, WITH_CONTROL } from "../session/harness.ts";
import { bytes, within } from "./harness.ts";

type Open = (
  options?: Omit<RioListenDatagramOptions, "session">,
) => RioDatagramConn;

const LINUX = { only: ["linux"] } as const;

/** Registers a test of datagram sockets in a session of their own. */
function mannerTest(
  name: string,
  body: (open: Open) => Promise<void>,
  intent: Intent = WITH_CONTROL,
): void {
  sessionTest(name, async (openSession) => {
    await using session = openSession();
    using stack = new DisposableStack();
    await body((options = {}) =>
      stack.use(listenDatagram({ hostname: "127.0.0.1", session, ...options }))
    );
  }, intent);
}

/** Receives so many datagrams, with what is told of them. */
async function take(
  conn: RioDatagramConn,
  count: number,
): Promise<RioReceivedDatagram[]> {
  const all: RioReceivedDatagram[] = [];
  while (all.length < count) {
    using batch = await within(conn.receiveMany());
    for (const datagram of batch) {
      all.push({ ...datagram, data: datagram.data.slice() });
    }
  }
  return all;
}

const to = (conn: RioDatagramConn, hostname: string) => ({
  hostname,
  port: conn.addr.port,
});

const ROUTES = [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "::1"],
  ["::", "127.0.0.1"],
] as const;

for (const [from, hostname] of ROUTES) {
  mannerTest(`send() from ${from} to ${hostname} takes ecn`, async (open) => {
    const [alice, bob] = [
      open({ hostname: from }),
      open({ hostname, info: true }),
    ];
    for (const ecn of [2, 1, 3, 0, undefined]) {
      await alice.send(bytes(3), to(bob, hostname), { ecn });
      const [{ info } = fail()] = await take(bob, 1);
      assertEquals(info.ecn, ecn ?? 0);
    }
  });

  mannerTest(
    `send() takes ecn when connected from ${from} to ${hostname}`,
    async (open) => {
      const [alice, bob] = [
        open({ hostname: from }),
        open({ hostname, info: true }),
      ];
      await alice.connect(to(bob, hostname));
      for (const ecn of [1, undefined, 2]) {
        await alice.send(bytes(3), undefined, { ecn });
        const [{ info } = fail()] = await take(bob, 1);
        assertEquals(info.ecn, ecn ?? 0);
      }
    },
  );

  mannerTest(
    `sendMany() from ${from} to ${hostname} takes ecn for each datagram`,
    async (open) => {
      const [alice, bob] = [
        open({ hostname: from }),
        open({ hostname, info: true }),
      ];
      const addr = to(bob, hostname);
      const ecns = [0, 0, 1, 1, 1, 2, undefined, undefined, 3, 0, 2];
      const datagrams = ecns.map((ecn, i) => ({ data: bytes(i), addr, ecn }));
      assertEquals(await alice.sendMany(datagrams), ecns.length);
      const received = await take(bob, ecns.length);
      assertEquals(
        received.map(({ data, info }) => [data, info.ecn]),
        ecns.map((ecn, i) => [bytes(i), ecn ?? 0]),
      );
    },
  );
}

mannerTest(
  "sendMany() keeps the order of datagrams that go in different manners",
  async (open) => {
    const [alice, bob] = [open(), open({ info: true })];
    const addr = to(bob, "127.0.0.1");
    const ecns = [2, 2, undefined, undefined, 1, 2, 2, undefined, 2];
    await alice.sendMany(ecns.map((ecn, i) => ({
      data: new Uint8Array([i, 7, 7]),
      addr,
      ...(ecn === undefined ? {} : { ecn }),
    })));
    const received = await take(bob, ecns.length);
    assertEquals(
      received.map(({ data, info }) => [data[0], info.ecn]),
      ecns.map((ecn, i) => [i, ecn ?? 0]),
    );
  },
);

mannerTest("sendMany() takes segmentSize for each datagram", async (open) => {
  const [alice, bob] = [open(), open()];
  const addr = bob.addr;
  const datagrams: RioDatagram[] = [
    { data: bytes(10), addr },
    { data: bytes(25), addr, segmentSize: 10 },
    { data: bytes(10), addr },
    { data: bytes(10), addr },
    { data: bytes(30), addr, segmentSize: 15 },
  ];
  assertEquals(await alice.sendMany(datagrams), 5);
  const received = await take(bob, 8);
  assertEquals(
    received.map(({ data }) => data),
    [
      bytes(10),
      bytes(25).slice(0, 10),
      bytes(25).slice(10, 20),
      bytes(25).slice(20),
      bytes(10),
      bytes(10),
      bytes(30).slice(0, 15),
      bytes(30).slice(15),
    ],
  );
}, LINUX);

for (const hostname of ["0.0.0.0", "::"]) {
  mannerTest(`send() from ${hostname} takes local`, async (open) => {
    const [alice, bob] = [open({ hostname }), open()];
    for (const local of ["127.0.0.2", "127.0.0.3", "127.0.0.1"]) {
      await alice.send(bytes(3), bob.addr, { local });
      const [{ addr } = fail()] = await take(bob, 1);
      assertEquals(addr, { ...alice.addr, hostname: local });
    }
  });

  mannerTest(
    `sendMany() from ${hostname} takes local for each datagram`,
    async (open) => {
      const [alice, bob] = [open({ hostname }), open()];
      const locals = [2, 2, 2, 3, 4, 4, 1].map((last) => `127.0.0.${last}`);
      await alice.sendMany(
        locals.map((local) => ({ data: bytes(5), addr: bob.addr, local })),
      );
      const received = await take(bob, locals.length);
      assertEquals(received.map(({ addr }) => addr.hostname), locals);
    },
  );
}

mannerTest("send() takes a local address of IPv6", async (open) => {
  const [alice, bob] = [open({ hostname: "::" }), open({ hostname: "::1" })];
  await alice.send(bytes(3), bob.addr, { local: "::1", ecn: 1 });
  const [{ addr } = fail()] = await take(bob, 1);
  assertEquals(addr, { ...alice.addr, hostname: "::1" });
});

mannerTest(
  "send() and sendMany() refuse a local address of the other family",
  async (open) => {
    const [alice, bob] = [open({ hostname: "::" }), open()];
    const message = 'Invalid local "::1": the destination is one of IPv4';
    for (
      const attempt of [
        () => alice.send(bytes(3), bob.addr, { local: "::1" }),
        () =>
          alice.sendMany([{ data: bytes(3), addr: bob.addr, local: "::1" }]),
      ]
    ) {
      await assertRejects(attempt, TypeError, message);
    }
    await assertRejects(
      () =>
        alice.send(bytes(3), { hostname: "::1", port: 9 }, {
          local: "127.0.0.1",
        }),
      TypeError,
      'Invalid local "127.0.0.1": the destination is one of IPv6',
    );
    await alice.connect(bob.addr);
    await assertRejects(
      () => alice.send(bytes(3), undefined, { local: "::1" }),
      TypeError,
      message,
    );
    // Nothing of it has taken a slot for ever.
    assertEquals(await alice.send(bytes(4)), 4);
    assertEquals((await take(bob, 1)).length, 1);
  },
);

mannerTest("send() refuses what is no manner to send in", async (open) => {
  const [alice, bob] = [open(), open()];
  // deno-lint-ignore no-explicit-any
  const wrong: [any, new (message: string) => Error, string][] = [
    [{ ecn: 4 }, RangeError, "Invalid ecn 4: give a whole number from 0 to 3"],
    [{ ecn: "2" }, TypeError, 'Invalid ecn "2"'],
    [{ segmentSize: -1 }, RangeError, "Invalid segmentSize -1"],
    [{ local: 7 }, TypeError, "Invalid local 7: give an address of this host"],
    [{ local: "localhost" }, TypeError, 'Invalid local "localhost"'],
  ];
  for (const [options, type, message] of wrong) {
    await assertRejects(
      () => alice.send(bytes(3), bob.addr, options),
      type,
      message,
    );
    await assertRejects(
      () => alice.sendMany([{ data: bytes(3), addr: bob.addr, ...options }]),
      type,
      message,
    );
  }
});

mannerTest(
  "send() from an address that this host has not is refused",
  async (open) => {
    const [alice, bob] = [open({ hostname: "0.0.0.0" }), open()];
    await assertRejects(() =>
      alice.send(bytes(3), bob.addr, { local: "192.0.2.1" })
    );
    await alice.send(bytes(4), bob.addr);
    assertEquals((await take(bob, 1)).map(({ data }) => data), [bytes(4)]);
  },
);

sessionTest("send() and sendMany() need no transport", async (openSession) => {
  await using session = openSession();
  using alice = listenDatagram({ hostname: "127.0.0.1", session });
  using bob = listenDatagram({ hostname: "127.0.0.1", session });
  const { port } = bob.addr;
  await alice.send(bytes(1), { port });
  await alice.sendMany([{ data: bytes(2), addr: { port } }]);
  assertEquals((await take(bob, 2)).map(({ data }) => data.length), [1, 2]);
});

function fail(): never {
  throw new Error("There is no datagram");
}
