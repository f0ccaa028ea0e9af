import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { bytes, pair, readFully, statement, tcp, within } from "./harness.ts";

const { BadResource } = Deno.errors;

statement("conn.readable and conn.writable stay the same", async (net) => {
  const [client] = await pair(net);
  assertStrictEquals(client.readable, client.readable);
  assertStrictEquals(client.writable, client.writable);
  assert(client.readable instanceof ReadableStream);
  assert(client.writable instanceof WritableStream);
});

statement("conn.readable pipes into conn.writable, an echo", async (net) => {
  const [client, server] = await pair(net);
  const echo = server.readable.pipeTo(server.writable);
  const writer = client.writable.getWriter();
  const reader = client.readable.getReader();
  await writer.write(new TextEncoder().encode("Hello"));
  const { value } = await within(reader.read());
  assertEquals(new TextDecoder().decode(value), "Hello");
  await reader.cancel();
  await within(echo.catch(() => {}));
});

statement(
  "conn.readable ends with the peer, and closes the connection",
  async (net) => {
    const [client, server] = await pair(net);
    await server.write(bytes(3));
    server.close();
    const reader = client.readable.getReader();
    assertEquals((await within(reader.read())).value, bytes(3));
    assertEquals((await within(reader.read())).done, true);
    assertThrows(() => client.close(), BadResource);
  },
);

statement(
  "conn.readable closes the connection when it is cancelled",
  async (net) => {
    const [client, server] = await pair(net);
    await client.readable.cancel();
    assertThrows(() => client.close(), BadResource);
    assertEquals(await within(server.read(bytes(1))), null);
  },
);

statement(
  "conn.writable closes the connection when it is closed",
  async (net) => {
    const [client, server] = await pair(net);
    const writer = client.writable.getWriter();
    await writer.write(bytes(3));
    await writer.close();
    assertEquals(await readFully(server, 3), bytes(3));
    assertEquals(await within(server.read(bytes(1))), null);
    assertThrows(() => client.close(), BadResource);
  },
);

statement(
  "conn.writable closes the connection when it is aborted",
  async (net) => {
    const [client] = await pair(net);
    await client.writable.abort();
    assertThrows(() => client.close(), BadResource);
  },
);

statement("conn.readable fills a reader's own buffer", async (net) => {
  const [client, server] = await pair(net);
  const reader = client.readable.getReader({ mode: "byob" });
  await server.write(bytes(3));
  const { value } = await within(reader.read(new Uint8Array(10)));
  assertEquals(value, bytes(3));
});

statement("streams pipe through transforms of the platform", async (net) => {
  const [client, server] = await pair(net);
  const text = "deflate me ".repeat(10_000);
  const sending = ReadableStream.from([text])
    .pipeThrough(new TextEncoderStream())
    .pipeThrough(new CompressionStream("gzip"))
    .pipeTo(client.writable);
  const received = server.readable
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream());
  let all = "";
  for await (const part of received) all += part;
  assertEquals(all.length, text.length);
  assertEquals(all, text);
  await within(sending);
});

statement("a connection carries HTTP/1.1 to fetch()", async (net) => {
  const listener = tcp(net);
  const { port } = listener.addr;
  const serving = (async () => {
    const conn = await listener.accept();
    const decoder = new TextDecoder();
    let head = "";
    const p = new Uint8Array(4096);
    while (!head.includes("\r\n\r\n")) {
      const count = await conn.read(p);
      if (count === null) break;
      head += decoder.decode(p.subarray(0, count), { stream: true });
    }
    const writer = conn.writable.getWriter();
    await writer.write(
      new TextEncoder().encode(
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
      ),
    );
    await writer.close();
    return head.split("\r\n")[0];
  })();
  const response = await within(fetch(`http://127.0.0.1:${port}/greet`));
  assertEquals([response.status, await response.text()], [200, "hello"]);
  assertEquals(await within(serving), "GET /greet HTTP/1.1");
});

statement(
  "a pending read of a stream fails when the connection is closed",
  async (net) => {
    const [client] = await pair(net);
    const reader = client.readable.getReader();
    const waiting = reader.read();
    client.close();
    await assertRejects(() => within(waiting), Error);
  },
);
