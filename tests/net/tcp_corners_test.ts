/** Connections where little traffic comes to: refused options, ends, failures. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  listen,
  type RioSession,
  type RioTcpConn,
} from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { openBoth } from "./connection.ts";

const only = ["fake"] as const;

sessionTest(
  "conn.ref() and conn.unref() change a read that waits",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    using _client = client;
    using _server = server;
    const bytes = new Uint8Array(4);
    const read = server.read(bytes);
    server.unref();
    server.ref();
    server.unref();
    await client.write(new Uint8Array([7]));
    assertEquals([await within(read), bytes[0]], [1, 7]);
  },
);

for (const p of ["text", 7, undefined, new ArrayBuffer(4)]) {
  sessionTest(
    `conn.read() and conn.write() reject with TypeError for ${
      Deno.inspect(p, { compact: true }).split(" ")[0]
    }`,
    async (open) => {
      using session = open();
      const [client, server] = await openBoth(session);
      using _client = client;
      using _server = server;
      const wrong = p as unknown as Uint8Array;
      await assertRejects(() => client.read(wrong), TypeError, "Invalid p");
      await assertRejects(() => client.write(wrong), TypeError, "Invalid p");
      assertEquals(await client.write(new Uint8Array(3)), 3);
    },
  );
}

sessionTest(
  "conn.reset() closes when the system refuses the option",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    using _server = server;
    open.fake!.fail("setsockopt", 10022);
    client.reset();
    assertEquals(open.fake!.failing, false);
    assertThrows(() => client.reset(), Deno.errors.BadResource);
  },
  { only },
);

sessionTest(
  "conn.write() of nothing rejects with EPIPE after closeWrite()",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    using _client = client;
    using _server = server;
    assertEquals(await client.write(new Uint8Array()), 0);
    await client.closeWrite();
    await assertRejects(
      () => client.write(new Uint8Array()),
      Deno.build.os === "windows" ? Error : Deno.errors.BrokenPipe,
      "(os error ",
    );
  },
);

for (const [errno, outcome] of [[10057, "ok"], [10050, "Error"]] as const) {
  sessionTest(
    `conn.closeWrite() is ${outcome} when shutdown fails with ${errno}`,
    async (open) => {
      using session = open();
      const [client, server] = await openBoth(session);
      using _client = client;
      using _server = server;
      open.fake!.fail("shutdown", errno);
      const end = client.closeWrite().then(() => "ok", (error) => error.name);
      assertEquals(await within(end), outcome);
      assertEquals(open.fake!.failing, false);
    },
    { only },
  );
}

sessionTest(
  "conn.read() rejects when no receive can be posted, and the next one reads",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    using _client = client;
    using _server = server;
    open.fake!.fail("RIOReceive", 10055);
    const bytes = new Uint8Array(4);
    await assertRejects(() => within(server.read(bytes)), Error, "10055");
    await client.write(new Uint8Array([1]));
    assertEquals(await within(server.read(bytes)), 1);
  },
  { only },
);

/** Bytes that take more sends than a connection starts with. */
const BULK = 300_000;

/** Reserves what the queue of sends has left, as other connections would. */
function fill(session: RioSession, { socket }: RioTcpConn): Disposable {
  const { completions: receive, sendCompletions: send } = socket;
  return session.openSocket({
    transport: "udp",
    hostname: "127.0.0.1",
    completions: { receive, send },
    receives: 0,
    sends: send.capacity - send.reserved,
  });
}

for (const name of ["RIOResizeRequestQueue", "RIOResizeCompletionQueue"]) {
  sessionTest(
    `conn.write() of much goes on with one send when ${name} fails`,
    async (open) => {
      using session = open();
      const [client, server] = await openBoth(session);
      using _client = client;
      using _server = server;
      using _others = fill(session, client);
      open.fake!.fail(name, 10055, { times: Infinity });
      const written = client.write(new Uint8Array(BULK).fill(7));
      const bytes = new Uint8Array(65536);
      let received = 0;
      while (received < BULK) received += (await within(server.read(bytes)))!;
      assertEquals([await within(written), received], [BULK, BULK]);
      assertEquals(client.socket.sends, 1);
      assert(open.fake!.counts[name]! > 0, `${name} was not called`);
    },
    { only },
  );
}

for (
  const [what, chunk] of [
    ["a DataView", new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2)],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer],
  ] as const
) {
  sessionTest(`conn.writable takes ${what}`, async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    using _server = server;
    const writer = client.writable.getWriter();
    await writer.write(chunk as unknown as Uint8Array);
    await writer.close();
    const bytes = new Uint8Array(8);
    assertEquals(await within(server.read(bytes)), 2);
    assertEquals([...bytes.subarray(0, 2)], [1, 2]);
  });
}

sessionTest(
  "a listener's loop ends when the session is closed",
  async (open) => {
    const session = open();
    using listener = listen({ hostname: "127.0.0.1", session });
    const next = listener[Symbol.asyncIterator]().next();
    await session.close();
    assertEquals(await within(next), { value: undefined, done: true });
  },
);

sessionTest(
  "a listener's loop goes on when descriptors have run out for a while",
  async (open) => {
    using session = open();
    using listener = listen({ hostname: "127.0.0.1", session });
    open.fake!.fail("AcceptEx", 10024, { times: 2 });
    const loop = listener[Symbol.asyncIterator]();
    const next = loop.next();
    const { hostname, port } = listener.addr;
    using client = await within(connect({ hostname, port, session }));
    const { value } = await within(next);
    using server: RioTcpConn = value;
    assertEquals(server.remoteAddr, client.localAddr);
    assertEquals(open.fake!.failing, false);
  },
  { only },
);

sessionTest(
  "a listener's loop throws when the system accepts no more",
  async (open) => {
    using session = open();
    using listener = listen({ hostname: "127.0.0.1", session });
    open.fake!.fail("AcceptEx", 10050);
    const loop = listener[Symbol.asyncIterator]();
    await assertRejects(() => within(loop.next()), Error, "10050");
  },
  { only },
);
