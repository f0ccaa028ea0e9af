/**
 * The network permission for every way out, under real flags: whatever the flag
 * and however the host is spelled, the outcome is that of Deno's own sockets.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";

const HOSTS = [
  "localhost",
  "LocalHost",
  "127.0.0.1",
  "127.1",
  "0x7f000001",
  "127.0.0.01",
  "::1",
  "[::1]",
  "0:0:0:0:0:0:0:1",
  // On Windows Deno's sockets of IPv6 have no part in IPv4; these have.
  ...(Deno.build.os === "windows"
    ? []
    : ["::ffff:127.0.0.1", "[::ffff:7f00:1]"]),
  "",
  "[127.0.0.1]",
  "[localhost]",
  "127.0.0.1.",
  "a b",
  "a..b",
  "localhost:80",
];

/** Tries each way to each host, with both kinds of sockets. */
const PROGRAM = `
import { connect, listen } from ${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
};
const [hosts, port] = [JSON.parse(Deno.args[0]), Number(Deno.args[1])];
const data = new Uint8Array(1);
const outcome = (call) => Promise.try(call).then(() => "ok", (error) => {
  const asked = /access to "(.*?)"/.exec(error.message);
  return asked ? error.name + " " + asked[1] : error.name;
});
const deno = {
  connect: Deno.connect,
  listen: Deno.listen,
  listenDatagram: (options) => Deno.listenDatagram({ transport: "udp", ...options }),
};
/** The ways of this package that Deno has no counterpart of. */
const beyond = {
  sendMany: async (hostname) => {
    using conn = own.listenDatagram({ hostname: "127.0.0.1", port: 0 });
    await conn.sendMany([{ data, addr: { hostname, port } }]);
  },
  "connect and send": async (hostname) => {
    using conn = own.listenDatagram({ hostname: "127.0.0.1", port: 0 });
    await conn.connect({ hostname, port });
    await conn.send(data);
  },
};
async function table({ connect, listen, listenDatagram }, more = {}) {
  const ways = {
    ...more,
    bind: (hostname) => listenDatagram({ hostname, port: 0 }).close(),
    listen: (hostname) => listen({ hostname, port: 0 }).close(),
    connect: async (hostname) => (await connect({ hostname, port })).close(),
    join: async (hostname) => {
      const conn = listenDatagram({ hostname, port: 0 });
      try {
        await conn.joinMulticastV4("239.1.2.3", "127.0.0.1");
      } finally {
        conn.close();
      }
    },
    send: async (hostname) => {
      const conn = listenDatagram({ hostname: "127.0.0.1", port: 0 });
      try {
        await conn.send(data, { transport: "udp", hostname, port });
      } finally {
        conn.close();
      }
    },
  };
  const lines = {};
  for (const hostname of hosts) {
    for (const [way, call] of Object.entries(ways)) {
      lines[way + " " + hostname] = await outcome(() => call(hostname));
    }
  }
  return lines;
}
const session = open();
const own = {
  connect: (options) => connect({ ...options, session }),
  listen: (options) => listen({ ...options, session }),
  listenDatagram: (options) => listenDatagram({ ...options, session }),
};
console.log(JSON.stringify([await table(own, beyond), await table(deno)]));
await session.close();
`;

function listenOnLoopback(): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: "::", port: 0 });
  } catch {
    return Deno.listen({ hostname: "127.0.0.1", port: 0 });
  }
}

/** Whom the connections reach; nobody looks at them. */
async function serve(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) conn.close();
}

for (
  const flags of [
    "",
    "--allow-net",
    "--allow-net=localhost",
    "--allow-net=127.0.0.1",
    "--allow-net=[::1],127.0.0.1:0",
    "--allow-net=127.1,127.0.0.1:0",
    "--allow-net=127.0.0.0/8",
    "--allow-net=localhost:PORT,127.0.0.1:0",
    "--allow-net --deny-net=localhost",
    "--allow-net --deny-net=LOCALHOST",
    "--allow-net --deny-net=127.0.0.1",
    "--allow-net --deny-net=127.0.0.1:PORT",
    "--allow-net --deny-net=[::1]",
    "--allow-net --deny-net=127.1",
    "--allow-net=localhost,127.0.0.1:0 --deny-net=127.0.0.1:PORT",
    "--deny-net",
  ]
) {
  Deno.test(`every way out is permitted as Deno's own with "${flags}"`, async () => {
    const listener = listenOnLoopback();
    const served = serve(listener);
    const port = String(listener.addr.port);
    const { stdout, stderr } = await runScript(PROGRAM, {
      flags: [
        "--allow-ffi",
        "--unstable-net",
        ...flags.replaceAll("PORT", port).split(" ").filter((flag) => flag),
      ],
      args: [JSON.stringify(HOSTS), port],
    });
    listener.close();
    await served;
    assertEquals(stderr, "");
    const [own, denos] = JSON.parse(stdout);
    const expected = { ...denos };
    for (const way of ["sendMany", "connect and send"]) {
      for (const host of HOSTS) {
        const outcome = denos[`send ${host}`];
        const isRefused = /^(NotCapable|URIError)/.test(outcome);
        const line = `${way} ${host}`;
        // What is permitted may fail for other reasons, and a socket of IPv4
        // does not connect to IPv6, whether it is permitted or not.
        const isSame = !isRefused && !own[line].startsWith("NotCapable") ||
          own[line] === "TypeError" && host.includes(":");
        if (isSame) delete own[line];
        else expected[line] = outcome;
      }
    }
    assertEquals(own, expected);
  });
}
