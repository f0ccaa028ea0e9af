import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import {
  bytes,
  type ConnectOptions,
  pair,
  pause,
  plain,
  readFully,
  statement,
  tcp,
  within,
  wrong,
} from "./harness.ts";

const { BadResource, Interrupted } = Deno.errors;

statement(
  "connect() and accept() give both ends of a connection",
  async (net) => {
    const listener = tcp(net);
    const accepted = listener.accept();
    const client = await within(net.connect(listener.addr));
    const server = await within(accepted);
    assertEquals(plain(client.remoteAddr), plain(listener.addr));
    assertEquals(plain(server.localAddr), plain(listener.addr));
    assertEquals(plain(server.remoteAddr), plain(client.localAddr));
    assertEquals(client.localAddr.transport, "tcp");
  },
);

statement("connect() connects to 127.0.0.1 without a hostname", async (net) => {
  const { port } = tcp(net).addr;
  const conn = await within(net.connect({ port }));
  assertEquals(conn.remoteAddr.hostname, "127.0.0.1");
});

for (const hostname of ["localhost", "LocalHost"]) {
  statement(`connect() looks up ${hostname}`, async (net) => {
    const { port } = tcp(net).addr;
    const conn = await within(net.connect({ hostname, port }));
    assertEquals(conn.remoteAddr.port, port);
  });
}

statement("connect() reaches an IPv6 listener", async (net) => {
  const listener = tcp(net, { hostname: "::1" });
  const accepted = listener.accept();
  const client = await within(net.connect(listener.addr));
  const server = await within(accepted);
  assertEquals(plain(server.remoteAddr), plain(client.localAddr));
  assertEquals(client.remoteAddr.hostname, "::1");
});

statement(
  "connect() rejects with ConnectionRefused where nobody listens",
  async (net) => {
    const listener = tcp(net);
    listener.close();
    await assertRejects(
      () => within(net.connect(listener.addr)),
      Deno.errors.ConnectionRefused,
    );
  },
);

statement(
  "connect() rejects with the reason of an aborted signal",
  async (net) => {
    const { port } = tcp(net).addr;
    const aborted = () =>
      within(net.connect({ port, signal: AbortSignal.abort() }));
    const error = await assertRejects(aborted, DOMException);
    assertEquals(error.name, "AbortError");
    const reason = new Error("mine");
    const mine = () =>
      within(net.connect({ port, signal: AbortSignal.abort(reason) }));
    await assertRejects(mine, Error, "mine");
  },
);

statement(
  "connect() tries an address alone as long as it is told",
  async (net) => {
    const { addr: { port } } = tcp(net) as { addr: Deno.NetAddr };
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on("warning", warned);
    try {
      for (const delay of [0, 1.5, -1, NaN, Infinity, 1e12]) {
        const options = { port, autoSelectFamilyAttemptDelay: delay };
        (await within(net.connect(options))).close();
      }
      for (const delay of ["5", true, {}]) {
        const options = { port, autoSelectFamilyAttemptDelay: delay };
        await assertRejects(
          () => within(net.connect(wrong<ConnectOptions>(options))),
          TypeError,
        );
      }
      await pause();
    } finally {
      process.off("warning", warned);
    }
    assertEquals(warnings, []);
  },
);

