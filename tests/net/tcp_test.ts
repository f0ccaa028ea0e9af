/** Connections: what is written is read, in order and whole. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, listen, RioTcpConn, type RioTcpListener } from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { encode, HOST, openBoth, text } from "./connection.ts";

/** Bytes that tell where they belong. */
function pattern(length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => (i * 31 + (i >> 11)) & 0xFF);
}

sessionTest(
  "connect() and listen() carry data both ways",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    assertEquals(client.remoteAddr, server.localAddr);
    assertEquals(client.localAddr, server.remoteAddr);
    const p = new Uint8Array(16);
    assertEquals(await within(client.write(encode("ping"))), 4);
    assertEquals(text(p, await within(server.read(p))), "ping");
    assertEquals(await within(server.write(encode("pong!"))), 5);
    assertEquals(text(p, await within(client.read(p))), "pong!");
    client.close();
    assertEquals(await within(server.read(p)), null);
    assertEquals(await within(server.read(p)), null);
    server.close();
  },
);

sessionTest(
  "connections and listeners have their addresses and sockets as properties",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: HOST, session });
    const accepted = listener.accept();
    const { port } = listener.addr;
    using client = await within(connect({ port, session }));
    using server = await within(accepted);
    assertEquals({ ...client }, {
      localAddr: server.remoteAddr,
      remoteAddr: server.localAddr,
      socket: client.socket,
    });
    assertEquals({ ...listener }, {
      addr: server.localAddr,
      socket: listener.socket,
    });
  },
);

sessionTest(
  "conn.read() serves several reads in their order",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const [a, b, c] = [new Uint8Array(2), new Uint8Array(3), new Uint8Array(9)];
    const reads = Promise.all([client.read(a), client.read(b), client.read(c)]);
    await within(server.write(encode("abcdefg")));
    assertEquals(await within(reads), [2, 3, 2]);
    assertEquals([text(a, 2), text(b, 3), text(c, 2)], ["ab", "cde", "fg"]);
    client.close();
    server.close();
  },
);

sessionTest(
  "conn.write() keeps the order of writes that were not awaited",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const sizes = [1, 70_000, 3, 200_000, 0, 65_536];
    const all = pattern(sizes.reduce((sum, size) => sum + size, 0));
    let at = 0;
    const writes = sizes.map((size) => client.write(all.slice(at, at += size)));
    const end = client.closeWrite();
    assertEquals(await within(readAll(server)), all);
    assertEquals(await within(Promise.all(writes)), sizes);
    await within(end);
    client.close();
    server.close();
  },
);

sessionTest(
  "conn.write() of 16 MiB arrives whole, with several sends under way",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    assertEquals(client.socket.sends, 1);
    const data = pattern(1 << 24);
    const written = client.write(data);
    const received = readAll(server);
    assertEquals(await within(written), data.length);
    assertEquals(client.socket.sends, 4);
    client.close();
    assertEquals(await within(received), data);
    server.close();
  },
  { requests: true },
);

sessionTest(
  "conn.write() of 16 MiB arrives whole",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const data = pattern(1 << 24);
    const written = client.write(data);
    const received = readAll(server);
    assertEquals(await within(written), data.length);
    client.close();
    assertEquals(await within(received), data);
    server.close();
  },
  { only: ["linux"] },
);

sessionTest(
  "a peer that reads nothing holds up its own connection only",
  async (openSession) => {
    using session = openSession();
    const [stalled, lazy] = await openBoth(session);
    const [client, server] = await openBoth(session);
    const write = stalled.write(new Uint8Array(1 << 25));
    const rejected = assertRejects(() => write, Deno.errors.Interrupted);
    const p = new Uint8Array(4);
    for (let i = 0; i < 10; i++) {
      await within(client.write(encode("tick")));
      assertEquals(text(p, await within(server.read(p))), "tick");
    }
    stalled.close();
    await within(rejected);
    for (const conn of [lazy, client, server]) conn.close();
  },
  { only: ["linux"] },
);

sessionTest(
  "conn.setNoDelay() and conn.setKeepAlive() set the options",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: HOST, session });
    const accepted = listener.accept();
    const { port } = listener.addr;
    const client = await connect({
      port,
      session,
      noDelay: true,
      keepAlive: true,
    });
    const server = await within(accepted);
    assertEquals(client.socket.getOption("noDelay"), 1);
    assertEquals(client.socket.getOption("keepAlive"), 1);
    assertEquals(server.socket.getOption("noDelay"), 0);
    assertEquals(server.socket.getOption("keepAlive"), 0);
    server.setNoDelay();
    server.setKeepAlive();
    assertEquals(server.socket.getOption("noDelay"), 1);
    assertEquals(server.socket.getOption("keepAlive"), 1);
    server.setNoDelay(false);
    server.setKeepAlive(false);
    assertEquals(server.socket.getOption("noDelay"), 0);
    assertEquals(server.socket.getOption("keepAlive"), 0);
    client.close();
    server.close();
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "conn.read() rejects when its array was transferred meanwhile",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const p = new Uint8Array(8);
    const rejected = assertRejects(() => client.read(p), TypeError);
    structuredClone(p, { transfer: [p.buffer] });
    await within(server.write(encode("lost")));
    await within(rejected);
    await within(server.write(encode("next")));
    // Where the data was moved by a request, it is lost.
    const kept = openSession.system === "linux" ? "lostnext" : "next";
    let got = "";
    while (got.length < kept.length) {
      const q = new Uint8Array(8);
      got += text(q, await within(client.read(q)));
    }
    assertEquals(got, kept);
    client.close();
    server.close();
  },
);

sessionTest(
  "conn.write() rejects when its array was transferred before all was sent",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const length = 20_000_000;
    const p = new Uint8Array(length);
    const rejected = assertRejects(
      () => client.write(p),
      TypeError,
      "the array was transferred",
    );
    structuredClone(p, { transfer: [p.buffer] });
    let received = 0;
    const reading = (async () => {
      for await (const chunk of server.readable) received += chunk.length;
    })();
    await within(rejected);
    assertEquals(await within(client.write(new Uint8Array(3))), 3);
    await within(client.closeWrite());
    await within(reading);
    assert(received > 3 && received < length, `${received} bytes`);
    client.close();
  },
);

Deno.test("connect() and listen() share a session that ends with the last of them", async () => {
  const listener = listen({ hostname: HOST });
  const accepted = listener.accept();
  const client = await connect({ port: listener.addr.port });
  const server = await accepted;
  assert(client instanceof RioTcpConn);
  listener.close();
  client.close();
  assertEquals(await within(server.read(new Uint8Array(1))), null);
  server.close();
});

async function readAll(conn: RioTcpConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const p = new Uint8Array(100_000);
  for (;;) {
    const count = await conn.read(p);
    if (count === null) break;
    chunks.push(p.slice(0, count));
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

Deno.test("RioTcpConn and RioTcpListener fit where Deno's own are asked for", () => {
  // Checked by the compiler.
  const asConn = (conn: RioTcpConn): Deno.TcpConn => conn;
  const asListener = (listener: RioTcpListener): Deno.TcpListener => listener;
  const asConnect = (options: Deno.ConnectOptions) => connect(options);
  const asListen = (options: Deno.TcpListenOptions) => listen(options);
  assertEquals(
    [asConn, asListener, asConnect, asListen].map((it) => it.length),
    [1, 1, 1, 1],
  );
});
