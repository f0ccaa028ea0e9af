import { assertEquals, assertRejects } from "@std/assert";
import {
  bytes,
  type DatagramConn,
  type Net,
  statement,
  udp,
  within,
} from "./harness.ts";

const GROUP = "224.0.0.251";
/** A group of the interface-local scope: what is sent never leaves the host. */
const GROUP6 = "ff01::77";

type Conn = DatagramConn & { readonly addr: Deno.NetAddr };

/** Whether a system has an interface for multicast beside loopback. */
const skip = await reason();

async function reason(): Promise<string | undefined> {
  const conn = Deno.listenDatagram({
    transport: "udp",
    hostname: "0.0.0.0",
    port: 0,
  });
  try {
    await conn.joinMulticastV4(GROUP, "0.0.0.0");
  } catch (error) {
    return `this host has no route for multicast (${error})`;
  } finally {
    conn.close();
  }
}

/** A socket that can join groups. */
function open(net: Net, options: { loopback?: boolean } = {}): Conn {
  return udp(net, { hostname: "0.0.0.0", ...options });
}

/** What the socket hears first: the group, or what it sent to itself after. */
async function firstHeard(conn: Conn, hostname: string): Promise<string> {
  const self = hostname === GROUP6 ? "::1" : "127.0.0.1";
  await conn.send(bytes(1), { ...conn.addr, hostname });
  await conn.send(bytes(2), { ...conn.addr, hostname: self });
  const [data] = await within(conn.receive());
  return data.length === 1 ? "group" : "self";
}

statement("conn.joinMulticastV4() joins, sets and leaves", async (net) => {
  const membership = await open(net).joinMulticastV4(GROUP, "127.0.0.1");
  await membership.setLoopback(true);
  await membership.setLoopback(false);
  await membership.setTTL(50);
  await membership.leave();
});

statement("the methods of a membership work without it", async (net) => {
  const membership = await open(net).joinMulticastV4(GROUP, "127.0.0.1");
  const { leave, setLoopback, setTTL } = membership;
  await setLoopback(true);
  await setTTL(50);
  await leave();
});

statement("conn.joinMulticastV6() joins, sets and leaves", async (net) => {
  const conn = udp(net, { hostname: "::" });
  const membership = await conn.joinMulticastV6("ff02::fb", 1);
  await membership.setLoopback(true);
  await membership.setLoopback(false);
  await membership.leave();
});

statement(
  "conn.joinMulticastV4() receives what is sent to the group",
  async (net) => {
    const [alice, bob] = [open(net, { loopback: true }), open(net)];
    const memberships = [
      await alice.joinMulticastV4(GROUP, "0.0.0.0"),
      await bob.joinMulticastV4(GROUP, "0.0.0.0"),
    ];
    await memberships[0]!.setTTL(0); // stays on this host
    await alice.send(bytes(3), { ...bob.addr, hostname: GROUP });
    const [data, from] = await within(bob.receive());
    assertEquals(data, bytes(3));
    assertEquals((from as Deno.NetAddr).port, alice.addr.port);
    for (const membership of memberships) await membership.leave();
  },
  { skip },
);

statement("loopback lets a socket hear its own group", async (net) => {
  const conn = open(net, { loopback: true });
  const membership = await conn.joinMulticastV4(GROUP, "0.0.0.0");
  await membership.setTTL(0);
  assertEquals(await firstHeard(conn, GROUP), "group");
}, { skip });

statement("a socket does not hear its own group by default", async (net) => {
  const conn = open(net);
  const membership = await conn.joinMulticastV4(GROUP, "0.0.0.0");
  await membership.setTTL(0);
  assertEquals(await firstHeard(conn, GROUP), "self");
}, { skip });

statement("membership.setLoopback() changes what is heard", async (net) => {
  const conn = open(net);
  const membership = await conn.joinMulticastV4(GROUP, "0.0.0.0");
  await membership.setTTL(0);
  await membership.setLoopback(true);
  assertEquals(await firstHeard(conn, GROUP), "group");
}, { skip });

statement("membership.leave() ends what is heard", async (net) => {
  const conn = open(net, { loopback: true });
  const membership = await conn.joinMulticastV4(GROUP, "0.0.0.0");
  await membership.setTTL(0);
  await membership.leave();
  assertEquals(await firstHeard(conn, GROUP), "self");
}, { skip });

statement("membership.leave() rejects the second time", async (net) => {
  const membership = await open(net).joinMulticastV4(GROUP, "127.0.0.1");
  await membership.leave();
  await assertRejects(
    () => membership.leave(),
    net.os === "linux" ? Deno.errors.AddrNotAvailable : Error,
  );
});

statement(
  "conn.joinMulticastV4() rejects with an error for a group joined",
  async (net) => {
    const conn = open(net);
    await conn.joinMulticastV4(GROUP, "127.0.0.1");
    // EADDRINUSE on Linux, WSAEINVAL on Windows.
    await assertRejects(
      () => conn.joinMulticastV4(GROUP, "127.0.0.1"),
      net.os === "linux" ? Deno.errors.AddrInUse : Error,
    );
  },
);

for (
  const [group, local] of [
    ["garbage", "127.0.0.1"],
    ["ff02::fb", "127.0.0.1"],
    [GROUP, "garbage"],
    [GROUP, "203.0.113.7"],
    ["1.2.3.4", "127.0.0.1"],
  ] as const
) {
  statement(
    `conn.joinMulticastV4() rejects with an error for ${group} on ${local}`,
    async (net) => {
      await assertRejects(() => open(net).joinMulticastV4(group, local), Error);
    },
  );
}

for (
  const [group, local] of [["garbage", 0], [GROUP, 0], ["::1", 0]] as const
) {
  statement(
    `conn.joinMulticastV6() rejects with an error for ${group}`,
    async (net) => {
      const conn = udp(net, { hostname: "::" });
      await assertRejects(() => conn.joinMulticastV6(group, local), Error);
    },
  );
}

statement("memberships reject with BadResource after close()", async (net) => {
  const conn = open(net);
  const membership = await conn.joinMulticastV4(GROUP, "127.0.0.1");
  conn.close();
  const { BadResource } = Deno.errors;
  await assertRejects(() => membership.leave(), BadResource);
  await assertRejects(() => membership.setTTL(1), BadResource);
  await assertRejects(() => membership.setLoopback(true), BadResource);
  await assertRejects(
    () => conn.joinMulticastV4(GROUP, "0.0.0.0"),
    BadResource,
  );
});

statement(
  "conn.joinMulticastV6() receives what is sent to the group",
  async (net) => {
    const conn = udp(net, { hostname: "::", loopback: true });
    const membership = await conn.joinMulticastV6(GROUP6, 0);
    assertEquals(await firstHeard(conn, GROUP6), "group");
    await membership.leave();
  },
  { skip },
);
