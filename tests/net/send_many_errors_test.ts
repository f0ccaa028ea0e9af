/** An error of sendMany() says which datagram it is about. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { acquireLibrary } from "../../ffi/linux/library.ts";
import { RioError } from "../../ffi/mod.ts";
import {
  listenDatagram,
  type RioDatagram,
  type RioDatagramConn,
} from "../../mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import { sessionTest, within } from "../session/harness.ts";

// Kept open: only the first opening is seen by the sanitizer.
const library = Deno.build.os === "linux" ? acquireLibrary() : null;

/** What an error of sendMany() has. */
interface Told extends Error {
  index?: number;
  sent?: number;
  code?: string;
}

async function errorOf(sending: Promise<number>): Promise<Told> {
  const error: Told = await assertRejects(() => within(sending), Error);
  return error;
}

async function lengths(conn: RioDatagramConn, count: number) {
  const taken: number[] = [];
  while (taken.length < count) {
    using batch = await within(conn.receiveMany());
    for (const { data } of batch) taken.push(data.length);
  }
  return taken;
}

/** One that cannot be sent, by what is wrong with it. */
const WRONG: Readonly<
  Record<string, { datagram: Partial<RioDatagram>; name: string }>
> = {
  "of no bytes": { datagram: { data: "x" as never }, name: "TypeError" },
  "to no port": { datagram: { addr: {} as never }, name: "TypeError" },
  "to no name": {
    datagram: { addr: { transport: "udp", hostname: "a b", port: 9 } },
    name: "URIError",
  },
  "in too many segments": {
    datagram: { data: new Uint8Array(65), segmentSize: 1 },
    name: "RangeError",
  },
  "with an unknown codepoint": { datagram: { ecn: 4 }, name: "RangeError" },
  "longer than a datagram": {
    datagram: { data: new Uint8Array(70_000) },
    name: "Error",
  },
};

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const [what, { datagram, name }] of Object.entries(WRONG)) {
    sessionTest(
      `conn.sendMany() tells which datagram is ${what}, and sends those before it, ${hostname}`,
      async (openSession) => {
        using session = openSession();
        using sender = listenDatagram({ session, hostname });
        using receiver = listenDatagram({ session, hostname });
        const good = (size: number) => ({
          data: new Uint8Array(size),
          addr: receiver.addr,
        });
        const bad = { ...good(9), ...datagram };
        const many = [good(3), good(3), good(4), bad, good(5)];
        const error = await errorOf(sender.sendMany(many));
        assertEquals([error.name, error.index, error.sent], [name, 3, 3]);
        assert(error.message.includes("datagram 3 of those given"));
        assertEquals(await lengths(receiver, 3), [3, 3, 4]);
        // Nothing is left of the call.
        assertEquals(await within(sender.sendMany([good(6)])), 1);
        assertEquals(await lengths(receiver, 1), [6]);
      },
      { only: ["linux", "windows"] },
    );
  }
}

for (const [what, { datagram, name }] of Object.entries(WRONG)) {
  sessionTest(
    `conn.sendMany() tells that its only datagram is ${what}`,
    async (openSession) => {
      using session = openSession();
      using sender = listenDatagram({ session, hostname: "127.0.0.1" });
      const { addr } = sender;
      const wrong = { data: new Uint8Array(9), addr, ...datagram };
      for (const only of [[wrong], [wrong].values()]) {
        const error = await errorOf(sender.sendMany(only));
        assertEquals([error.name, error.index, error.sent], [name, 0, 0]);
        assert(error.message.includes("datagram 0 of those given"));
      }
      const right = { data: new Uint8Array(6), addr };
      for (const only of [[right], [right].values()]) {
        assertEquals(await within(sender.sendMany(only)), 1);
        assertEquals(await lengths(sender, 1), [6]);
      }
    },
    { only: ["linux", "windows"] },
  );
}

sessionTest(
  "conn.sendMany() throws what its iterator throws as it is",
  async (openSession) => {
    using session = openSession();
    using sender = listenDatagram({ session, hostname: "127.0.0.1" });
    const mine = new TypeError("mine");
    function* some(): Generator<RioDatagram> {
      yield { data: new Uint8Array(3), addr: sender.addr };
      throw mine;
    }
    assertEquals(await errorOf(sender.sendMany(some())), mine);
    assertEquals(mine.message, "mine");
  },
);

sessionTest(
  "conn.sendMany() names no datagram when the socket is closed",
  async (openSession) => {
    using session = openSession();
    const sender = listenDatagram({ session, hostname: "127.0.0.1" });
    const { addr } = sender;
    function* closing(): Generator<RioDatagram> {
      sender.close();
      yield { data: new Uint8Array(3), addr };
    }
    const { name, message } = await errorOf(sender.sendMany(closing()));
    assertEquals([name, message], ["BadResource", "Socket has been closed"]);
  },
);

faultyTest(
  "conn.sendMany() tells the first datagram that the system refuses, and sends all others",
  async ({ system, session }) => {
    using sender = listenDatagram({ session, hostname: "127.0.0.1" });
    using receiver = listenDatagram({ session, hostname: "127.0.0.1" });
    let calls = 0;
    system.instead.sendmmsg = (call, fd, messages, _count, flags) => {
      calls++;
      // The first call takes two, the next one fails; then one, and again.
      if (calls === 1) return call(fd, messages, 2, flags);
      if (calls === 3) return call(fd, messages, 1, flags);
      library!.errno[0] = calls === 2 ? 1 : 105;
      return -1;
    };
    const many = [3, 4, 5, 6, 7].map((size) => ({
      data: new Uint8Array(size),
      addr: receiver.addr,
    }));
    const error = await errorOf(sender.sendMany(many));
    assert(error instanceof Deno.errors.PermissionDenied);
    assertEquals([error.code, error.index, error.sent], ["EPERM", 2, 3]);
    assert(error.cause instanceof RioError);
    assertEquals(await lengths(receiver, 3), [3, 4, 6]);
  },
);

sessionTest(
  "conn.send() refuses a segmentSize beyond its limits before it is sent",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    const { posted } = session.stats();
    for (
      const [size, segmentSize, message] of [
        [6401, 100, "it cuts 6401 bytes into 65 datagrams, 64 are the most"],
        [60_000, 70_000, "give a whole number from 0 to 65535"],
        [60_000, -1, "give a whole number from 0 to 65535"],
      ] as const
    ) {
      await assertRejects(
        () =>
          within(conn.send(new Uint8Array(size), conn.addr, { segmentSize })),
        RangeError,
        message,
      );
    }
    assertEquals(session.stats().posted - posted, 0);
  },
  { only: ["linux", "fake"] },
);

sessionTest(
  "conn.send() cuts into as many datagrams as are allowed",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({
      session,
      hostname: "127.0.0.1",
      receiveBufferSize: 1 << 20,
    });
    const data = new Uint8Array(6400);
    assertEquals(
      await within(conn.send(data, conn.addr, { segmentSize: 100 })),
      6400,
    );
    assertEquals(await lengths(conn, 64), Array(64).fill(100));
  },
  { only: ["linux"] },
);

faultyTest(
  "conn.send() tells its segmentSize where the system does not take it",
  async ({ system, session }) => {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    system.instead.sendmmsg = () => {
      library!.errno[0] = 22;
      return -1;
    };
    const data = new Uint8Array(3000);
    const error = await errorOf(
      conn.send(data, conn.addr, { segmentSize: 1500 }),
    );
    assertEquals([error.name, error.code], ["TypeError", "EINVAL"]);
    assert(error.message.includes("its segmentSize was 1500"));
  },
);
