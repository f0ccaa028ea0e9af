/** Connections as streams of Node's: TLS and pipelines over them. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as connectTls, TLSSocket } from "node:tls";
import { createDeflate, createInflate } from "node:zlib";
import { makeCertificate } from "../../examples/certificate.ts";
import { type RioDuplex, toDuplex } from "../../ffi/net/streams/duplex.ts";
import type { RioSession } from "../../mod.ts";
import { sessionTest, until, within } from "../session/harness.ts";
import { encode, openBoth, text } from "./connection.ts";

const LONG = "a line of some length\n".repeat(50_000);

/** Both ends of a connection as streams. */
async function openDuplexes(
  session: RioSession,
): Promise<[client: RioDuplex, server: RioDuplex]> {
  const [client, server] = await openBoth(session);
  return [toDuplex(client), toDuplex(server)];
}

/** Reads to the end; iterating would destroy the stream then. */
async function readAll(stream: Readable): Promise<string> {
  let all = "";
  stream.on("data", (chunk) => all += chunk);
  await once(stream, "end");
  return all;
}

/** Waits until both connections are closed. */
async function closed(...streams: RioDuplex[]): Promise<void> {
  await until(
    () => streams.every(({ conn }) => conn.socket.closed),
    "the end of the connections",
  );
}

sessionTest("toDuplex() carries TLS both ways, and ends", async (open) => {
  using session = open();
  const { key, cert } = await makeCertificate("localhost", "127.0.0.1");
  const [client, server] = await openDuplexes(session);
  const inner = new TLSSocket(server, { isServer: true, key, cert });
  const ended = once(inner, "close");
  inner.pipe(inner);
  const outer = connectTls({
    socket: client,
    ca: cert,
    servername: "localhost",
  });
  await within(once(outer, "secureConnect"));
  assertEquals(outer.authorized, true);
  // An echo of much more stops in Deno's TLS, and so does one that is to end
  // before all of it has left, over Deno's own sockets, too.
  const tale = LONG.slice(0, 100_000);
  const echoed = readAll(outer);
  let left = tale.length;
  outer.on("data", (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left === 0) outer.end();
  });
  outer.write(tale);
  assertEquals(await within(echoed), tale);
  await within(ended);
  await closed(client, server);
});

sessionTest("TLS over toDuplex() refuses a stranger", async (open) => {
  using session = open();
  const { key, cert } = await makeCertificate("localhost", "127.0.0.1");
  const [client, server] = await openDuplexes(session);
  const inner = new TLSSocket(server, { isServer: true, key, cert });
  inner.on("error", () => inner.destroy());
  const outer = connectTls({ socket: client, servername: "localhost" });
  const [error] = await within(once(outer, "error"));
  assertMatch(String(error), /certificate|self.signed|UnknownIssuer/i);
  outer.destroy();
  inner.destroy();
  client.destroy();
  server.destroy();
  await closed(client, server);
});

sessionTest(
  "a pipeline through a transform that takes its time loses nothing",
  async (open) => {
    using session = open();
    const [client, server] = await openDuplexes(session);
    const serving = pipeline(server, createDeflate(), server);
    client.end(LONG);
    const received = await within(readAll(client.pipe(createInflate())));
    assertEquals(received, LONG);
    await within(serving);
    await closed(client, server);
  },
);

sessionTest("toDuplex() may answer after the peer's end", async (open) => {
  using session = open();
  const [client, server] = await openDuplexes(session);
  client.end("question");
  assertEquals(await within(readAll(server)), "question");
  await new Promise((resolve) => setTimeout(resolve, 20));
  server.end("answer");
  assertEquals(await within(readAll(client)), "answer");
  await closed(client, server);
});

sessionTest("toDuplex() waits for a reader that is slow", async (open) => {
  using session = open();
  const [client, server] = await openBoth(session);
  const stream = toDuplex(client);
  const data = new Uint8Array(5_000_000).fill(7);
  const written = new Promise<void>((resolve) =>
    stream.end(data, () => resolve())
  );
  let received = 0;
  const p = new Uint8Array(65536);
  for (let count; (count = await within(server.read(p))) !== null;) {
    assert(p.subarray(0, count).every((byte) => byte === 7));
    received += count;
  }
  assertEquals(received, data.length);
  await within(written);
  stream.destroy();
  server.close();
});

