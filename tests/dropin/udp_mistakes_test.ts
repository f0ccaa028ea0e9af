import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  bytes,
  type DatagramOptions,
  type Net,
  statement,
  udp,
  within,
  wrong,
} from "./harness.ts";

/** A class of errors. */
type Class = new (message: string) => Error;

const listenWith = (net: Net, options: Record<string, unknown>) =>
  net.listenDatagram(
    wrong<DatagramOptions>({ transport: "udp", port: 0, ...options }),
  );

for (
  const [port, error] of [
    [65_536, RangeError],
    [-1, RangeError],
    [1e9, RangeError],
    [1.5, TypeError],
    [NaN, TypeError],
    ["x", TypeError],
    [true, TypeError],
    [{}, TypeError],
  ] as [unknown, Class][]
) {
  const text = Deno.inspect(port);
  statement(`listenDatagram() throws ${error.name} for port ${text}`, (net) => {
    assertThrows(() => listenWith(net, { port }), error);
  });
}

for (const port of ["0", null, undefined]) {
  const text = Deno.inspect(port);
  statement(`listenDatagram() takes port ${text} as a free one`, (net) => {
    listenWith(net, { port, hostname: "127.0.0.1" }).close();
  });
}

for (const hostname of ["", "a b", "exa$mple", "1.2.3.4 "]) {
  statement(`listenDatagram() throws URIError for "${hostname}"`, (net) => {
    assertThrows(() => listenWith(net, { hostname }), URIError);
  });
}

for (const hostname of [null, undefined]) {
  statement(`listenDatagram() binds 0.0.0.0 for ${hostname}`, (net) => {
    const { addr } = listenWith(net, { hostname });
    assertEquals((addr as Deno.NetAddr).hostname, "0.0.0.0");
  });
}

statement("listenDatagram() throws for another transport", (net) => {
  assertThrows(() => listenWith(net, { transport: "tcp" }), Error);
});

for (
  const [addr, what] of [
    [undefined, "no address"],
    [{}, "an empty address"],
    [{ transport: "udp", hostname: "127.0.0.1" }, "no port"],
    [{ transport: "udp", hostname: "127.0.0.1", port: "9" }, "a text as port"],
    [{ transport: "udp", hostname: "127.0.0.1", port: null }, "null as port"],
    [{ transport: "unixpacket", path: "x" }, "the path of a unix socket"],
  ] as [unknown, string][]
) {
  statement(`conn.send() rejects with TypeError for ${what}`, async (net) => {
    const conn = udp(net);
    const sent = conn.send(bytes(1), wrong<Deno.Addr>(addr));
    await assertRejects(() => within(sent), TypeError);
    await worksStill(conn);
  });
}

for (const hostname of ["", "a b"]) {
  statement(
    `conn.send() rejects with URIError for "${hostname}"`,
    async (net) => {
      const conn = udp(net);
      const sent = conn.send(bytes(1), { ...conn.addr, hostname });
      await assertRejects(() => within(sent), URIError);
      await worksStill(conn);
    },
  );
}

statement("conn.send() to port 0 costs that call at most", async (net) => {
  const conn = udp(net);
  const sent = conn.send(bytes(1), { ...conn.addr, port: 0 });
  // Linux refuses it. Windows documents WSAEADDRNOTAVAIL, Wine takes it.
  if (net.os === "linux") await assertRejects(() => within(sent), TypeError);
  else await within(Promise.allSettled([sent]));
  await worksStill(conn);
});

statement(
  "conn.send() rejects for an address of the other family",
  async (net) => {
    const conn = udp(net);
    const to = { ...conn.addr, hostname: "::1" };
    await assertRejects(() => within(conn.send(bytes(1), to)), Error);
    await worksStill(conn);
  },
);

for (
  const data of [
    undefined,
    "abc",
    [1, 2],
    new ArrayBuffer(3),
    new DataView(new ArrayBuffer(3)),
    new Uint16Array(3),
  ] as unknown[]
) {
  const text = Deno.inspect(data, { compact: true, breakLength: Infinity });
  statement(`conn.send() rejects with TypeError for ${text}`, async (net) => {
    const conn = udp(net);
    const sent = conn.send(wrong<Uint8Array<ArrayBuffer>>(data), conn.addr);
    await assertRejects(() => within(sent), TypeError);
    await worksStill(conn);
  });
  if (data === undefined) continue;
  statement(
    `conn.receive() rejects with TypeError for ${text}`,
    async (net) => {
      const conn = udp(net);
      await conn.send(bytes(2), conn.addr);
      const received = conn.receive(wrong<Uint8Array<ArrayBuffer>>(data));
      await assertRejects(() => within(received), TypeError);
      assertEquals((await within(conn.receive()))[0], bytes(2));
    },
  );
}

statement("conn.receive() takes null for no array", async (net) => {
  const conn = udp(net);
  await conn.send(bytes(2), conn.addr);
  const received = conn.receive(wrong<Uint8Array<ArrayBuffer>>(null));
  assertEquals((await within(received))[0], bytes(2));
});

/** What is allowed where a statement is about permissions. */
const ONLY_LOOPBACK: Deno.PermissionOptionsObject = {
  net: ["127.0.0.1"],
  ffi: "inherit",
  read: "inherit",
};

statement("listenDatagram() throws NotCapable without permission", (net) => {
  assertThrows(
    () => udp(net, { hostname: "127.0.0.2" }),
    Deno.errors.NotCapable,
  );
  assertThrows(() => listenWith(net, {}), Deno.errors.NotCapable);
}, { permissions: ONLY_LOOPBACK });

statement(
  "conn.send() rejects with NotCapable without permission",
  async (net) => {
    const conn = udp(net);
    const to = { ...conn.addr, hostname: "127.0.0.2" };
    await assertRejects(
      () => within(conn.send(bytes(1), to)),
      Deno.errors.NotCapable,
    );
    await worksStill(conn);
  },
  { permissions: ONLY_LOOPBACK },
);

/** Sends a datagram to oneself: a mistake costs one call, nothing else. */
async function worksStill(conn: ReturnType<typeof udp>): Promise<void> {
  await conn.send(bytes(7), conn.addr);
  assertEquals((await within(conn.receive()))[0], bytes(7));
}
