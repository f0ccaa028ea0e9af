/**
 * Sockets that a program forgets: the collector closes them, under the name by
 * which the program knows them, and frees their ports; but not while somebody
 * waits for something of them.
 *
 * @module
 */
import { showAddress } from "../../ffi/address.ts";
import { assertEquals, assertMatch } from "@std/assert";
import {
  connect,
  listen,
  listenDatagram,
  type RioDatagramConn,
  type RioSession,
  type RioTcpConn,
} from "../../mod.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { isWine } from "../windows/wine.ts";

declare const gc: () => void;

/** Collects until something holds; returns the warnings meanwhile. */
async function collectUntil(
  holds: () => boolean,
  what: string,
): Promise<string[]> {
  const warnings: string[] = [];
  // deno-lint-ignore no-console -- the net warns there
  const original = console.warn;
  console.warn = (message: string) => void warnings.push(message);
  try {
    await until(() => {
      gc();
      return holds();
    }, what);
    // Whatever else was collected with it has its turn.
    await new Promise((resolve) => setTimeout(resolve));
  } finally {
    console.warn = original;
  }
  return warnings;
}

/** Collects several times; nothing may be warned of. */
async function collectNothing(): Promise<void> {
  let rounds = 0;
  const warnings = await collectUntil(() => ++rounds > 4, "some rounds");
  assertEquals(warnings, []);
}

function connectTo(
  session: RioSession,
  { hostname, port }: Deno.NetAddr,
): Promise<RioTcpConn> {
  return within(connect({ session, hostname, port }));
}

const noSockets = (session: RioSession) => () => session.stats().sockets === 0;

const DROPPED =
  / was dropped without being disposed and was released by the garbage collector: declare it with "using"$/;

function assertWarned(warnings: readonly string[], names: string[]): void {
  for (const warning of warnings) assertMatch(warning, DROPPED);
  const told = warnings.map((warning) => warning.replace(DROPPED, ""));
  assertEquals(told.sort(), names.sort());
}

/** What a program did with a datagram socket before it forgot it. */
const USES: Readonly<
  Record<string, (conn: RioDatagramConn) => unknown>
> = {
  "was not used": () => {},
  "has received": async (conn) => {
    await conn.send(new Uint8Array(3), conn.addr);
    await within(conn.receive());
  },
  "has received a batch": async (conn) => {
    const data = new Uint8Array(3);
    for (let i = 0; i < 3; i++) {
      await conn.sendMany([7, 8, 9].map(() => ({ data, addr: conn.addr })));
      using _batch = await within(conn.receiveMany());
    }
  },
  "is connected": (conn) => conn.connect(conn.addr),
  "has datagrams that nobody received": async (conn) => {
    await conn.send(new Uint8Array(3), conn.addr);
  },
};

// Wine lacks what tells the codepoint.
const INFO = isWine() ? [false] : [false, true];

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const [what, use] of Object.entries(USES)) {
    for (const info of what.includes("batch") ? INFO : [false]) {
      sessionTest(
        `a dropped listenDatagram() that ${what} is closed by its name, and its port is free, ${hostname}, info ${info}`,
        async (open) => {
          using session = open();
          const port = await (async () => {
            const conn = listenDatagram({ session, hostname, info });
            await use(conn);
            return conn.addr.port;
          })();
          const warnings = await collectUntil(
            noSockets(session),
            "the socket to be closed",
          );
          assertWarned(warnings, [
            `RioDatagramConn on ${showAddress({ hostname, port })}`,
          ]);
          listenDatagram({ session, hostname, port }).close();
        },
        hostname === "::1" ? { only: ["linux", "windows"] } : {},
      );
    }
  }

  sessionTest(
    `a dropped listen() is closed by its name, and its port is free, ${hostname}`,
    async (open) => {
      using session = open();
      const port = (() => listen({ session, hostname }).addr.port)();
      const warnings = await collectUntil(
        noSockets(session),
        "the listener to be closed",
      );
      assertWarned(warnings, [
        `RioTcpListener on ${showAddress({ hostname, port })}`,
      ]);
      listen({ session, hostname, port }).close();
    },
    hostname === "::1" ? { only: ["linux", "windows"] } : {},
  );

  for (const end of ["client", "server"] as const) {
    sessionTest(
      `a dropped connection is closed by its name, and its peer reads to the end, the ${end}, ${hostname}`,
      async (open) => {
        using session = open();
        let name = "";
        const kept = await (async () => {
          using listener = listen({ session, hostname });
          const accepted = listener.accept();
          const client = await connectTo(session, listener.addr);
          const server = await within(accepted);
          const [forgotten, other] = end === "client"
            ? [client, server]
            : [server, client];
          await within(forgotten.write(new Uint8Array([1, 2, 3])));
          const to = forgotten.remoteAddr;
          name = `RioTcpConn to ${showAddress(to)}`;
          return other;
        })();
        const warnings = await collectUntil(
          () => session.stats().sockets === 1,
          "the connection to be closed",
        );
        assertWarned(warnings, [name]);
        const p = new Uint8Array(9);
        assertEquals(await within(kept.read(p)), 3);
        assertEquals(await within(kept.read(p)), null);
        kept.close();
      },
      hostname === "::1" ? { only: ["linux", "windows"] } : {},
    );
  }
}

