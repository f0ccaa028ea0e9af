/** A server with several addresses on a network of its own. */
import { assertEquals } from "@std/assert";
import { type Hosts, hostsTest } from "../linux/hosts.ts";

const SERVER = ["10.9.0.2", "10.9.0.3", "fd09::2", "fd09::3"] as const;

/** A client and a server, joined by a cable. */
async function cable(hosts: Hosts): Promise<void> {
  await hosts.connect(
    ["a", "a0", "10.9.0.1/24", "fd09::1/64"],
    [
      "b",
      "b0",
      ...["10.9.0.2/24", "10.9.0.3/24", "fd09::2/64", "fd09::3/64"],
    ],
  );
}

/** Answers in batches until it is told to end; says what it was asked at. */
const ANSWER = `
const [hostname] = args;
const asked = [];
{
  await using conn = listenDatagram({ hostname, port: 7900 });
  for (let goes = true; goes;) {
    using batch = await conn.receiveMany();
    for (const { data, local } of batch) {
      if (data.length === 0) goes = false;
      else if (!asked.includes(local)) asked.push(local);
    }
    await conn.sendMany(batch);
  }
}
console.log(JSON.stringify(asked));
`;

/** Asks each address until it answers; says who has answered. */
const ASK = `
const hosts = args;
const port = 7900;
const answered = [];
/** One question, and its answer; the server may not be there yet. */
async function ask(conn, size, addr) {
  for (;;) {
    const signal = AbortSignal.timeout(250);
    await conn.send(new Uint8Array(size), addr).catch(() => {});
    const answer = await conn.receive(undefined, { signal }).catch(() => null);
    if (answer !== null) return answer[1].hostname;
  }
}
for (const [i, hostname] of hosts.entries()) {
  using conn = listenDatagram({ hostname: hostname.includes(":") ? "::" : "0.0.0.0" });
  const broadcast = hostname.endsWith(".255");
  // A connected socket hears only what comes from where it asks.
  if (!broadcast) await conn.connect({ hostname, port });
  const addr = broadcast ? { hostname, port } : undefined;
  answered.push(await ask(conn, 1, addr));
  if (i === hosts.length - 1) await ask(conn, 0, addr);
}
console.log(JSON.stringify(answered));
`;

for (const hostname of ["0.0.0.0", "::"]) {
  hostsTest(
    `answers from ${hostname} leave from where each was asked`,
    2,
    async (hosts) => {
      await cable(hosts);
      const link = await hosts.linkLocal("b", "b0");
      const ipv6 = hostname === "::";
      const asked = SERVER.filter((host) => ipv6 || !host.includes(":"));
      const [told, answered] = await Promise.all([
        hosts.see("b", ANSWER, hostname),
        hosts.see(
          "a",
          ASK,
          "10.9.0.255",
          ...(ipv6 ? [`${link}%a0`] : []),
          ...asked,
        ),
      ]) as [string[], string[]];
      // A broadcast arrives at an address of the host.
      const [first, ...others] = answered;
      assertEquals(
        ["10.9.0.2", "10.9.0.3"].includes(first!),
        true,
        `a broadcast was answered from ${first}`,
      );
      assertEquals(
        others.map((host) => host.split("%")[0]),
        [...(ipv6 ? [link] : []), ...asked],
      );
      for (const host of asked) {
        assertEquals(told.includes(host), true, `${host} of ${told}`);
      }
    },
  );
}

/** Sends what is longer than the link takes; says what became of it. */
const SEND_LONG = `
const seen = [];
for (const [hostname, peer] of args) {
  using conn = listenDatagram({ hostname });
  for (const on of [true, false]) {
    conn.socket.setOption("dontFragment", on);
    const sent = conn.send(new Uint8Array(3000), { hostname: peer, port: 9 });
    seen.push(await sent.catch((error) => error.cause?.code ?? error.code));
  }
}
console.log(JSON.stringify(seen));
`;

hostsTest(
  "dontFragment refuses what the link does not take, of both IP versions",
  2,
  async (hosts) => {
    await cable(hosts);
    const routes = [
      ["0.0.0.0", "10.9.0.2"],
      ["::", "10.9.0.2"],
      ["fd09::1", "fd09::2"],
      ["::", "fd09::2"],
    ];
    const seen = await hosts.see("a", SEND_LONG, ...routes);
    assertEquals(seen, routes.flatMap(() => ["WSAEMSGSIZE", 3000]));
  },
);
