import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { bytes, pause, plain, statement, udp, within } from "./harness.ts";

statement("listenDatagram() binds the address it is given", (net) => {
  const { port } = udp(net).addr;
  assert(port > 0);
  assertEquals(plain(udp(net, { hostname: "127.0.0.2", port }).addr), {
    transport: "udp",
    hostname: "127.0.0.2",
    port,
  });
});

statement("listenDatagram() binds 0.0.0.0 without a hostname", (net) => {
  const conn = net.listenDatagram({ transport: "udp", port: 0 });
  assertEquals((conn.addr as Deno.NetAddr).hostname, "0.0.0.0");
});

for (
  const [hostname, bound] of [
    ["localhost", "127.0.0.1"],
    ["LocalHost", "127.0.0.1"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["::", "::"],
  ] as const
) {
  statement(`listenDatagram() binds ${bound} for "${hostname}"`, (net) => {
    assertEquals(udp(net, { hostname }).addr.hostname, bound);
  });
}

statement("conn.addr is the same object, also after close()", (net) => {
  const conn = udp(net);
  const { addr } = conn;
  assertStrictEquals(conn.addr, addr);
  conn.close();
  assertStrictEquals(conn.addr, addr);
});

statement("conn.close() lets the port be bound again", (net) => {
  const conn = udp(net);
  const { port } = conn.addr;
  conn.close();
  assertEquals(udp(net, { port }).addr.port, port);
});

statement("conn.close() throws BadResource the second time", (net) => {
  const conn = udp(net);
  conn.close();
  assertThrows(() => conn.close(), Deno.errors.BadResource);
});

statement("conn.ref() and conn.unref() return nothing", (net) => {
  const conn = udp(net);
  assertEquals([conn.unref(), conn.ref()], [undefined, undefined]);
});

statement("conn.send() gives an empty datagram", async (net) => {
  const conn = udp(net);
  assertEquals(await conn.send(bytes(0), conn.addr), 0);
  const [data, from] = await within(conn.receive());
  assertEquals(data.length, 0);
  assertEquals(plain(from), plain(conn.addr));
});

statement("conn.send() sends a part of an array", async (net) => {
  const conn = udp(net);
  await conn.send(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), conn.addr);
  assertEquals((await within(conn.receive()))[0], new Uint8Array([2, 3]));
});

for (const size of [1, 2, 256, 1024, 4096, 16384, 65506, 65507]) {
  statement(`conn.send() sends ${size} bytes over IPv4`, async (net) => {
    const [alice, bob] = [udp(net), udp(net)];
    assertEquals(await alice.send(bytes(size), bob.addr), size);
    assertEquals((await within(bob.receive()))[0], bytes(size));
  });
}

for (const size of [65_508, 65_535, 65_536, 1_000_000]) {
  statement(
    `conn.send() refuses ${size} bytes, and the next are sent`,
    async (net) => {
      const conn = udp(net);
      await assertRejects(() => conn.send(new Uint8Array(size), conn.addr));
      assertEquals(await conn.send(bytes(5), conn.addr), 5);
      assertEquals((await within(conn.receive()))[0], bytes(5));
    },
  );
}

statement("conn.send() sends to 127.0.0.1 without a hostname", async (net) => {
  const conn = udp(net);
  const { port } = conn.addr;
  const to = { transport: "udp", port } as Deno.NetAddr;
  assertEquals(await conn.send(bytes(4), to), 4);
  assertEquals((await within(conn.receive()))[0], bytes(4));
});

statement("conn.send() looks up localhost", async (net) => {
  const conn = udp(net);
  await conn.send(bytes(4), { ...conn.addr, hostname: "localhost" });
  assertEquals((await within(conn.receive()))[0], bytes(4));
});

statement("conn.send() can send broadcast without an option", async (net) => {
  const conn = udp(net, { hostname: "0.0.0.0" });
  const to = { ...conn.addr, hostname: "127.255.255.255" };
  assertEquals(await conn.send(bytes(3), to), 3);
  assertEquals((await within(conn.receive()))[0], bytes(3));
});

statement("conn.send() twice at a time sends both", async (net) => {
  const conn = udp(net);
  const sent = await Promise.all([
    conn.send(bytes(1), conn.addr),
    conn.send(bytes(2), conn.addr),
  ]);
  assertEquals(sent, [1, 2]);
  const sizes = [await conn.receive(), await conn.receive()]
    .map(([data]) => data.length);
  assertEquals(sizes.sort(), [1, 2]);
});

statement(
  "conn.send() twice at a time sends two empty datagrams",
  async (net) => {
    const conn = udp(net);
    const sent = [
      conn.send(new Uint8Array(), conn.addr),
      conn.send(new Uint8Array(), conn.addr),
    ];
    assertEquals(await within(Promise.all(sent)), [0, 0]);
    for (const _ of sent) {
      assertEquals((await within(conn.receive()))[0].length, 0);
    }
  },
);

