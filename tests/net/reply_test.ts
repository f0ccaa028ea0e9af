/**
 * Answers leave from the address that was asked, on sockets that are bound to
 * all addresses of the host.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  listenDatagram,
  type RioDatagram,
  type RioDatagramConn,
  type RioListenDatagramOptions,
} from "../../mod.ts";
import { WSAEADDRNOTAVAIL } from "../../ffi/error_numbers.ts";
import {
  type Intent,
  type Open as OpenSession,
  sessionTest,
  WITH_CONTROL,
} from "../session/harness.ts";
import { skipped } from "../skip.ts";
import { bytes, within } from "./harness.ts";
import { isWine } from "../windows/wine.ts";

type Options = Omit<RioListenDatagramOptions, "session">;
type Open = (options?: Options) => RioDatagramConn;

const LINUX = { only: ["linux"] } as const;
const EVERYWHERE = { only: ["linux", "fake", "windows"] } as const;

/** Registers a test of datagram sockets in a session of their own. */
function replyTest(
  name: string,
  body: (open: Open, system: OpenSession["system"]) => Promise<void>,
  intent: Intent = WITH_CONTROL,
): void {
  sessionTest(name, async (openSession) => {
    await using session = openSession();
    using stack = new DisposableStack();
    await body(
      (options = {}) =>
        stack.use(
          listenDatagram({ hostname: "127.0.0.1", session, ...options }),
        ),
      openSession.system,
    );
  }, intent);
}

/** A client that hears only what comes from the address that it asks. */
async function client(
  open: Open,
  server: RioDatagramConn,
  hostname: string,
): Promise<RioDatagramConn> {
  const own = hostname.includes(":") ? "::1" : "127.0.0.1";
  const conn = open({ hostname: own });
  await conn.connect({ hostname, port: server.addr.port });
  return conn;
}

/** Answers so many questions, in batches. */
async function answer(
  server: RioDatagramConn,
  count: number,
  reply: (batch: Iterable<RioDatagram>) => Iterable<RioDatagram> = (batch) =>
    batch,
): Promise<void> {
  for (let answered = 0; answered < count;) {
    using batch = await within(server.receiveMany());
    answered += batch.length;
    await server.sendMany(reply(batch));
  }
}

const PLACES = [
  ["0.0.0.0", ["127.0.0.2", "127.0.0.1", "127.0.0.3"]],
  ["::", ["127.0.0.2", "::1", "127.0.0.3"]],
] as const;
const KINDS: readonly [string, Options][] = [
  ["", {}],
  [" with info", { info: true }],
  [" with coalesce", { coalesce: true }],
];

for (const [hostname, hosts] of PLACES) {
  for (const [kind, options] of KINDS) {
    // One is received by itself, many in slots.
    for (const count of [1, 40]) {
      replyTest(
        `${count} answers from ${hostname}${kind} leave from where each was asked`,
        async (open, system) => {
          if (kind === " with coalesce" && system === "fake") return;
          const server = open({ hostname, ...options });
          const clients = [];
          for (const host of hosts) {
            clients.push(await client(open, server, host));
          }
          const question = { data: bytes(5) };
          for (let i = 0; i < 2; i++) {
            // Those of several clients are mixed.
            for (let left = count; left > 0; left -= 8) {
              for (const conn of clients) {
                const size = Math.min(left, 8);
                await conn.sendMany(new Array(size).fill(question));
              }
            }
            await answer(server, count * clients.length);
            for (const conn of clients) {
              for (let got = 0; got < count;) {
                using batch = await within(conn.receiveMany());
                got += batch.length;
              }
            }
          }
        },
      );
    }
  }

  replyTest(
    `another answer from ${hostname} leaves from where it was asked`,
    async (open) => {
      const server = open({ hostname });
      for (const host of hosts) {
        const conn = await client(open, server, host);
        await conn.send(bytes(3));
        await answer(server, 1, (batch) =>
          [...batch].flatMap((datagram) => [
            { ...datagram, data: bytes(7) },
            { data: bytes(8), addr: datagram.addr!, local: datagram.local },
          ]));
        const lengths = [];
        for (let i = 0; i < 2; i++) {
          const [data, addr] = await within(conn.receive());
          assertEquals(addr.hostname, host);
          lengths.push(data.length);
        }
        assertEquals(lengths, [7, 8]);
      }
    },
  );

  replyTest(
    `a batch on ${hostname} tells the address that was asked`,
    async (open) => {
      const servers = [open({ hostname })];
      // Wine has no ECN.
      if (!isWine()) servers.push(open({ hostname, info: true }));
      for (const server of servers) {
        for (const host of hosts) {
          const conn = await client(open, server, host);
          for (const count of [1, 20]) {
            await conn.sendMany(new Array(count).fill({ data: bytes(3) }));
            for (let got = 0; got < count;) {
              using batch = await within(server.receiveMany());
              got += batch.length;
              for (const { local } of batch) assertEquals(local, host);
            }
          }
        }
      }
    },
    EVERYWHERE,
  );
}

replyTest("a batch tells no address where there is one", async (open) => {
  const [alice, bob] = [open(), open()];
  for (const count of [1, 30]) {
    const { addr } = bob;
    await alice.sendMany(new Array(count).fill({ data: bytes(1), addr }));
    for (let got = 0; got < count;) {
      using batch = await within(bob.receiveMany());
      got += batch.length;
      for (const { local } of batch) assertEquals(local, undefined);
    }
  }
}, EVERYWHERE);