sessionTest("duplex.destroy() closes the connection", async (open) => {
  using session = open();
  const [client, server] = await openBoth(session);
  const stream = toDuplex(client);
  stream.resume();
  stream.destroy();
  await within(once(stream, "close"));
  assertEquals(client.socket.closed, true);
  assertEquals(await within(server.read(new Uint8Array(1))), null);
  server.close();
});

sessionTest(
  "a connection that breaks destroys the stream, with the error",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    const stream = toDuplex(client);
    stream.resume();
    const broken = once(stream, "error");
    const ended = new Promise<void>((resolve) => stream.once("close", resolve));
    server.reset();
    const [error] = await within(broken);
    assert(error instanceof Deno.errors.ConnectionReset, String(error));
    await within(ended);
    assertEquals(client.socket.closed, true);
    await assertRejects(
      () => client.read(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "duplex.destroy() tells that the socket could not be closed",
  async (open) => {
    using session = open();
    const [client, server] = await openDuplexes(session);
    const broken = once(client, "error");
    open.fake!.fail("closesocket", 10022);
    client.destroy();
    const [error] = await within(broken);
    assertMatch(String(error), /10022/);
    const mine = new Error("mine");
    const told = once(server, "error");
    server.destroy(mine);
    assertStrictEquals((await within(told))[0], mine);
    session[Symbol.dispose]();
    assertEquals(open.fake!.takeViolations(), [
      "WSACleanup: 1 sockets are left",
    ]);
  },
  { only: ["fake"], abandons: true },
);

sessionTest("a stream has what clients ask of a socket", async (open) => {
  using session = open();
  const [client, server] = await openBoth(session);
  const stream = toDuplex(client);
  assertStrictEquals(stream.conn, client);
  assertEquals(
    [stream.localAddress, stream.localPort, stream.remoteFamily],
    [client.localAddr.hostname, client.localAddr.port, "IPv4"],
  );
  assertEquals(
    [stream.remoteAddress, stream.remotePort],
    [client.remoteAddr.hostname, client.remoteAddr.port],
  );
  assertStrictEquals(stream.setNoDelay().setKeepAlive(true), stream);
  assertStrictEquals(stream.unref().ref(), stream);
  await within(server.write(encode("some")));
  const [chunk] = await within(once(stream, "data"));
  assertEquals(text(chunk, chunk.length), "some");
  stream.destroy();
  await within(once(stream, "close"));
  // As with Node's, quiet once it is destroyed.
  assertStrictEquals(stream.setNoDelay().setKeepAlive(), stream);
  server.close();
});

sessionTest("duplex.setTimeout() tells when nothing moves", async (open) => {
  using session = open();
  const [client, server] = await openBoth(session);
  const stream = toDuplex(client);
  let told = 0;
  const listener = () => void told++;
  assertEquals(stream.timeout, 0);
  assertStrictEquals(stream.setTimeout(1, listener), stream);
  assertEquals(stream.timeout, 1);
  await within(once(stream, "timeout"));
  assertEquals(told, 1);
  // What moves begins another wait.
  stream.resume();
  await within(server.write(encode("some")));
  await within(once(stream, "timeout"));
  stream.write("some");
  await within(once(stream, "timeout"));
  assertEquals(told, 1);
  stream.setTimeout(60_000, listener).setTimeout(0, listener);
  assertEquals([stream.timeout, stream.listenerCount("timeout")], [0, 0]);
  for (const bad of [-1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => stream.setTimeout(bad), RangeError, "milliseconds");
  }
  assertThrows(() => stream.setTimeout("1" as never), TypeError);
  // A wait ends with the stream.
  stream.setTimeout(60_000).destroy();
  await within(once(stream, "close"));
  assertStrictEquals(stream.setTimeout(1, listener), stream);
  server.close();
});

Deno.test("the package's face loads nothing of Node's", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../mod.ts", import.meta.url).href],
    stderr: "null",
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string }[];
  };
  const foreign = modules.filter(({ specifier }) =>
    !specifier.startsWith("file:")
  );
  assert(modules.length > 50);
  assertEquals(foreign, []);
});