sessionTest("what was closed is not warned of", async (open) => {
  using session = open();
  await (async () => {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    await conn.send(new Uint8Array(3), conn.addr);
    using listener = listen({ session, hostname: "127.0.0.1" });
    const accepted = listener.accept();
    const client = await connectTo(session, listener.addr);
    (await within(accepted)).close();
    client.reset();
  })();
  await collectNothing();
  assertEquals(session.stats().sockets, 0);
});

const RECEIVES: Readonly<
  Record<string, (conn: RioDatagramConn) => Promise<number>>
> = {
  receive: (conn) => conn.receive().then(([data]) => data.length),
  receiveMany: (conn) =>
    conn.receiveMany().then((batch) => {
      using _batch = batch;
      return [...batch][0]!.data.length;
    }),
};

for (const [method, receive] of Object.entries(RECEIVES)) {
  sessionTest(
    `a datagram socket is kept while conn.${method}() waits`,
    async (open) => {
      using session = open();
      const { addr, received } = (() => {
        const conn = listenDatagram({ session, hostname: "127.0.0.1" });
        return { addr: conn.addr, received: receive(conn) };
      })();
      await collectNothing();
      using sender = listenDatagram({ session, hostname: "127.0.0.1" });
      await sender.send(new Uint8Array(3), addr);
      assertEquals(await within(received), 3);
      const warnings = await collectUntil(
        () => session.stats().sockets === 1,
        "the socket to be closed",
      );
      assertWarned(warnings, [
        `RioDatagramConn on ${showAddress(addr)}`,
      ]);
    },
  );
}

sessionTest("a datagram socket is kept while it is iterated", async (open) => {
  using session = open();
  const { promise, resolve } = Promise.withResolvers<number>();
  const addr = (() => {
    const conn = listenDatagram({ session, hostname: "127.0.0.1" });
    (async () => {
      for await (const [{ length }] of conn) resolve(length);
    })();
    return conn.addr;
  })();
  await collectNothing();
  using sender = listenDatagram({ session, hostname: "127.0.0.1" });
  await sender.send(new Uint8Array(3), addr);
  assertEquals(await within(promise), 3);
  await collectNothing();
  // Its loop ends with the session.
});

sessionTest("a listener is kept while accept() waits", async (open) => {
  using session = open();
  const { addr, accepted } = (() => {
    const listener = listen({ session, hostname: "127.0.0.1" });
    return { addr: listener.addr, accepted: listener.accept() };
  })();
  await collectNothing();
  using _client = await connectTo(session, addr);
  using _server = await within(accepted);
  const warnings = await collectUntil(
    () => session.stats().sockets === 2,
    "the listener to be closed",
  );
  assertWarned(warnings, [`RioTcpListener on ${showAddress(addr)}`]);
});

for (const way of ["read", "readable"] as const) {
  sessionTest(`a connection is kept while its ${way} waits`, async (open) => {
    using session = open();
    const { server, got } = await (async () => {
      using listener = listen({ session, hostname: "127.0.0.1" });
      const accepted = listener.accept();
      const client = await connectTo(session, listener.addr);
      const p = new Uint8Array(9);
      const got = way === "read"
        ? client.read(p)
        : client.readable.getReader().read().then(({ value }) => value!.length);
      return { server: await within(accepted), got };
    })();
    await collectNothing();
    await within(server.write(new Uint8Array(3)));
    assertEquals(await within(got), 3);
    server.close();
    await collectUntil(noSockets(session), "the connection to be closed");
  });
}

sessionTest(
  "a connection is kept until its writes have ended",
  async (open) => {
    using session = open();
    const size = 8 << 20;
    const { server, written } = await (async () => {
      using listener = listen({ session, hostname: "127.0.0.1" });
      const accepted = listener.accept();
      const client = await connectTo(session, listener.addr);
      const written = client.write(new Uint8Array(size));
      return { server: await within(accepted), written };
    })();
    await collectNothing();
    const p = new Uint8Array(1 << 20);
    let got = 0;
    while (got < size) got += (await within(server.read(p)))!;
    assertEquals(await within(written), size);
    server.close();
    await collectUntil(noSockets(session), "the connection to be closed");
  },
  { only: ["linux", "windows"] },
);
