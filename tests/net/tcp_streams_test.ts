import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  listen,
  type RioTcpConn,
  type RioTcpListener,
} from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { HOST, openBoth } from "./connection.ts";

/** Something long that compresses well. */
const TALE = Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join("\n");

sessionTest(
  "conn.readable and conn.writable pipe through transform streams",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const sent = new Blob([TALE]).stream()
      .pipeThrough(new CompressionStream("gzip"))
      .pipeTo(client.writable);
    const received = await within(
      new Response(
        server.readable.pipeThrough(new DecompressionStream("gzip")),
      ).text(),
    );
    await within(sent);
    assertEquals(received, TALE);
  },
);

sessionTest(
  "conn.readable piped into conn.writable echoes until the peer ends",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const echo = server.readable.pipeTo(server.writable);
    const text = client.readable.pipeThrough(new TextDecoderStream());
    const data = new TextEncoder().encode(TALE);
    const sent = client.write(data).then(() => client.closeWrite());
    let received = "";
    for await (const chunk of text) received += chunk;
    assertEquals(received, TALE);
    await within(sent);
    // The ends of the streams have closed both connections.
    await within(echo.catch(() => {}));
    await assertRejects(
      () => client.write(data),
      Deno.errors.BadResource,
    );
    await assertRejects(
      () => server.write(data),
      Deno.errors.BadResource,
    );
  },
);

sessionTest(
  "conn.readable fills the buffer that a reader brings",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const reader = server.readable.getReader({ mode: "byob" });
    await within(client.write(new Uint8Array([1, 2, 3])));
    const first = await within(reader.read(new Uint8Array(8)));
    assertEquals(first, { value: new Uint8Array([1, 2, 3]), done: false });
    assertEquals(first.value!.buffer.byteLength, 8);
    client.close();
    const last = await within(reader.read(new Uint8Array(8)));
    assertEquals(last.done, true);
  },
);

sessionTest("conn.readable reads nothing ahead", async (openSession) => {
  using session = openSession();
  const [client, server] = await openBoth(session);
  assert(server.readable === server.readable);
  await within(client.write(new Uint8Array(5)));
  assertEquals(await within(server.read(new Uint8Array(9))), 5);
  client.close();
  server.close();
});

sessionTest(
  "cancelling conn.readable closes the connection",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const reader = server.readable.getReader();
    const read = reader.read();
    await within(reader.cancel("enough"));
    assertEquals((await within(read)).done, true);
    await assertRejects(
      () => server.read(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
    assertEquals(await within(client.read(new Uint8Array(1))), null);
    client.close();
  },
);

sessionTest(
  "aborting conn.writable closes the connection",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    await within(server.writable.abort("enough"));
    await assertRejects(
      () => server.write(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
    assertEquals(await within(client.read(new Uint8Array(1))), null);
    client.close();
  },
);

sessionTest(
  "conn.close() fails a stream that is being read",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const reader = server.readable.getReader();
    const read = assertRejects(() => reader.read(), Deno.errors.Interrupted);
    const closed = assertRejects(() => reader.closed, Deno.errors.Interrupted);
    await new Promise((resolve) => setTimeout(resolve, 10));
    server.close();
    await within(Promise.all([read, closed]));
    client.close();
  },
);

sessionTest(
  "conn.writable refuses a chunk that is no bytes",
  async (openSession) => {
    using session = openSession();
    const [client, server] = await openBoth(session);
    const writer = client.writable.getWriter();
    const closed = assertRejects(() => writer.closed, TypeError);
    await assertRejects(
      () => writer.write("text" as unknown as Uint8Array),
      TypeError,
    );
    await within(closed);
    assertEquals(await within(server.read(new Uint8Array(1))), null);
    server.close();
  },
);

/** A server for one request a connection, as small as HTTP/1.1 allows. */
async function serveHttp(listener: RioTcpListener): Promise<void> {
  for await (const conn of listener) {
    answer(conn).catch(() => {});
  }
}

async function answer(conn: RioTcpConn): Promise<void> {
  using _conn = conn;
  const { head, body } = await readMessage(conn);
  const [method, path] = head.split(" ");
  const text = `${method} ${path} ${body}`;
  await conn.write(
    new TextEncoder().encode(
      `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
    ),
  );
}

/** Reads head and body of one message. */
async function readMessage(
  conn: RioTcpConn,
): Promise<{ head: string; body: string }> {
  const reader = conn.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const split = text.indexOf("\r\n\r\n");
    if (split >= 0) {
      const head = text.slice(0, split);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = text.slice(split + 4);
      if (body.length >= length) {
        reader.releaseLock();
        return { head, body };
      }
    }
    const { value, done } = await reader.read();
    if (done) throw new Error(`The message ended early: ${text}`);
    text += value;
  }
}

/** Sends a request and closes the connection, which the answer's end may do. */
async function request(conn: RioTcpConn, body: string): Promise<string> {
  using _conn = conn;
  await conn.write(
    new TextEncoder().encode(
      `POST /stones HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    ),
  );
  const { head, body: answer } = await readMessage(conn);
  assert(head.startsWith("HTTP/1.1 200"), head);
  return answer;
}

sessionTest(
  "a connection carries an HTTP/1.1 exchange",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const serving = serveHttp(listener);
    const { port } = listener.addr;
    for (const body of ["", "flint", "x".repeat(100_000)]) {
      const conn = await within(connect({ port, session }));
      assertEquals(
        await within(request(conn, body)),
        `POST /stones ${body}`,
      );
    }
    listener.close();
    await within(serving);
  },
);

sessionTest(
  "fetch() is answered by a server on a listener",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const serving = serveHttp(listener);
    const { port } = listener.addr;
    const response = await within(
      fetch(`http://${HOST}:${port}/stones`, { method: "POST", body: "chert" }),
    );
    assertEquals(await within(response.text()), "POST /stones chert");
    // One that sends garbage costs its own connection only.
    const rude = await within(connect({ port, session }));
    await within(rude.write(new Uint8Array(1000).fill(255)));
    rude.close();
    const again = await within(fetch(`http://${HOST}:${port}/`));
    assertEquals(await within(again.text()), "GET / ");
    listener.close();
    await within(serving);
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "Deno.serve() answers a client on a connection",
  async (openSession) => {
    using session = openSession();
    await using server = Deno.serve(
      { hostname: HOST, port: 0, onListen() {} },
      async (request) => new Response(`heard ${await request.text()}`),
    );
    const { port } = server.addr;
    const conn = await within(connect({ port, session }));
    assertEquals(await within(request(conn, "basalt")), "heard basalt");
  },
  { only: ["linux", "windows"] },
);
