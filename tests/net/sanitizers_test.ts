/** Programs whose tests look for what is left: the package leaves nothing. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { output } from "../bounded.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

const here = (path: string) => new URL(path, import.meta.url).href;

/** How the tests are run so that waits end in each way. */
const WAYS = {
  reactor: [],
  thread: ["--preload", here("../linux/without_pipes.ts")],
} as const;

/** Uses of sockets that have no session of their own, each in many tests. */
const TESTS = `
import { connect, listen, listenDatagram } from "${here("../../mod.ts")}";

for (let i = 0; i < 30; i++) {
  Deno.test("datagrams are iterated, " + i, async () => {
    const conn = listenDatagram({ hostname: "127.0.0.1" });
    const { promise, resolve } = Promise.withResolvers();
    const iterated = (async () => {
      for await (const [data] of conn) resolve(data.length);
    })();
    await conn.send(new Uint8Array(3), conn.addr);
    if (await promise !== 3) throw new Error("Another datagram");
    conn.close();
    await iterated;
  });
}

for (let i = 0; i < 10; i++) {
  Deno.test("a connection is served, " + i, async () => {
    const listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const client = await connect(listener.addr);
    const server = await accepted;
    await client.write(new Uint8Array(5));
    const bytes = new Uint8Array(8);
    if (await server.read(bytes) !== 5) throw new Error("Other bytes");
    client.close();
    if (await server.read(bytes) !== null) throw new Error("No end");
    server.close();
    listener.close();
  });
}

for (let i = 0; i < 10; i++) {
  Deno.test("names are looked up, " + i, async () => {
    using listener = listen({ hostname: "localhost", port: 0 });
    const accepted = listener.accept();
    using client = await connect({ hostname: "localhost", port: listener.addr.port });
    using server = await accepted;
    using conn = listenDatagram({ hostname: "localhost" });
    await conn.send(new Uint8Array(3), { ...conn.addr, hostname: "localhost" });
    await conn.receive();
    const absent = { hostname: "fe80::1%no-such-one", port: 9 };
    await connect(absent).catch(() => {});
  });
}

for (let i = 0; i < 10; i++) {
  Deno.test("sockets are disposed, " + i, async () => {
    using receiver = listenDatagram({ hostname: "127.0.0.1" });
    await using sender = listenDatagram({ hostname: "127.0.0.1" });
    const received = receiver.receive();
    await sender.send(new Uint8Array(1), receiver.addr);
    await received;
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    using client = await connect(listener.addr);
    using server = await accepted;
    client.unref();
    server.unref();
  });
}
`;

/** One that leaves a socket open. */
const CARELESS = `
import { listenDatagram } from "${here("../../mod.ts")}";
Deno.test("a socket is left open", () => {
  listenDatagram({ hostname: "127.0.0.1" });
});
`;

/** Runs tests with the sanitizers on. */
async function run(
  tests: string,
  flags: readonly string[],
): Promise<{ code: number; text: string }> {
  const folder = await Deno.makeTempDir({ prefix: "rio-sanitizers-" });
  try {
    const config = { test: { sanitizeOps: true, sanitizeResources: true } };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${folder}/sockets_test.js`, tests);
    const { code, stdout } = await output(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--trace-leaks", ...flags],
      cwd: folder,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    return { code, text: stdout };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [way, flags] of Object.entries(WAYS)) {
  const name = `${way}: tests with sanitizers find nothing that sockets leave`;
  Deno.test({
    name,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      const { code, text } = await run(TESTS, flags);
      assertStringIncludes(text, "60 passed | 0 failed", text);
      assertEquals(code, 0);
    },
  });
}

Deno.test({
  name: "tests with sanitizers find a socket that is left open",
  ignore: skipped("what sanitizers find", NOT_LINUX),
  async fn() {
    const { code, text } = await run(CARELESS, []);
    assertStringIncludes(text, "Leaks detected", text);
    assertEquals(code, 1);
  },
});
