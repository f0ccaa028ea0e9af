import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, listen, type RioTcpConn } from "../../mod.ts";
import { sessionTest, within } from "../session/harness.ts";
import { HOST } from "./connection.ts";

sessionTest(
  "listener iteration yields connections and ends on close",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    const seen: RioTcpConn[] = [];
    const loop = (async () => {
      for await (const conn of listener) seen.push(conn);
    })();
    const clients: RioTcpConn[] = [];
    for (let i = 0; i < 5; i++) {
      clients.push(await within(connect({ port, session })));
      await within(clients[i]!.write(new Uint8Array([i])));
    }
    while (seen.length < 5) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    listener.close();
    await within(loop);
    for (const [i, conn] of seen.entries()) {
      const p = new Uint8Array(4);
      assertEquals(await within(conn.read(p)), 1);
      assertEquals(p[0], i);
      conn.close();
    }
    for (const client of clients) client.close();
  },
);

sessionTest(
  "leaving the iteration of a listener closes it",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const client = connect({ port: listener.addr.port, session });
    for await (const conn of listener) {
      conn.close();
      break;
    }
    (await within(client)).close();
    assertThrows(() => listener.close(), Deno.errors.BadResource);
  },
);

sessionTest(
  "listener.accept() refuses a second call while one waits",
  async (openSession) => {
    using session = openSession();
    const listener = listen({ hostname: HOST, session });
    const first = assertRejects(
      () => listener.accept(),
      Deno.errors.BadResource,
      "Listener has been closed",
    );
    await assertRejects(() => listener.accept(), Deno.errors.Busy);
    listener.close();
    await within(first);
    await assertRejects(() => listener.accept(), Deno.errors.BadResource);
    assertThrows(() => listener.close(), Deno.errors.BadResource);
    listener[Symbol.dispose]();
  },
);

sessionTest(
  "a connection that was reset before accept() costs nothing else",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: HOST, session });
    const { port } = listener.addr;
    const gone = await within(connect({ port, session }));
    gone.reset();
    const client = await within(connect({ port, session }));
    await within(client.write(new Uint8Array([7])));
    const p = new Uint8Array(4);
    let served = 0;
    // The system may report the first one, or drop it.
    while (served === 0) {
      const conn = await within(listener.accept());
      try {
        if (await within(conn.read(p)) === 1) served = p[0]!;
      } catch (error) {
        assert(error instanceof Deno.errors.ConnectionReset);
      }
      conn.close();
    }
    assertEquals(served, 7);
    client.close();
  },
  { only: ["linux", "windows"] },
);

sessionTest("listen() throws AddrInUse for a port in use", (openSession) => {
  using session = openSession();
  using listener = listen({ hostname: HOST, session });
  const { port } = listener.addr;
  assertThrows(
    () => listen({ hostname: HOST, port, session }),
    Deno.errors.AddrInUse,
  );
  assertEquals(session.stats().sockets, 1);
}, { only: ["linux", "windows"] });

sessionTest(
  "listen() shares a port between listeners with reusePort",
  (openSession) => {
    using session = openSession();
    using first = listen({ hostname: HOST, reusePort: true, session });
    const { port } = first.addr;
    using second = listen({ hostname: HOST, port, reusePort: true, session });
    assertEquals(second.addr, first.addr);
  },
  { only: ["linux"] },
);

sessionTest(
  "listen() refuses reusePort where the system has none",
  (openSession) => {
    using session = openSession();
    assertThrows(
      () => listen({ hostname: HOST, reusePort: true, session }),
      Deno.errors.NotSupported,
    );
  },
  { only: ["windows"] },
);

sessionTest(
  "listen() serves IPv4 peers on the IPv6 wildcard",
  async (openSession) => {
    using session = openSession();
    using listener = listen({ hostname: "::", session });
    const { port } = listener.addr;
    const accepted = listener.accept();
    using client = await within(connect({ hostname: HOST, port, session }));
    using server = await within(accepted);
    assertEquals(server.remoteAddr.port, client.localAddr.port);
  },
  { only: ["linux", "windows"] },
);

sessionTest(
  "listener iteration goes on when descriptors run out",
  async (openSession) => {
    using session = openSession();
    const script = new URL("./few_descriptors.ts", import.meta.url).pathname;
    const deno = Deno.execPath();
    const command = new Deno.Command("sh", {
      args: ["-c", `ulimit -n 64; exec "$0" run -A "$1"`, deno, script],
      stdout: "piped",
    });
    await using server = command.spawn();
    const output = server.stdout.getReader();
    const { value } = await within(output.read());
    const port = Number(new TextDecoder().decode(value));
    // All of them wait for their echo before any is closed.
    const conns: RioTcpConn[] = [];
    for (let i = 0; i < 100; i++) {
      conns.push(await within(connect({ port, session })));
      await within(conns[i]!.write(new Uint8Array([i])));
    }
    const p = new Uint8Array(4);
    for (const [i, conn] of conns.entries()) {
      assertEquals(await within(conn.read(p)), 1);
      assertEquals(p[0], i);
      conn.close();
    }
    await output.cancel();
    server.kill();
  },
  { only: ["linux"] },
);

sessionTest("unreferenced waits let the process end", async (openSession) => {
  using _session = openSession();
  const script = new URL("./unreferenced.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script],
    stdout: "piped",
  });
  const { code, stdout } = await within(command.output());
  assertEquals(new TextDecoder().decode(stdout), "echoed\n");
  assertEquals(code, 0);
}, { only: ["linux"] });
