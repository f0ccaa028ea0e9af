/** Hours of sessions, in as long as what happens in them takes. */
import { assertEquals } from "@std/assert";
import { connect, listen, listenDatagram, type RioSession } from "../../mod.ts";
import { Random } from "../model/random.ts";
import { HOST } from "../net/connection.ts";
import { virtualTest } from "./harness.ts";
import type { VirtualClock } from "./virtual_clock.ts";

const MINUTE_MS = 60_000;
const HOURS = 8;
const CLIENTS = 4;

/** What was done in all. */
interface Account {
  datagrams: number;
  roundTrips: number;
  connections: number;
}

/** Answers whatever comes, until it is closed. */
function serve(session: RioSession) {
  using stack = new DisposableStack();
  const datagrams = stack.use(listenDatagram({ hostname: HOST, session }));
  const listener = stack.use(listen({ hostname: HOST, session }));
  const echo = async () => {
    for await (const [data, addr] of datagrams) {
      await datagrams.send(data, addr);
    }
  };
  const accept = async () => {
    for await (const conn of listener) {
      conn.readable.pipeTo(conn.writable).catch(() => {});
    }
  };
  const ended = Promise.all([echo(), accept()]);
  const parts = stack.move();
  return { datagrams, listener, end: () => (parts.dispose(), ended) };
}

type Server = ReturnType<typeof serve>;

/** Asks a server now and then, for hours. */
async function ask(
  { clock, session, server, random, account }: {
    clock: VirtualClock;
    session: RioSession;
    server: Server;
    random: Random;
    account: Account;
  },
): Promise<void> {
  using datagrams = listenDatagram({ hostname: HOST, session });
  const end = HOURS * 60 * MINUTE_MS;
  while (clock.now() < end) {
    await clock.pass(random.below(5 * MINUTE_MS));
    const bytes = random.bytes(1 + random.below(1000));
    await datagrams.send(bytes, server.datagrams.addr);
    const [answer] = await datagrams.receive();
    assertEquals(answer, bytes);
    account.datagrams++;
    if (!random.oneIn(3)) continue;
    const { port } = server.listener.addr;
    using conn = await connect({ port, session });
    account.connections++;
    for (let left = random.below(4); left > 0; left--) {
      await clock.pass(random.below(MINUTE_MS));
      await conn.write(bytes);
      const read = new Uint8Array(bytes.length);
      for (let at = 0; at < read.length;) {
        at += await conn.read(read.subarray(at)) ?? 0;
      }
      assertEquals(read, bytes);
      account.roundTrips++;
    }
  }
}

virtualTest(
  `${HOURS} hours of a server and its clients lose nothing and leave nothing`,
  async ({ clock, open }) => {
    const account = { datagrams: 0, roundTrips: 0, connections: 0 };
    using session = open();
    const server = serve(session);
    const clients = Array.from({ length: CLIENTS }, async (_, i) => {
      using session = open();
      const random = new Random(i);
      await ask({ clock, session, server, random, account });
      await session.close();
    });
    await Promise.all(clients);
    await server.end();
    // Connections end when the last of their requests did.
    await clock.pass(MINUTE_MS);
    const { sockets, outstanding } = session.stats();
    assertEquals([sockets, outstanding], [0, 0]);
    await session.close();
    const least = HOURS * 60 / 5 * CLIENTS;
    assertEquals(
      [
        account.datagrams > least,
        account.connections > least / 4,
        account.roundTrips > least / 4,
      ],
      [true, true, true],
    );
  },
);
