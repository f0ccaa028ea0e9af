/** Where data moves without requests, queues are made when somebody asks. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { WSAENOBUFS } from "../../ffi/error_numbers.ts";
import { openBackend, openSession } from "../../ffi/mod.ts";
import {
  connect,
  listen,
  listenDatagram,
  RioClosedError,
  type RioDatagramConn,
  type RioSession,
  type RioSocket,
} from "../../mod.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { skipped } from "../skip.ts";

const HOST = "127.0.0.1";
const only = ["linux"] as const;
const NOT_LINUX = Deno.build.os === "linux"
  ? undefined
  : "queues are made at once here";

/** Queues and buffers that are there. */
function held(session: RioSession): [queues: number, buffers: number] {
  const { completionQueues, buffers } = session.stats();
  return [completionQueues, buffers];
}

async function open(
  kind: "udp" | "tcp",
  session: RioSession,
): Promise<{ socket: RioSocket } & Disposable> {
  if (kind === "udp") return listenDatagram({ hostname: HOST, session });
  using listener = listen({ hostname: HOST, session });
  const accepted = listener.accept();
  const { port } = listener.addr;
  const client = await connect({ hostname: HOST, port, session });
  (await accepted).close();
  return client;
}

async function roundTrip(conn: RioDatagramConn): Promise<void> {
  await conn.send(new Uint8Array([7]), conn.addr);
  assertEquals([...(await within(conn.receive()))[0]], [7]);
}

sessionTest(
  "a datagram socket makes its queues when it receives many",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ hostname: HOST, session });
    await roundTrip(conn);
    assertEquals(held(session), [0, 0]);
    assertEquals([conn.socket.receives, conn.socket.sends], [64, 64]);
    for (let i = 0; i < 9; i++) {
      await conn.send(new Uint8Array([i]), conn.addr);
    }
    // A few are taken without: only then is it many.
    using few = await within(conn.receiveMany());
    assertEquals([...few].map(({ data }) => data[0]), [0, 1, 2, 3, 4, 5, 6, 7]);
    assertEquals(held(session), [0, 0]);
    using batch = await within(conn.receiveMany());
    assertEquals([...batch].map(({ data }) => [...data]), [[8]]);
    assertEquals(held(session), [2, 1]);
    const { completions, sendCompletions } = conn.socket;
    assertEquals([completions.reserved, sendCompletions.reserved], [64, 64]);
  },
  { only },
);

sessionTest(
  "a datagram socket makes its queues when it sends many",
  async (openSession) => {
    using session = openSession();
    using conn = listenDatagram({ hostname: HOST, session, sends: 3 });
    const datagram = { data: new Uint8Array([9]), addr: conn.addr };
    assertEquals(await within(conn.sendMany([datagram, datagram])), 2);
    assertEquals(held(session), [2, 1]);
    assertEquals(conn.socket.sendCompletions.capacity, 3);
    assertEquals([...(await within(conn.receive()))[0]], [9]);
  },
  { only },
);

for (const kind of ["udp", "tcp"] as const) {
  const uses: Record<string, (socket: RioSocket) => unknown> = {
    completions: (socket) => socket.completions,
    sendCompletions: (socket) => socket.sendCompletions,
    "receive()": (socket) => assertThrows(() => socket.receive({} as never)),
    "send()": (socket) => assertThrows(() => socket.send({} as never)),
    "resize()": (socket) => socket.resize({ receives: 5 }),
  };
  for (const [what, use] of Object.entries(uses)) {
    sessionTest(
      `conn.socket.${what} makes the queues of a ${kind} socket`,
      async (openSession) => {
        using session = openSession();
        using conn = await open(kind, session);
        assertEquals(held(session), [0, 0]);
        use(conn.socket);
        assertEquals(held(session), [kind === "udp" ? 2 : 1, 0]);
        const receives = what === "resize()" ? 5 : 64;
        assertEquals(conn.socket.receives, receives);
        assertEquals(conn.socket.sends, 64);
        const { completions, sendCompletions } = conn.socket;
        const reserved = completions === sendCompletions
          ? receives + 64
          : receives;
        assertEquals(completions.reserved, reserved);
        conn[Symbol.dispose]();
        await until(() => held(session)[0] === 0, "the queues to be closed");
      },
      { only },
    );
  }

  sessionTest(
    `conn.socket.commit() of a ${kind} socket has nothing to do without queues`,
    async (openSession) => {
      using session = openSession();
      using conn = await open(kind, session);
      conn.socket.commit();
      assertEquals(held(session), [0, 0]);
    },
    { only },
  );

  sessionTest(
    `conn.socket of a closed ${kind} socket has no queues any more`,
    async (openSession) => {
      using session = openSession();
      using conn = await open(kind, session);
      const { socket } = conn;
      conn[Symbol.dispose]();
      for (const name of ["completions", "sendCompletions"] as const) {
        assertThrows(() => socket[name], RioClosedError, "socket was closed");
      }
      assertThrows(() => socket.resize({ sends: 1 }), RioClosedError);
      assertEquals(held(session), [0, 0]);
    },
    { only },
  );
}

for (const call of ["createCompletionQueue", "createRequestQueue"] as const) {
  const name = `queues are made by the next call when ${call}() has failed`;
  Deno.test({
    name: `linux: ${name}`,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      const backend = openBackend();
      const { rings } = backend;
      const make = rings[call].bind(rings) as (...given: unknown[]) => number;
      let made = 0;
      // The second queue of the first call fails, and the next call at once.
      rings[call] = (...given: unknown[]) =>
        [1, 2].includes(made++) ? -WSAENOBUFS : make(...given);
      if (call === "createRequestQueue") made = 1;
      const session = openSession(backend);
      using conn = listenDatagram({ hostname: HOST, session });
      for (let i = 0; i < 9; i++) {
        await conn.send(new Uint8Array([7]), conn.addr);
      }
      (await within(conn.receiveMany()))[Symbol.dispose]();
      for (let i = 0; i < 2; i++) {
        await assertRejects(() => conn.receiveMany(), Error, "WSAENOBUFS");
      }
      using batch = await within(conn.receiveMany());
      assertEquals(batch.length, 1);
      // None was lost: all but the one in the batch are posted.
      assertEquals(conn.socket.outstandingReceives, 63);
      assertEquals(held(session), [2, 1]);
      conn[Symbol.dispose]();
      await session.close();
      assertEquals(held(session), [0, 0]);
    },
  });
}
