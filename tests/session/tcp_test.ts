/**
 * Streams: connect, accept, send, receive, end.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  RioClosedError,
  RioError,
  RioListener,
  type RioSocket,
} from "../../mod.ts";
import { FAMILIES } from "../contract/families.ts";
import {
  collect,
  openPair,
  put,
  sessionTest,
  textOf,
  until,
  within,
} from "./harness.ts";

for (const { name, loopback: hostname } of FAMILIES) {
  sessionTest(`TCP over ${name} connects, sends and ends`, async (open) => {
    using session = open();
    using buffer = session.registerBuffer(400);
    const [client, server] = await openPair(session, { hostname });
    assertEquals(client.remoteAddress?.hostname, hostname);
    assertEquals(server.remoteAddress, client.address);
    assertEquals(server.address, client.remoteAddress);
    server.receive(buffer.slice(0, 100));
    client.send(put(buffer.slice(100, 100), "over TCP"));
    assertEquals(
      textOf((await collect(server.completions, 1))[0]!),
      "over TCP",
    );
    await collect(client.completions, 1);
    server.receive(buffer.slice(0, 100));
    client.close();
    const [end] = await collect(server.completions, 1);
    assertEquals([end?.status, end?.bytesTransferred], [0, 0]);
  });
}

sessionTest(
  "socket.connect() rejects with WSAECONNREFUSED where nothing listens",
  async (open) => {
    using session = open();
    const listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const { hostname, port } = listener.address;
    listener.close();
    using client = session.openSocket({ transport: "tcp" });
    const error = await assertRejects(
      () => within(client.connect({ hostname, port })),
      RioError,
      `Cannot connect to ${hostname}:${port}`,
    );
    assertEquals([error.code, error.syscall], ["WSAECONNREFUSED", "connect"]);
    assertEquals(client.remoteAddress, null);
  },
);

sessionTest(
  "socket.connect() rejects with RioClosedError when the socket is closed meanwhile",
  async (open) => {
    using session = open();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 1,
    });
    const client = session.openSocket({ transport: "tcp" });
    const connecting = client.connect(listener.address);
    client.close();
    // On loopback it may have been through already.
    await within(
      connecting.catch((error) => assert(error instanceof RioClosedError)),
    );
    assert(client.closed);
  },
);

sessionTest(
  "TCP requests on a socket that is not connected fail with WSAENOTCONN",
  async (open) => {
    using session = open();
    using client = session.openSocket({ transport: "tcp" });
    using buffer = session.registerBuffer(10);
    let status: number;
    try {
      client.send(buffer.slice());
      status = (await collect(client.completions, 1))[0]!.status;
    } catch (error) {
      assert(error instanceof RioError);
      status = error.errno;
    }
    // Some systems find out only in the call, and say what they found.
    const expected = open.system === "windows" ? [10057, 10054] : [10057];
    assert(expected.includes(status), `${status}`);
  },
);

sessionTest(
  "TCP receives wait for the whole slice with waitAll",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    server.receive(buffer.slice(0, 10), { waitAll: true });
    client.send(put(buffer.slice(50, 10), "half "));
    await collect(client.completions, 1);
    open.fake?.pump(4);
    assertEquals(server.completions.dequeue(), []);
    client.send(put(buffer.slice(60, 10), "more!"));
    const [whole] = await collect(server.completions, 1);
    assertEquals([whole?.bytesTransferred, textOf(whole!)], [10, "half more!"]);
    await collect(client.completions, 1);
  },
);

sessionTest(
  "TCP receives with waitAll end with what there was when the peer ends",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    server.receive(buffer.slice(0, 10), { waitAll: true });
    client.send(put(buffer.slice(50, 10), "part"));
    await collect(client.completions, 1);
    client.shutdown();
    const [part] = await collect(server.completions, 1);
    assertEquals([part?.status, part?.bytesTransferred], [0, 4]);
  },
);

sessionTest(
  "TCP receives without waitAll complete with what is there",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    server.receive(buffer.slice(0, 50));
    client.send(put(buffer.slice(50, 10), "some"));
    assertEquals(textOf((await collect(server.completions, 1))[0]!), "some");
    await collect(client.completions, 1);
  },
);

sessionTest(
  "socket.shutdown() ends sending and leaves receiving",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    client.shutdown("send");
    server.receive(buffer.slice(0, 10));
    const [end] = await collect(server.completions, 1);
    assertEquals([end?.status, end?.bytesTransferred], [0, 0]);
    client.receive(buffer.slice(10, 10));
    server.send(put(buffer.slice(20, 10), "still"));
    assertEquals(textOf((await collect(client.completions, 1))[0]!), "still");
    await collect(server.completions, 1);
    let status: number;
    try {
      client.send(buffer.slice(50, 4));
      status = (await collect(client.completions, 1))[0]!.status;
    } catch (error) {
      assert(error instanceof RioError);
      status = error.errno;
    }
    assertEquals(status, 10058);
  },
);

sessionTest("TCP carries a megabyte in order", async (open) => {
  using session = open();
  const size = 1 << 20;
  using outbox = session.registerBuffer(size);
  using inbox = session.registerBuffer(size);
  for (let i = 0; i < size; i++) outbox.bytes[i] = (i * 31) >>> 3;
  const [client, server] = await openPair(session);
  const chunk = 64 * 1024;
  for (let at = 0; at < size; at += chunk) {
    client.send(outbox.slice(at, chunk), { defer: true });
  }
  client.commit("send");
  let got = 0;
  let sent = 0;
  server.receive(inbox.slice(got));
  await until(() => {
    for (const completion of server.completions.dequeue()) {
      assertEquals(completion.status, 0);
      got += completion.bytesTransferred;
      if (got < size) server.receive(inbox.slice(got));
    }
    for (const completion of client.completions.dequeue()) {
      assertEquals([completion.status, completion.bytesTransferred], [
        0,
        chunk,
      ]);
      sent += chunk;
    }
    return got === size && sent === size;
  }, "a megabyte");
  assert(inbox.bytes.every((byte, i) => byte === outbox.bytes[i]));
});

sessionTest(
  "TCP receives fail with an error when the peer resets",
  async (open) => {
    using session = open();
    using buffer = session.registerBuffer(100);
    const [client, server] = await openPair(session);
    // Closing with unread bytes resets the connection, if they have arrived.
    server.send(put(buffer.slice(0, 10), "unread"));
    await collect(server.completions, 1);
    client.receive(buffer.slice(20, 1));
    await collect(client.completions, 1);
    server.receive(buffer.slice(50, 10));
    client.close();
    const [end] = await collect(server.completions, 1);
    assertEquals([end?.status, end?.error?.code], [10054, "WSAECONNRESET"]);
  },
);

sessionTest(
  "listener.accept() serves its callers in their order",
  async (open) => {
    using session = open();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 8,
    });
    const order: number[] = [];
    const accepts = [0, 1, 2, 3].map(async (i) => {
      const socket = await listener.accept({ receives: i + 1, sends: 1 });
      order.push(i);
      return socket;
    });
    const clients: RioSocket[] = [];
    for (let i = 0; i < 4; i++) {
      const client = session.openSocket({ transport: "tcp" });
      await within(client.connect(listener.address));
      clients.push(client);
    }
    const servers = await within(Promise.all(accepts));
    assertEquals(order, [0, 1, 2, 3]);
    assertEquals(servers.map(({ receives }) => receives), [1, 2, 3, 4]);
    assertEquals(
      servers.map((server) => server.remoteAddress?.port).toSorted(),
      clients.map((client) => client.address.port).toSorted(),
    );
  },
);

sessionTest(
  "listener.accept() takes connections that were made before",
  async (open) => {
    using session = open();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 8,
    });
    using client = session.openSocket({ transport: "tcp" });
    const connecting = client.connect(listener.address);
    await within(connecting);
    using server = await within(listener.accept());
    assertEquals(server.remoteAddress, client.address);
  },
);

sessionTest(
  "listener.close() rejects accepts that wait with RioClosedError",
  async (open) => {
    using session = open();
    const listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 8,
    });
    const accepts = [0, 1, 2].map(() =>
      assertRejects(() => listener.accept(), RioClosedError)
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    listener.close();
    await within(Promise.all(accepts));
  },
);

sessionTest("accepted sockets share a queue that is given", async (open) => {
  using session = open();
  using completions = session.createCompletionQueue();
  using buffer = session.registerBuffer(100);
  const [client, server] = await openPair(session, { completions });
  client.receive(buffer.slice(0, 20), { context: "client" });
  server.receive(buffer.slice(20, 20), { context: "server" });
  client.send(put(buffer.slice(40, 20), "a"));
  server.send(put(buffer.slice(60, 20), "b"));
  const all = await collect(completions, 4);
  const texts = Object.fromEntries(
    all.filter(({ kind }) => kind === "receive")
      .map((completion) => [completion.context, textOf(completion)]),
  );
  assertEquals(texts, { client: "b", server: "a" });
});

sessionTest("a listener is bound and carries no data", (open) => {
  using session = open();
  using listener = session.openSocket({
    transport: "tcp",
    hostname: "127.0.0.1",
    backlog: 1,
  });
  assert(listener.address.port > 0);
  assertEquals(listener.remoteAddress, null);
  assert(listener instanceof RioListener);
  for (const name of ["receive", "send", "completions", "connect"]) {
    assert(!(name in listener), name);
  }
});

sessionTest(
  "socket.connect() settles both calls when it is called twice",
  async (open) => {
    using session = open();
    using listener = session.openSocket({
      transport: "tcp",
      hostname: "127.0.0.1",
      backlog: 2,
    });
    using client = session.openSocket({ transport: "tcp" });
    const accepted = listener.accept();
    const both = [
      client.connect(listener.address),
      client.connect(listener.address),
    ];
    const [first, second] = await within(Promise.allSettled(both));
    assertEquals(first?.status, "fulfilled");
    if (second?.status === "rejected") {
      assert(second.reason instanceof RioError);
    }
    using _server = await within(accepted);
  },
);