for (const hostname of ["0.0.0.0", "::"]) {
  replyTest(
    `a broadcast to ${hostname} is answered from an address of the host`,
    async (open) => {
      const server = open({ hostname });
      const alice = open();
      const { port } = server.addr;
      for (const count of [1, 30]) {
        const addr = { hostname: "127.255.255.255", port };
        await alice.sendMany(new Array(count).fill({ data: bytes(2), addr }));
        await answer(server, count);
        for (let i = 0; i < count; i++) {
          const [, from] = await within(alice.receive());
          assertEquals(from, { transport: "udp", hostname: "127.0.0.1", port });
        }
      }
    },
    LINUX,
  );
}

sessionTest(
  "a broadcast to Windows is answered from where the system chooses",
  async (openSession) => {
    await using session = openSession();
    using server = listenDatagram({ hostname: "0.0.0.0", session });
    using alice = listenDatagram({ hostname: "127.0.0.1", session });
    const question = {
      data: bytes(3),
      addr: { hostname: "127.0.0.9", port: server.addr.port },
    };
    // No socket can be bound to the address of a broadcast, which is asked once.
    openSession.fake!.fail("bind", WSAEADDRNOTAVAIL);
    for (let i = 0; i < 2; i++) {
      await alice.sendMany([question, question]);
      for (let got = 0; got < 2;) {
        using batch = await within(server.receiveMany());
        got += batch.length;
        for (const { local } of batch) assertEquals(local, undefined);
        await server.sendMany(batch);
      }
    }
    const answers = await Promise.all([1, 2, 3, 4].map(() => alice.receive()));
    assertEquals(
      answers.map(([, { hostname }]) => hostname),
      new Array(4).fill("127.0.0.1"),
    );
  },
  { only: ["fake"] },
);

replyTest("a question to a group is answered all the same", async (open) => {
  const server = open({ hostname: "0.0.0.0" });
  await server.joinMulticastV4("224.0.0.251", "127.0.0.1");
  const alice = open({ loopback: true });
  const { port } = server.addr;
  await alice.send(bytes(2), { hostname: "224.0.0.251", port });
  await answer(server, 1);
  assertEquals((await within(alice.receive()))[1].port, port);
}, LINUX);

replyTest("a question to a link-local address is answered", async (open) => {
  const found = Deno.networkInterfaces().find(({ address }) =>
    address.startsWith("fe80:")
  );
  const missing = "this host has no address of one link";
  if (skipped("link-local", found ? undefined : missing)) return;
  const { address, scopeid } = found!;
  const hostname = `${address.split("%")[0]}%${scopeid}`;
  const server = open({ hostname: "::" });
  const conn = open({ hostname: "::" });
  await conn.connect({ hostname, port: server.addr.port });
  await conn.send(bytes(3));
  await answer(server, 1);
  assertEquals((await within(conn.receive()))[0], bytes(3));
}, LINUX);

replyTest(
  "a connected socket that was bound to all addresses answers its peer",
  async (open) => {
    const server = open({ hostname: "0.0.0.0" });
    const conn = await client(open, server, "127.0.0.2");
    await conn.send(bytes(3));
    using batch = await within(server.receiveMany());
    await server.connect(conn.addr);
    // What it answers to was asked elsewhere than it sends from by itself.
    await server.sendMany(batch);
    assertEquals((await within(conn.receive()))[0], bytes(3));
  },
);

replyTest("info tells the hops that were left", async (open) => {
  const server = open({ hostname: "::", info: true });
  for (const hostname of ["127.0.0.1", "::1"]) {
    const alice = open({ hostname, timeToLive: 9 });
    await alice.send(bytes(1), { hostname, port: server.addr.port });
    using batch = await within(server.receiveMany());
    assertEquals([...batch].map(({ info }) => info.timeToLive), [9]);
  }
}, LINUX);

replyTest("timestamps tells when each datagram came", async (open) => {
  const server = open({ timestamps: true });
  const alice = open();
  const datagram = { data: bytes(1), addr: server.addr };
  await alice.sendMany([datagram, datagram, datagram]);
  const stamps: bigint[] = [];
  while (stamps.length < 3) {
    using batch = await within(server.receiveMany());
    for (const { info } of batch) stamps.push(info.timestamp!);
  }
  assert(stamps.every((stamp) => stamp > 0n), `${stamps}`);
}, LINUX);

replyTest("timestamps is refused where the system has none", (open) => {
  assertThrows(
    () => open({ timestamps: true }),
    Deno.errors.NotSupported,
    "Cannot tell when datagrams are received",
  );
  return Promise.resolve();
}, { only: ["fake", "windows"] });

replyTest(
  "an answer from an address that is gone fails, and the next one goes",
  async (open) => {
    const server = open({ hostname: "0.0.0.0" });
    const alice = open();
    await assertRejects(() =>
      server.sendMany([{
        data: bytes(1),
        addr: alice.addr,
        local: "192.0.2.77",
      }])
    );
    assertEquals(
      await server.sendMany([{ data: bytes(2), addr: alice.addr }]),
      1,
    );
    assertEquals((await within(alice.receive()))[0], bytes(2));
  },
);
