/** Error reports of the network: what became of an earlier datagram. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  listenDatagram,
  type RioDatagramConn,
  RioError,
  type RioListenDatagramOptions,
} from "../../mod.ts";
import { faultyTest } from "../faults/faulty_session.ts";
import { hostsTest } from "../linux/hosts.ts";
import { type Open, sessionTest, within } from "../session/harness.ts";
import { skipped } from "../skip.ts";
import { isWine } from "../windows/wine.ts";

type Receive = readonly [
  name: string,
  options: RioListenDatagramOptions,
  receive: (conn: RioDatagramConn) => Promise<unknown>,
];

/** Each way in which datagrams are received. */
const ALL: readonly Receive[] = [
  ["conn.receive()", {}, (conn) => conn.receive()],
  ["conn.receive() of a buffer", {}, (conn) => conn.receive(new Uint8Array(9))],
  ["conn.receive() with slots", { info: true }, (conn) => conn.receive()],
  ["conn.receiveMany()", {}, takeOne],
  ["conn.receiveMany() with slots", { info: true }, takeOne],
  ["for await", {}, async (conn) => {
    for await (const datagram of conn) return datagram;
  }],
];

/** Those that can be tried here: requests are the only way on Windows. */
const RECEIVES = ALL.filter(([, options]) =>
  Deno.build.os === "linux" || !("info" in options)
);

/** After a report Wine has a connected socket receive nothing any more. */
const HEARS_ON = !skipped(
  "what a connected socket receives after a report",
  isWine() ? "Wine gives it nothing any more" : undefined,
);

async function takeOne(conn: RioDatagramConn): Promise<void> {
  using batch = await conn.receiveMany();
  assertEquals(batch.length, 1);
}

/** A port on which nobody listens. */
function closedPort(open: Open, hostname: string): number {
  using session = open();
  using conn = listenDatagram({ session, hostname });
  return conn.addr.port;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const [name, options, receive] of RECEIVES) {
    sessionTest(
      `${name} of a socket on ${hostname} is told that nobody listens, with reportUnreachable, and goes on`,
      async (open) => {
        const port = closedPort(open, hostname);
        using session = open();
        using conn = listenDatagram({
          session,
          hostname,
          reportUnreachable: true,
          ...options,
        });
        await conn.connect({ hostname, port });
        // One waits already; the next one is told of what has come before.
        for (const waits of HEARS_ON ? [true, false, false] : [true]) {
          const early = waits ? receive(conn) : null;
          // It may be told while the send is still awaited.
          early?.catch(() => {});
          await conn.send(new Uint8Array([1]));
          const error = await assertRejects(
            () => within(early ?? receive(conn)),
            Deno.errors.ConnectionRefused,
          );
          assert(error.cause instanceof RioError);
        }
        if (!HEARS_ON) return;
        using peer = listenDatagram({ session, hostname, port });
        const received = receive(conn);
        await peer.send(new Uint8Array([2]), conn.addr);
        await within(received);
      },
    );

    sessionTest(
      `${name} of a socket on ${hostname} is told nothing by default, and each send leaves`,
      async (open) => {
        const port = closedPort(open, hostname);
        using session = open();
        using conn = listenDatagram({ session, hostname, ...options });
        await conn.connect({ hostname, port });
        const received = receive(conn);
        received.catch(() => {});
        for (let i = 0; i < 4; i++) {
          assertEquals(await conn.send(new Uint8Array([i])), 1);
          const two = [1, 2].map((size) => ({ data: new Uint8Array(size) }));
          assertEquals(await within(conn.sendMany(two)), 2);
        }
        using peer = listenDatagram({ session, hostname, port });
        await conn.send(new Uint8Array([9]));
        await within(peer.receive());
        if (!HEARS_ON) return;
        await peer.send(new Uint8Array([2]), conn.addr);
        await within(received);
      },
    );
  }
}

sessionTest("reportUnreachable is refused where it means nothing", (open) => {
  using session = open();
  const refused = (options: object) =>
    assertThrows(
      () => session.openSocket({ transport: "udp", ...options }),
      TypeError,
      "reportUnreachable",
    );
  refused({ transport: "tcp", reportUnreachable: true });
  for (const value of [1, null, "all", {}]) {
    refused({ reportUnreachable: value });
  }
});