statement("connect() ends at once when it is aborted", async (net) => {
  // Of more than that the system takes no notice, until some were accepted.
  const listener = tcp(net, { tcpBacklog: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const connecting: Promise<Deno.TcpConn>[] = [];
  let waiting = true;
  for (let i = 0; i < 8; i++) {
    connecting.push(net.connect({ ...listener.addr, signal }));
  }
  await within(Promise.any(connecting));
  const settled = Promise.allSettled(connecting).then((outcomes) => {
    waiting = false;
    return outcomes;
  });
  await pause();
  assert(waiting);
  controller.abort();
  const outcomes = await within(settled);
  const refused = outcomes.filter(({ status }) => status === "rejected");
  assert(refused.length > 0 && refused.length < outcomes.length);
  for (const { reason } of refused as PromiseRejectedResult[]) {
    assert(reason instanceof DOMException);
    assertEquals(reason.name, "AbortError");
  }
}, {
  skip: Deno.build.os === "linux"
    ? undefined
    : "only Linux lets a client wait whom nobody accepts",
});

statement(
  "an abort after connect() leaves the connection alone",
  async (net) => {
    const listener = tcp(net);
    const controller = new AbortController();
    const { signal } = controller;
    const accepted = listener.accept();
    const client = await within(net.connect({ ...listener.addr, signal }));
    const server = await within(accepted);
    controller.abort();
    await server.write(bytes(3));
    assertEquals(await readFully(client, 3), bytes(3));
  },
);

statement("conn.read() gives what the peer wrote, then null", async (net) => {
  const [client, server] = await pair(net);
  assertEquals(await server.write(bytes(3)), 3);
  server.close();
  const p = new Uint8Array(10);
  assertEquals(await within(client.read(p)), 3);
  assertEquals(p.subarray(0, 3), bytes(3));
  assertEquals(await within(client.read(p)), null);
  assertEquals(await within(client.read(p)), null);
});

statement("conn.read() fills only the part it is given", async (net) => {
  const [client, server] = await pair(net);
  await server.write(bytes(5));
  const whole = new Uint8Array(6);
  assertEquals(await within(client.read(whole.subarray(2, 4))), 2);
  assertEquals(whole.subarray(2, 4), bytes(5).subarray(0, 2));
  assertEquals([...whole.subarray(0, 2), ...whole.subarray(4)], [0, 0, 0, 0]);
  assertEquals(await readFully(client, 3), bytes(5).subarray(2));
});

statement("conn.read() reads no bytes as 0", async (net) => {
  const [client] = await pair(net);
  assertEquals(await within(client.read(new Uint8Array(0))), 0);
});

statement("conn.read() twice at a time gives each its bytes", async (net) => {
  const [client, server] = await pair(net);
  const [a, b] = [new Uint8Array(1), new Uint8Array(1)];
  const both = [client.read(a), client.read(b)];
  await server.write(new Uint8Array([1, 2]));
  assertEquals(await within(Promise.all(both)), [1, 1]);
  assertEquals([a[0], b[0]], [1, 2]);
});

statement("conn.write() twice at a time keeps the order", async (net) => {
  const [client, server] = await pair(net);
  const both = [
    client.write(new Uint8Array([1, 2])),
    client.write(new Uint8Array([3, 4])),
  ];
  assertEquals(await within(Promise.all(both)), [2, 2]);
  assertEquals(await readFully(server, 4), new Uint8Array([1, 2, 3, 4]));
});

statement("conn.write() writes no bytes as 0", async (net) => {
  const [client] = await pair(net);
  assertEquals(await within(client.write(new Uint8Array(0))), 0);
});

statement("conn.write() carries megabytes both ways, intact", async (net) => {
  const [client, server] = await pair(net);
  const data = bytes(3_000_000);
  const writeAll = async (conn: Deno.TcpConn) => {
    let at = 0;
    while (at < data.length) at += await conn.write(data.subarray(at));
    await conn.closeWrite();
  };
  const writing = [writeAll(client), writeAll(server)];
  const read = [
    readFully(client, data.length),
    readFully(server, data.length),
  ];
  for (const result of await Promise.all(read)) {
    assert(result.every((byte, i) => byte === data[i]));
  }
  await within(Promise.all(writing));
});

statement("conn.closeWrite() ends one direction", async (net) => {
  const [client, server] = await pair(net);
  await client.closeWrite();
  assertEquals(await within(server.read(new Uint8Array(1))), null);
  await server.write(bytes(3));
  assertEquals(await readFully(client, 3), bytes(3));
  await assertRejects(() => within(client.write(bytes(1))), Error);
});

statement(
  "conn.closeWrite() comes after what was written before",
  async (net) => {
    const [client, server] = await pair(net);
    const all = Promise.all([client.write(bytes(3)), client.closeWrite()]);
    assertEquals(await readFully(server, 3), bytes(3));
    assertEquals(await within(server.read(new Uint8Array(1))), null);
    await within(all);
  },
);

statement("conn.closeWrite() can be called again", async (net) => {
  const [client] = await pair(net);
  await client.closeWrite();
  await client.closeWrite();
});

statement("conn.close() throws BadResource the second time", async (net) => {
  const [client] = await pair(net);
  client.close();
  assertThrows(() => client.close(), BadResource);
});

statement("conn rejects with BadResource after close()", async (net) => {
  const [client] = await pair(net);
  client.close();
  await assertRejects(() => client.read(new Uint8Array(1)), BadResource);
  await assertRejects(() => client.write(new Uint8Array(1)), BadResource);
  await assertRejects(() => client.closeWrite(), BadResource);
  assertThrows(() => client.setNoDelay(), BadResource);
  assertThrows(() => client.setKeepAlive(), BadResource);
});

statement(
  "conn keeps its addresses, ref() and unref() after close()",
  async (net) => {
    const [client, server] = await pair(net);
    client.close();
    client.ref();
    client.unref();
    assertEquals(plain(client.remoteAddr), plain(server.localAddr));
    assertEquals(plain(client.localAddr), plain(server.remoteAddr));
  },
);

statement("conn.close() interrupts every pending read", async (net) => {
  const [client] = await pair(net);
  const pending = [client.read(bytes(1)), client.read(bytes(1))];
  await pause();
  client.close();
  for (const read of pending) {
    await assertRejects(() => within(read), Interrupted);
  }
});

statement("conn.close() in an echo loop hangs nobody", async (net) => {
  const [client, server] = await pair(net);
  const loop = (async () => {
    const p = new Uint8Array(10);
    while (await server.read(p) !== null) await server.write(bytes(3));
  })();
  await client.write(bytes(4));
  await within(client.read(new Uint8Array(10)));
  client.close();
  await pause();
  try {
    server.close();
  } catch { /* the loop's end does not close it */ }
  await within(loop.catch((error) => assert(error instanceof Interrupted)));
});

statement(
  "using closes a connection, and close() after it throws",
  async (net) => {
    const [client, server] = await pair(net);
    {
      using _conn = client;
    }
    assertEquals(await within(server.read(bytes(1))), null);
    client[Symbol.dispose]();
    assertThrows(() => client.close(), BadResource);
  },
);

statement(
  "conn.setNoDelay() and setKeepAlive() take on and off",
  async (net) => {
    const [client, server] = await pair(net);
    client.setNoDelay();
    client.setNoDelay(false);
    client.setNoDelay(true);
    client.setKeepAlive();
    client.setKeepAlive(false);
    client.setKeepAlive(true);
    await client.write(bytes(2));
    assertEquals(await readFully(server, 2), bytes(2));
  },
);

statement("conn.write() rejects when the peer has gone", async (net) => {
  const [client, server] = await pair(net);
  server.close();
  const error = await assertRejects(async () => {
    for (let i = 0; i < 50; i++) {
      await within(client.write(bytes(1)));
      await pause(5);
    }
  });
  // EPIPE on Linux, WSAECONNRESET or WSAECONNABORTED on Windows.
  const { BrokenPipe, ConnectionReset, ConnectionAborted } = Deno.errors;
  assert(
    error instanceof BrokenPipe || error instanceof ConnectionReset ||
      error instanceof ConnectionAborted,
    String(error),
  );
});

statement(
  "a peer that leaves data unread ends reads, and hangs nobody",
  async (net) => {
    const [client, server] = await pair(net);
    await client.write(bytes(10));
    await pause();
    server.close();
    // The reset is an error, or the end, as the system tells it first.
    const outcome = await within(
      client.read(new Uint8Array(1)).catch((error) => error),
    );
    assert(
      outcome === null || outcome instanceof Deno.errors.ConnectionReset,
      String(outcome),
    );
  },
);
