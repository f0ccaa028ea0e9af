/** A connection of which `readable` has ended: what is written goes on. */
import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  connect,
  listen,
  type RioSession,
  type RioTcpConn,
} from "../../mod.ts";
import { type Intent, sessionTest, until, within } from "../session/harness.ts";
import { encode, HOST, openBoth, text } from "./connection.ts";

const { BadResource } = Deno.errors;

async function readText(conn: RioTcpConn): Promise<string> {
  const p = new Uint8Array(65536);
  let all = "";
  for (;;) {
    const count = await within(conn.read(p));
    if (count === null) return all;
    all += text(p, count);
  }
}

/** Reads `readable` to its end. */
async function readToEnd(conn: RioTcpConn): Promise<void> {
  for await (const _ of conn.readable) { /* only the end counts */ }
}

type Body = (client: RioTcpConn, server: RioTcpConn) => Promise<void>;

/** States something about both ends of a connection. */
function bothTest(
  name: string,
  body: Body,
  { opened = openBoth, ...intent }: Intent & { opened?: typeof openBoth } = {},
): void {
  sessionTest(name, async (open) => {
    using session = open();
    await body(...await opened(session));
  }, intent);
}

bothTest(
  "conn.write() answers after the end of conn.readable",
  async (client, server) => {
    await within(client.write(encode("question")));
    await within(client.closeWrite());
    await within(readToEnd(server));
    assertEquals(await within(server.write(encode("answer, "))), 8);
    assertEquals(await within(server.write(encode("all of it"))), 9);
    assertEquals(await readText(client), "answer, all of it");
    // It closes by itself.
    await until(() => server.socket.closed, "the end of the connection");
    client.close();
  },
);

bothTest(
  "what is written when conn.readable ends is sent, however long it takes",
  async (client, server) => {
    const length = 20_000_000;
    const written = server.write(new Uint8Array(length));
    await within(client.closeWrite());
    await within(readToEnd(server));
    let received = 0;
    for await (const chunk of client.readable) received += chunk.length;
    assertEquals(received, length);
    assertEquals(await within(written), length);
    await until(() => server.socket.closed, "the end of the connection");
  },
  { only: ["linux"] },
);

bothTest(
  "a pipe into conn.writable goes on after the end of conn.readable",
  async (client, server) => {
    const late = new TransformStream<Uint8Array<ArrayBuffer>>({
      async flush(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.enqueue(encode(" and more"));
      },
    });
    const pipe = server.readable.pipeThrough(late).pipeTo(server.writable);
    await within(client.write(encode("all")));
    await within(client.closeWrite());
    assertEquals(await readText(client), "all and more");
    await within(pipe);
    assertThrows(() => server.close(), BadResource);
    client.close();
  },
);

bothTest(
  "conn.closeWrite() after the end of conn.readable closes the connection",
  async (client, server) => {
    await within(client.closeWrite());
    await within(readToEnd(server));
    const written = server.write(encode("bye"));
    await within(server.closeWrite());
    assertEquals(await within(written), 3);
    assertEquals(await readText(client), "bye");
    await until(() => server.socket.closed, "the end of the connection");
    client.close();
  },
);

bothTest(
  "the end of conn.readable closes at once what sends no more",
  async (client, server) => {
    await within(server.closeWrite());
    await within(client.closeWrite());
    await within(readToEnd(server));
    assertEquals(server.socket.closed, true);
    client.close();
  },
);

bothTest(
  "conn.close() after the end of conn.readable gives up what is written, and throws",
  async (client, server) => {
    const written = assertRejects(
      () => server.write(new Uint8Array(20_000_000)),
      Deno.errors.Interrupted,
    );
    await within(client.closeWrite());
    await within(readToEnd(server));
    assertEquals(server.socket.closed, false);
    assertThrows(() => server.close(), BadResource);
    assertEquals(server.socket.closed, true);
    await within(written);
    client.close();
  },
  { only: ["linux"] },
);

bothTest(
  "a peer that goes ends what is written after the end of conn.readable",
  async (client, server) => {
    const written = server.write(new Uint8Array(20_000_000));
    const outcome = written.then(() => "written", ({ name }) => name);
    await within(client.closeWrite());
    await within(readToEnd(server));
    client.reset();
    assertNotEquals(await within(outcome), "written");
    await until(() => server.socket.closed, "the end of the connection");
  },
  { only: ["linux"] },
);

bothTest(
  "what was written before conn.closeWrite() is sent, also when conn.readable ends meanwhile",
  async (client, server) => {
    const length = 20_000_000;
    const written = server.write(new Uint8Array(length));
    const ended = server.closeWrite();
    await within(client.closeWrite());
    await within(readToEnd(server));
    let received = 0;
    for await (const chunk of client.readable) received += chunk.length;
    assertEquals(received, length);
    assertEquals(await within(written), length);
    await within(ended);
    await until(() => server.socket.closed, "the end of the connection");
  },
  { only: ["linux"] },
);

/** Both ends of a connection of which each direction ends alone. */
async function openHalves(
  session: RioSession,
): Promise<[client: RioTcpConn, server: RioTcpConn]> {
  const options = { hostname: HOST, session, allowHalfOpen: true };
  using listener = listen(options);
  const accepted = listener.accept();
  const { port } = listener.addr;
  return [
    await within(connect({ ...options, port })),
    await within(accepted),
  ];
}

/** States something about such a connection. */
function halvesTest(name: string, body: Body): void {
  bothTest(name, body, { opened: openHalves });
}

halvesTest(
  "allowHalfOpen leaves sending open after the end of conn.readable",
  async (client, server) => {
    await within(client.writable.close());
    await within(readToEnd(server));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(await within(server.read(new Uint8Array(1))), null);
    assertEquals(await within(server.write(encode("late"))), 4);
    const writer = server.writable.getWriter();
    await within(writer.write(encode(", later")));
    await within(writer.close());
    assertEquals(server.socket.closed, true);
    let answer = "";
    for await (const chunk of client.readable) answer += text(chunk, 99);
    assertEquals(answer, "late, later");
    // Both directions have ended.
    assertEquals(client.socket.closed, true);
  },
);

sessionTest(
  "allowHalfOpen has a proxy of two pipes pass on one end at a time",
  async (open) => {
    using session = open();
    const [client, front] = await openHalves(session);
    const [back, server] = await openHalves(session);
    const pipes = [
      front.readable.pipeTo(back.writable),
      back.readable.pipeTo(front.writable),
    ];
    const asked = readText(server);
    await within(client.write(encode("question")));
    await within(client.closeWrite());
    assertEquals(await within(asked), "question");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await within(server.write(encode("answer")));
    await within(server.closeWrite());
    assertEquals(await readText(client), "answer");
    await within(Promise.all(pipes));
    await until(
      () => front.socket.closed && back.socket.closed,
      "the end of the proxy",
    );
    client.close();
    server.close();
  },
);

halvesTest(
  "allowHalfOpen leaves conn.close() as it is",
  async (client, server) => {
    await within(client.closeWrite());
    await within(readToEnd(server));
    server.close();
    assertThrows(() => server.close(), BadResource);
    assertEquals(await readText(client), "");
    client.close();
  },
);