/** Errors that the kernel can queue, of which each counts once. */
const QUEUED = {
  EMSGSIZE: 90,
  ECONNREFUSED: 111,
  ENOPROTOOPT: 92,
  ENETUNREACH: 101,
  EHOSTUNREACH: 113,
  EHOSTDOWN: 112,
  ENONET: 64,
  EACCES: 13,
  EOPNOTSUPP: 95,
  EPROTO: 71,
};

for (const [name, errno] of Object.entries(QUEUED)) {
  for (const [call, options, receive] of RECEIVES) {
    const title =
      `${call} goes on after ${name} of an earlier datagram, and keeps its slots`;
    faultyTest(title, async ({ system, session }) => {
      using conn = listenDatagram({
        session,
        hostname: "127.0.0.1",
        receives: 2,
        ...options,
      });
      for (let i = 0; i < 6; i++) {
        for (const from of ["recvfrom", "recvmmsg"]) {
          system.fail(from, { name, errno }, 1);
        }
        const received = receive(conn);
        await conn.send(new Uint8Array([i]), conn.addr);
        await within(received);
      }
    });
  }

  const title = `sends leave after ${name} of an earlier datagram`;
  faultyTest(title, async ({ system, session }) => {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    const data = new Uint8Array([1]);
    const { addr } = conn;
    for (const call of ["send", "sendto", "sendmmsg"]) {
      system.fail(call, { name, errno }, 1);
    }
    await conn.send(data, addr);
    const unlike = [1, 2, 3].map((size) => ({
      data: new Uint8Array(size),
      addr,
    }));
    assertEquals(await conn.sendMany(unlike), 3);
    await conn.connect(addr);
    await conn.send(data);
    for (let seen = 0; seen < 5; seen++) await within(conn.receive());
    assertEquals(system.counts.sendto, 2);
    assertEquals(system.counts.send, 2);
  });
}

faultyTest(
  "conn.sendMany() sends once more what was told of an earlier datagram each time",
  async ({ system, session }) => {
    using conn = listenDatagram({ session, hostname: "127.0.0.1" });
    for (let nth = 1; nth <= 8; nth++) {
      system.fail("sendmmsg", { name: "ECONNREFUSED", errno: 111 }, nth);
    }
    const datagrams = [1, 2].map((size) => ({
      data: new Uint8Array(size),
      addr: conn.addr,
    }));
    assertEquals(await within(conn.sendMany(datagrams)), 2);
    const sizes = [];
    for (let i = 0; i < 2; i++) {
      sizes.push((await within(conn.receive()))[0].length);
    }
    assertEquals(sizes.toSorted(), [1, 2]);
  },
);

/** Echoes datagrams until one of no bytes comes. */
const ECHO = `
  const conn = listenDatagram({ hostname: "::", port: 7000 });
  for await (const [data, from] of conn) {
    await conn.send(data, from);
    if (data.length === 0) break;
  }
`;

/** An address, a peer, a peer that is prohibited, and one without a route. */
const ROUTED = [
  ["10.77.0.2", "10.77.1.2", "10.99.0.1", "10.98.0.1"],
  ["fd77::2", "fd77:1::2", "fd99::1", "fd98::1"],
] as const;

