/** HTTP of Node's over connections of this package, in clear and in TLS. */
import { assertEquals, assertMatch } from "@std/assert";
import { once } from "node:events";
import * as http from "node:http";
import { connect as connectTls, TLSSocket } from "node:tls";
import { makeCertificate } from "../../examples/certificate.ts";
import { toDuplex } from "../../ffi/net/streams/duplex.ts";
import { connect, listen, type RioSession } from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { encode, HOST, openBoth, text as decode } from "./connection.ts";

type Stream = ReturnType<typeof toDuplex> | TLSSocket;

/** Serves HTTP on a listener of this package until it is disposed. */
function serve(
  session: RioSession,
  wrap: (stream: ReturnType<typeof toDuplex>) => Stream = (stream) => stream,
) {
  const server = http.createServer(async (request, response) => {
    let length = 0;
    for await (const chunk of request) length += chunk.length;
    response.setHeader("x-length", String(length));
    response.end(`${request.method} ${request.url}`.repeat(1000));
  });
  const listener = listen({ hostname: HOST, session });
  const serving = (async () => {
    for await (const conn of listener) {
      server.emit("connection", wrap(toDuplex(conn)));
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

/** Asks over one stream, which ends with the answer. */
async function ask(
  stream: Stream,
  { path, body }: { path: string; body: string },
): Promise<{ text: string; length: string }> {
  const request = http.request({
    host: HOST,
    path,
    method: "POST",
    headers: { connection: "close" },
    // Whatever is a stream will do, its type says more.
    createConnection: () => stream as never,
  });
  request.end(body);
  const [response] = await within(once(request, "response"));
  let text = "";
  for await (const chunk of response) text += chunk;
  return { text, length: response.headers["x-length"] };
}

/** Resolves once a stream is closed. */
function closed(stream: Stream): Promise<unknown> {
  return within(new Promise((resolve) => stream.once("close", resolve)));
}

const BODY = "some of much ".repeat(20_000);
const EXPECTED = { text: "POST /here".repeat(1000), length: "260000" };

sessionTest(
  "node:http serves and asks over connections of this package",
  async (open) => {
    using session = open();
    await using server = serve(session);
    for (let i = 0; i < 3; i++) {
      const stream = toDuplex(
        await connect({ hostname: HOST, port: server.port, session }),
      );
      const end = closed(stream);
      assertEquals(await ask(stream, { path: "/here", body: BODY }), EXPECTED);
      await end;
    }
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "fetch() is answered by node:http over connections of this package",
  async (open) => {
    using session = open();
    await using server = serve(session);
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const response = await within(
      fetch(`http://${HOST}:${server.port}/here`, {
        method: "POST",
        body: BODY,
        client,
      }),
    );
    assertEquals(await response.text(), EXPECTED.text);
    assertEquals(response.headers.get("x-length"), EXPECTED.length);
  },
  { only: ["linux"] },
);

sessionTest(
  "node:http runs in TLS over connections of this package",
  async (open) => {
    using session = open();
    const { key, cert } = await makeCertificate("localhost", HOST);
    await using server = serve(
      session,
      (stream) => new TLSSocket(stream, { isServer: true, key, cert }),
    );
    const socket = toDuplex(
      await connect({ hostname: HOST, port: server.port, session }),
    );
    const end = closed(socket);
    const secure = connectTls({ socket, ca: cert, servername: "localhost" });
    await within(once(secure, "secureConnect"));
    // Deno's TLS stops in the middle of much, over its own sockets, too.
    const body = "some of little ".repeat(100);
    assertEquals(await ask(secure, { path: "/here", body }), {
      ...EXPECTED,
      length: "1500",
    });
    secure.destroy();
    await end;
  },
  { only: ["linux"] },
);

sessionTest(
  "an agent of node:http keeps a connection of this package",
  async (open) => {
    using session = open();
    const [client, server] = await openBoth(session);
    const agent = new http.Agent({ keepAlive: true, timeout: 60_000 });
    const stream = toDuplex(client);
    // Its type asks for a socket of Node's.
    const made = [stream];
    agent.createConnection = () => made.pop() as never;
    for (const text of ["first", "second"]) {
      const request = http.get({ agent, host: HOST, path: `/${text}` });
      const response = within(once(request, "response"));
      const p = new Uint8Array(4096);
      assertMatch(decode(p, await within(server.read(p))), /^GET /);
      await within(
        server.write(encode(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi`)),
      );
      const [incoming] = await response;
      const free = within(once(stream, "free"));
      incoming.resume();
      await free;
    }
    const end = closed(stream);
    agent.destroy();
    await end;
    server.close();
  },
  { only: ["linux", "windows"] },
);
