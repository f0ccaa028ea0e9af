import { assertEquals } from "@std/assert";
import { connect, listen, type RioTcpConn } from "../../mod.ts";
import { exampleTest, run } from "./program.ts";

/** Carries everything both ways between a client and a server. */
async function relay(client: RioTcpConn, port: number): Promise<void> {
  const server = await connect({ hostname: "127.0.0.1", port });
  await Promise.all([
    client.readable.pipeTo(server.writable),
    server.readable.pipeTo(client.writable),
  ].map((piped) => piped.catch(() => {})));
  for (const conn of [client, server]) conn[Symbol.dispose]();
}

const BODY = "0123456789abcdef".repeat(100_000);

exampleTest("a relay carries curl to an HTTP server", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      if (request.method === "GET") return new Response(BODY);
      return new Response(String((await request.text()).length));
    },
  );
  const { port } = server.addr;
  using listener = listen({ hostname: "127.0.0.1", port: 0 });
  const relays: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) relays.push(relay(conn, port));
  })();
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  const curl = (...args: string[]) =>
    run("curl", ["--silent", "--show-error", "--max-time", "20", ...args, url]);
  const bodies = await Promise.all([1, 2, 3].map(() => curl()));
  assertEquals(bodies.map((body) => body === BODY), [true, true, true]);
  assertEquals(await curl("--data-binary", BODY.slice(0, 50_000)), "50000");
  listener.close();
  await accepting;
  await Promise.all(relays);
}, ["curl"]);