hostsTest(
  "a connected socket is not hurt by a path that takes less, nor by one that is prohibited",
  3,
  async (hosts) => {
    await hosts.connect(
      ["a", "a0", "10.77.0.2/24", "fd77::2/64"],
      ["b", "b0", "10.77.0.1/24", "fd77::1/64"],
    );
    await hosts.connect(
      ["b", "b1", "10.77.1.1/24", "fd77:1::1/64"],
      ["c", "c0", "10.77.1.2/24", "fd77:1::2/64"],
    );
    for (const link of [["b", "b1"], ["c", "c0"]] as const) {
      await hosts.ip(link[0], "link", "set", link[1], "mtu", "1280");
    }
    const forward = [
      "net.ipv4.ip_forward=1",
      "net.ipv6.conf.all.forwarding=1",
      "net.ipv4.icmp_ratelimit=0",
      "net.ipv6.icmp.ratelimit=0",
    ];
    await hosts.command("b", "sysctl", "-qw", ...forward);
    const route = ["route", "add", "default", "via"];
    await hosts.ip("a", ...route, "10.77.0.1");
    await hosts.ip("c", ...route, "10.77.1.1");
    await hosts.ip("a", "-6", ...route, "fd77::1");
    await hosts.ip("c", "-6", ...route, "fd77:1::1");
    for (const [, , prohibited, unreachable] of ROUTED) {
      await hosts.ip("b", "route", "add", "prohibit", prohibited);
      await hosts.ip("b", "route", "add", "unreachable", unreachable);
    }
    const echo = hosts.run("c", ECHO);
    // Whatever fails first is told.
    echo.catch(() => {});
    const client = `
      import { execFileSync } from "node:child_process";
      const seen = [];
      const ask = async (conn, byte) => {
        for (;;) {
          await conn.send(new Uint8Array([byte]));
          const signal = AbortSignal.timeout(300);
          const answer = await conn.receive(undefined, { signal })
            .catch((error) => { if (error.name !== "TimeoutError") throw error; });
          if (answer?.[0][0] === byte) return byte;
        }
      };
      // A router tells of so many a second, and not of each.
      const tell = async (conn) => {
        for (;;) {
          await conn.send(new Uint8Array(1));
          const signal = AbortSignal.timeout(300);
          const error = await conn.receive(undefined, { signal }).catch((error) => error);
          if (error.name !== "TimeoutError") return error.cause?.code;
        }
      };
      for (const [hostname, peer, ...nowhere] of args) {
        for (const options of [{}, { info: true }, { coalesce: true }]) {
          using conn = listenDatagram({ hostname, receives: 2, ...options });
          await conn.connect({ hostname: peer, port: 7000 });
          seen.push(await ask(conn, 1));
          for (let i = 2; i < 8; i++) {
            for (const family of ["-4", "-6"]) {
              execFileSync("ip", [family, "route", "flush", "cache"]);
            }
            // Too long for the second half of the way, of which it is not told yet.
            const long = new Uint8Array(1400);
            if (i % 2 === 0) await conn.send(long);
            else await conn.sendMany([{ data: long }, { data: new Uint8Array(2) }]);
            // When this one is answered, the router has said so.
            seen.push(await ask(conn, i));
          }
          for (const peer of nowhere) {
            using told = listenDatagram({ hostname, reportUnreachable: true, ...options });
            using silent = listenDatagram({ hostname, ...options });
            using final = listenDatagram({ hostname, reportUnreachable: "refused", ...options });
            for (const each of [told, silent, final]) await each.connect({ hostname: peer, port: 7000 });
            seen.push(await silent.send(new Uint8Array(1)));
            await final.send(new Uint8Array(1));
            seen.push(await tell(told));
            const signal = AbortSignal.abort("nothing");
            const known = await final.receive(undefined, { signal }).catch((error) => error);
            // IPv4 routers do not tell each time.
            if (hostname.includes(":")) seen.push(known.cause?.code ?? known);
            seen.push(await silent.sendMany([1, 2].map((size) => ({ data: new Uint8Array(size) }))));
          }
        }
      }
      using last = listenDatagram({ hostname: "::" });
      await last.send(new Uint8Array(0), { hostname: args[1][1], port: 7000 });
      console.log(JSON.stringify(seen));`;
    const answers = [1, 2, 3, 4, 5, 6, 7];
    const prohibited = "WSAEHOSTUNREACH";
    // To ICMPv6 it is a network without a route.
    const ipv4 = [[1, prohibited, 2], [1, "WSAEHOSTUNREACH", 2]];
    const ipv6 = [
      [1, prohibited, prohibited, 2],
      [1, "WSAENETUNREACH", "nothing", 2],
    ];
    assertEquals(
      await hosts.see("a", client, ...ROUTED),
      [ipv4, ipv6].flatMap((told) =>
        [1, 2, 3].flatMap(() => [...answers, ...told.flat()])
      ),
    );
    assertEquals((await echo).stderr, "");
  },
);
