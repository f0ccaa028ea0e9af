import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  bytes,
  plain,
  readFully,
  statement,
  tcp,
  within,
  wrong,
} from "./harness.ts";

const { AddrInUse, BadResource, Busy } = Deno.errors;
const DONE = { value: undefined, done: true as const };

statement("listen() binds the address it is given", (net) => {
  const { port } = tcp(net).addr;
  assertEquals(plain(tcp(net, { hostname: "127.0.0.2", port }).addr), {
    transport: "tcp",
    hostname: "127.0.0.2",
    port,
  });
});

for (
  const [hostname, bound] of [
    [undefined, "0.0.0.0"],
    [null, "0.0.0.0"],
    ["localhost", "127.0.0.1"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["::", "::"],
  ] as const
) {
  statement(`listen() binds ${bound} for hostname ${hostname}`, (net) => {
    const options = { hostname: wrong<string>(hostname), port: 0 };
    assertEquals(net.listen(options).addr.hostname, bound);
  });
}

statement("listen() picks a free port without a port", (net) => {
  const { addr } = net.listen(wrong({ hostname: "127.0.0.1" }));
  assertEquals(addr.port > 0, true);
});

for (
  const [port, error] of [
    [65_536, RangeError],
    [-1, RangeError],
    [1.5, TypeError],
    [NaN, TypeError],
    ["x", TypeError],
    [true, TypeError],
  ] as [unknown, new (message: string) => Error][]
) {
  const text = Deno.inspect(port);
  statement(`listen() throws ${error.name} for port ${text}`, (net) => {
    assertThrows(() => tcp(net, { port: wrong<number>(port) }), error);
  });
  statement(
    `connect() rejects with ${error.name} for port ${text}`,
    async (net) => {
      const connecting = net.connect({ port: wrong<number>(port) });
      await assertRejects(() => within(connecting), error);
    },
  );
}

for (
  const [port, error] of [
    [0, RangeError],
    [undefined, TypeError],
    [null, TypeError],
  ] as [unknown, new (message: string) => Error][]
) {
  statement(
    `connect() rejects with ${error.name} for port ${port}`,
    async (net) => {
      const connecting = net.connect({ port: wrong<number>(port) });
      await assertRejects(() => within(connecting), error);
    },
  );
}

statement("listen() and connect() take a port as text", async (net) => {
  const listener = tcp(net, { port: wrong<number>("0") });
  const port = wrong<number>(String(listener.addr.port));
  const conn = await within(net.connect({ port }));
  assertEquals(plain(conn.remoteAddr), plain(listener.addr));
});

for (const hostname of ["", "a b"]) {
  statement(
    `listen() and connect() refuse "${hostname}" with URIError`,
    async (net) => {
      assertThrows(() => tcp(net, { hostname }), URIError);
      await assertRejects(
        () => within(net.connect({ hostname, port: 9 })),
        URIError,
      );
    },
  );
}

statement("listen() and connect() refuse another transport", async (net) => {
  assertThrows(() => tcp(net, wrong({ transport: "udp" })), Error);
  const options = { transport: "udp", port: 9 };
  await assertRejects(
    () => within((async () => await net.connect(wrong(options)))()),
    Error,
  );
});

statement("listen() throws AddrInUse for an address in use", (net) => {
  const { port } = tcp(net).addr;
  assertThrows(() => tcp(net, { port }), AddrInUse);
});

statement("listen() throws AddrNotAvailable for a foreign address", (net) => {
  assertThrows(
    () => tcp(net, { hostname: "203.0.113.7" }),
    Deno.errors.AddrNotAvailable,
  );
});

statement("reusePort shares a port on Linux", async (net) => {
  const first = tcp(net, { reusePort: true });
  const second = tcp(net, { reusePort: true, port: first.addr.port });
  const accepted = Promise.any([first.accept(), second.accept()]);
  await within(net.connect(first.addr));
  await within(accepted);
  const closed = Promise.allSettled([accepted]);
  first.close();
  second.close();
  await within(closed);
}, {
  skip: Deno.build.os === "linux"
    ? undefined
    : "only Linux shares a port; Deno ignores the wish elsewhere",
});

statement("reusePort has each listener serve some", async (net) => {
  const first = tcp(net, { reusePort: true });
  const second = tcp(net, { reusePort: true, port: first.addr.port });
  const served = new Set<Deno.TcpListener>();
  const serve = async (listener: Deno.TcpListener) => {
    for await (const conn of listener) {
      served.add(listener);
      conn.close();
    }
  };
  const serving = [serve(first), serve(second)];
  // The system chooses by the client's port, which is another each time.
  for (let i = 0; i < 1000 && served.size < 2; i++) {
    const conn = await within(net.connect(first.addr));
    await within(conn.read(bytes(1)));
    conn.close();
  }
  assertEquals(served.size, 2);
  first.close();
  second.close();
  await within(Promise.all(serving));
}, {
  skip: Deno.build.os === "linux"
    ? undefined
    : "only Linux shares a port; Deno ignores the wish elsewhere",
});

statement("listener.accept() accepts one after the other", async (net) => {
  const listener = tcp(net);
  for (let i = 1; i <= 3; i++) {
    const accepted = listener.accept();
    const client = await within(net.connect(listener.addr));
    const server = await within(accepted);
    await server.write(bytes(i));
    assertEquals(await readFully(client, i), bytes(i));
  }
});

statement("listener.accept() accepts who connected before", async (net) => {
  const listener = tcp(net);
  const clients = [
    await within(net.connect(listener.addr)),
    await within(net.connect(listener.addr)),
  ];
  const ports = [
    (await within(listener.accept())).remoteAddr.port,
    (await within(listener.accept())).remoteAddr.port,
  ];
  assertEquals(
    ports.sort(),
    clients.map(({ localAddr }) => localAddr.port).sort(),
  );
});

statement(
  "listener.accept() rejects with Busy while another waits",
  async (net) => {
    const listener = tcp(net);
    const waiting = listener.accept();
    const words = "Another accept task is ongoing";
    await assertRejects(() => within(listener.accept()), Busy, words);
    listener.unref();
    await assertRejects(() => within(listener.accept()), Busy, words);
    listener.close();
    await assertRejects(
      () => within(waiting),
      BadResource,
      "Listener has been closed",
    );
  },
);

statement(
  "listener.close() rejects a pending accept with BadResource",
  async (net) => {
    const listener = tcp(net);
    const { addr } = listener;
    const waiting = listener.accept();
    listener.close();
    await assertRejects(
      () => within(waiting),
      BadResource,
      "Listener has been closed",
    );
    tcp(net, { port: addr.port });
  },
);

statement(
  "listener.accept() rejects with BadResource after close()",
  async (net) => {
    const listener = tcp(net);
    listener.close();
    const accepted = listener.accept();
    await assertRejects(
      () => accepted,
      BadResource,
      "Listener has been closed",
    );
  },
);

statement("listener.close() throws BadResource the second time", (net) => {
  const listener = tcp(net);
  listener.close();
  assertThrows(() => listener.close(), BadResource);
});

statement("listener keeps addr, ref() and unref() after close()", (net) => {
  const listener = tcp(net);
  const { addr } = listener;
  listener.close();
  listener.ref();
  listener.unref();
  assertEquals(plain(listener.addr), plain(addr));
});

statement("listener.close() leaves accepted connections alone", async (net) => {
  const listener = tcp(net);
  const accepted = listener.accept();
  const client = await within(net.connect(listener.addr));
  const server = await within(accepted);
  listener.close();
  await client.write(bytes(3));
  assertEquals(await readFully(server, 3), bytes(3));
});

statement(
  "using closes a listener, and close() after it throws",
  async (net) => {
    let waiting: Promise<unknown>;
    const listener = tcp(net);
    {
      using _listener = listener;
      waiting = listener.accept();
    }
    await assertRejects(() => within(waiting), BadResource);
    listener[Symbol.dispose]();
    assertThrows(() => listener.close(), BadResource);
  },
);

statement("for await ends when the listener is closed", async (net) => {
  const listener = tcp(net);
  const { port } = listener.addr;
  const waiting = listener[Symbol.asyncIterator]().next();
  listener.close();
  assertEquals(await within(waiting), DONE);
  // Its address is free from then on.
  tcp(net, { port });
  assertEquals(await listener[Symbol.asyncIterator]().next(), DONE);
});

statement("using leaves a listener alone that was closed", async (net) => {
  using listener = tcp(net);
  listener.close();
  await assertRejects(() => listener.accept(), BadResource);
});

statement("for await serves connections until the end", async (net) => {
  const listener = tcp(net);
  const serving = (async () => {
    for await (const conn of listener) {
      await conn.write(bytes(3));
      conn.close();
    }
  })();
  for (let i = 0; i < 2; i++) {
    const client = await within(net.connect(listener.addr));
    assertEquals(await readFully(client, 3), bytes(3));
    assertEquals(await within(client.read(bytes(1))), null);
  }
  listener.close();
  await within(serving);
});

statement("for await closes the listener at a break", async (net) => {
  const listener = tcp(net);
  const serving = (async () => {
    let served = 0;
    for await (const conn of listener) {
      conn.close();
      if (++served === 2) break;
    }
  })();
  await within(net.connect(listener.addr));
  await within(net.connect(listener.addr));
  await within(serving);
  assertThrows(() => listener.close(), BadResource);
});

statement(
  "an address is free when its connections were closed",
  async (net) => {
    const first = tcp(net);
    const accepted = first.accept();
    const client = await within(net.connect(first.addr));
    (await within(accepted)).close();
    assertEquals(await within(client.read(bytes(1))), null);
    client.close();
    first.close();
    const second = tcp(net, { port: first.addr.port });
    const again = second.accept();
    await within(net.connect(second.addr));
    await within(again);
  },
);