for (
  const [together, order] of [
    // What comes together goes to who asked last, then to who did before.
    [true, [4, 3, 2, 1, 0]],
    // What comes one by one finds them in the opposite order each time.
    [false, [4, 0, 3, 1, 2]],
  ] as const
) {
  statement(
    `conn.receive() serves who asked last, when datagrams come ${
      together ? "together" : "one by one"
    }`,
    async (net) => {
      const conn = udp(net);
      const served: number[] = [];
      const waiting = [0, 1, 2, 3, 4].map((nth) =>
        conn.receive().then(([data]) => served.push(nth) && data.length)
      );
      await pause();
      for (let i = 0; i < 5; i++) {
        await conn.send(bytes(i), conn.addr);
        while (!together && served.length <= i) await pause();
      }
      await within(Promise.all(waiting));
      // By requests, not even what is sent together has to arrive together.
      if (together && net.os === "windows") assertEquals(served[0], order[0]);
      else assertEquals(served, [...order]);
    },
  );
}

statement("conn.send() rejects with BadResource after close()", async (net) => {
  const conn = udp(net);
  conn.close();
  const sent = conn.send(bytes(1), conn.addr);
  await assertRejects(() => sent, Deno.errors.BadResource);
});

const DONE = { value: undefined, done: true as const };

statement("for await ends when the socket is closed", async (net) => {
  const conn = udp(net);
  const waiting = conn[Symbol.asyncIterator]().next();
  conn.close();
  assertEquals(await within(waiting), DONE);
  assertEquals(await conn[Symbol.asyncIterator]().next(), DONE);
});

statement("for await yields datagrams with their senders", async (net) => {
  const [alice, bob] = [udp(net), udp(net)];
  for (const size of [1, 2, 3]) await alice.send(bytes(size), bob.addr);
  const seen: unknown[] = [];
  for await (const [data, from] of bob) {
    seen.push([data, plain(from)]);
    if (seen.length === 3) bob.close();
  }
  assertEquals(seen, [1, 2, 3].map((size) => [bytes(size), plain(alice.addr)]));
});

statement("for await leaves the socket open at a break", async (net) => {
  const conn = udp(net);
  await conn.send(bytes(1), conn.addr);
  for await (const _ of conn) break;
  await conn.send(bytes(2), conn.addr);
  assertEquals((await within(conn.receive()))[0], bytes(2));
});

statement("a datagram to a port without a socket ends nothing", async (net) => {
  const [conn, gone] = [udp(net), udp(net)];
  gone.close();
  for (let i = 0; i < 3; i++) {
    assertEquals(await conn.send(bytes(1), gone.addr), 1);
    await pause(5);
  }
  await conn.send(bytes(2), conn.addr);
  assertEquals((await within(conn.receive()))[0], bytes(2));
});

statement("an IPv6 socket exchanges datagrams", async (net) => {
  const [alice, bob] = ["::1", "::1"].map((hostname) => udp(net, { hostname }));
  await alice!.send(bytes(3), bob!.addr);
  const [data, from] = await within(bob!.receive());
  assertEquals(data, bytes(3));
  assertEquals(plain(from), plain(alice!.addr));
});

statement("a socket on :: serves IPv4 peers", async (net) => {
  const [dual, peer] = [udp(net, { hostname: "::" }), udp(net)];
  await peer.send(bytes(1), { ...dual.addr, hostname: "127.0.0.1" });
  const [, from] = await within(dual.receive());
  // Deno leaves the address in its IPv6 form; here it is the one peers use.
  assertEquals(plain(from), {
    ...peer.addr,
    hostname: net.native ? "::ffff:127.0.0.1" : "127.0.0.1",
  });
  await dual.send(bytes(2), from);
  assertEquals((await within(peer.receive()))[0], bytes(2));
}, {
  skip: Deno.build.os === "windows"
    ? "Deno itself opens :: for IPv6 only on Windows"
    : undefined,
});

statement("reuseAddress lets two sockets bind one address", async (net) => {
  const sender = udp(net);
  const first = udp(net, { reuseAddress: true });
  const second = udp(net, { reuseAddress: true, port: first.addr.port });
  await sender.send(bytes(3), first.addr);
  const pending = [first.receive(), second.receive()];
  const [data] = await within(Promise.any(pending));
  assertEquals(data, bytes(3));
  first.close();
  second.close();
  const outcomes = await Promise.allSettled(pending);
  assertEquals(outcomes.map(({ status }) => status).sort(), [
    "fulfilled",
    "rejected",
  ]);
});

statement("listenDatagram() throws AddrInUse for an address in use", (net) => {
  const { port } = udp(net).addr;
  assertThrows(() => udp(net, { port }), Deno.errors.AddrInUse);
  assertThrows(
    () => udp(net, { port, reuseAddress: false }),
    Deno.errors.AddrInUse,
  );
});

statement(
  "listenDatagram() throws AddrNotAvailable for a foreign address",
  (net) => {
    assertThrows(
      () => udp(net, { hostname: "203.0.113.7" }),
      Deno.errors.AddrNotAvailable,
    );
  },
);

statement("an error of listenDatagram() is an Error with a message", (net) => {
  const { port } = udp(net).addr;
  const error = assertThrows(() => udp(net, { port }));
  assertInstanceOf(error, Error);
  assert(error.message.length > 0);
});
