/** Names of hosts and interfaces, in networks where they lead somewhere. */
import { assertEquals } from "@std/assert";
import { hostsTest } from "../linux/hosts.ts";

/** Deno's own sockets, in the shape of this package's. */
const DENO = `
const deno = {
  connect: Deno.connect,
  listen: Deno.listen,
  listenDatagram: (options) => Deno.listenDatagram({ transport: "udp", ...options }),
};
const own = { connect, listen, listenDatagram };
const data = new Uint8Array([7]);
const said = (error) => error.name + ": " + error.message;
`;

hostsTest(
  "localhost leads where the hosts file says, as with Deno's own sockets",
  1,
  async (hosts) => {
    await hosts.name("a", "127.0.0.1 localhost\n::1 localhost\n");
    const script = `${DENO}
      const seen = [];
      for (const net of [own, deno]) {
        const { connect, listen, listenDatagram } = net;
        const listener = listen({ hostname: "localhost", port: 0 });
        const conn = await connect({ hostname: "localhost", port: listener.addr.port });
        const server = listenDatagram({ hostname: "localhost", port: 0 });
        const client = listenDatagram({ hostname: "::", port: 0 });
        await client.send(data, { ...server.addr, hostname: "localhost" });
        const [, from] = await server.receive();
        seen.push([listener, server].map(({ addr }) => addr.hostname));
        seen.at(-1).push(conn.remoteAddr.hostname, from.hostname);
        for (const open of [listener, conn, server, client]) open.close();
      }
      console.log(JSON.stringify(seen));`;
    const [seen, denos] = await hosts.see("a", script) as string[][];
    assertEquals(seen, ["::1", "::1", "::1", "::1"]);
    assertEquals(seen, denos);
  },
);

hostsTest(
  "a name leads to the address that the socket can send to",
  1,
  async (hosts) => {
    await hosts.name("a", "127.0.0.1 both\n::1 both\n");
    const seen = await hosts.see(
      "a",
      `
      const seen = [];
      for (const [local, ipv6Only] of [["127.0.0.1"], ["::"], ["::", true]]) {
        const address = local === "::" ? "::1" : local;
        const conn = listenDatagram({ hostname: local, ipv6Only });
        const to = { hostname: "both", port: conn.addr.port };
        await conn.send(new Uint8Array(1), to);
        await conn.sendMany([{ data: new Uint8Array(1), addr: to }]);
        for (let i = 0; i < 2; i++) seen.push((await conn.receive())[1].hostname);
        await conn.connect(to);
        seen.push(conn.socket.remoteAddress.hostname);
        conn.close();
      }
      console.log(JSON.stringify(seen));`,
    );
    const [ipv4, ipv6] = ["127.0.0.1", "::1"];
    assertEquals(seen, [ipv4, ipv4, ipv4, ipv6, ipv6, ipv6, ipv6, ipv6, ipv6]);
  },
);

for (const autoSelectFamily of [true, false]) {
  hostsTest(
    `connect() tries every address of a name, autoSelectFamily ${autoSelectFamily}`,
    1,
    async (hosts) => {
      await hosts.name("a", "127.0.0.1 both\n::1 both\n");
      const seen = await hosts.see(
        "a",
        `
        const [autoSelectFamily] = args;
        const listener = listen({ hostname: "127.0.0.1" });
        const { port } = listener.addr;
        const conn = await connect({ hostname: "both", port, autoSelectFamily });
        console.log(JSON.stringify(conn.remoteAddr.hostname));
        conn.close();
        listener.close();`,
        autoSelectFamily,
      );
      assertEquals(seen, "127.0.0.1");
    },
  );
}

for (
  const flags of [
    "--allow-net=both",
    "--allow-net=both --deny-net=127.0.0.1",
    "--allow-net=both --deny-net=[::1]",
  ]
) {
  hostsTest(
    `every address of a name is looked at as by Deno, with "${flags}"`,
    1,
    async (hosts) => {
      await hosts.name("a", "127.0.0.1 both\n::1 both\n");
      const script = `${DENO}
        const seen = [];
        for (const { connect, listen, listenDatagram } of [own, deno]) {
          const hostname = "both";
          const outcomes = [];
          for (const call of [
            () => listen({ hostname, port: 0 }),
            () => listenDatagram({ hostname, port: 0 }),
            () => connect({ hostname, port: 9 }),
          ]) {
            const outcome = await Promise.try(call).then(
              (opened) => (opened.close(), "ok"),
              (error) => error.name === "NotCapable" ? said(error) : error.name,
            );
            outcomes.push(outcome);
          }
          seen.push(outcomes);
        }
        console.log(JSON.stringify(seen));`;
      const { stdout, stderr } = await hosts.run("a", script, {
        flags: ["--allow-ffi", "--unstable-net", ...flags.split(" ")],
      });
      assertEquals(stderr, "");
      const [seen, denos] = JSON.parse(stdout);
      assertEquals(seen, denos);
    },
  );
}

hostsTest(
  "an interface behind the % is known by index and by name, as to Deno's own",
  2,
  async (hosts) => {
    await hosts.connect(["a", "first"], ["b", "b0"]);
    await hosts.connect(["a", "second"], ["b", "b1"]);
    const script = `${DENO}
      const [address, index] = args;
      const seen = [];
      for (const { connect, listen, listenDatagram } of [own, deno]) {
        const outcomes = {};
        for (const zone of [index, "second", "absent", "first", ""]) {
          const hostname = address + "%" + zone;
          const ways = {
            udp: () => listenDatagram({ hostname, port: 0 }).close(),
            listen: () => listen({ hostname: "[" + hostname + "]", port: 0 }).close(),
            connect: async () => {
              const listener = listen({ hostname: "::", port: 0 });
              try {
                (await connect({ hostname, port: listener.addr.port })).close();
              } finally {
                listener.close();
              }
            },
            send: async () => {
              const server = listenDatagram({ hostname: "::", port: 0 });
              const client = listenDatagram({ hostname: "::", port: 0 });
              try {
                await client.send(data, { ...server.addr, hostname });
                const [, from] = await server.receive();
                await server.send(data, from);
                await client.receive();
              } finally {
                server.close();
                client.close();
              }
            },
          };
          for (const [way, call] of Object.entries(ways)) {
            // Nobody answers at the wrong interface.
            if (zone === "first" && !["udp", "listen"].includes(way)) continue;
            outcomes[way + " " + zone] = await Promise.try(call).then(
              () => "ok",
              (error) => error.name === "Error" ? error.message : error.name,
            );
          }
        }
        seen.push(outcomes);
      }
      console.log(JSON.stringify(seen));`;
    const address = await hosts.linkLocal("a", "second");
    const link = await hosts.ip("a", "-o", "link", "show", "second");
    const [seen, denos] = await hosts.see(
      "a",
      script,
      address,
      link.split(":")[0],
    ) as Record<string, string>[];
    assertEquals(seen, denos);
    assertEquals(seen!["send second"], "ok");
  },
);

hostsTest(
  "a session knows an interface behind the % by name",
  2,
  async (hosts) => {
    await hosts.connect(["a", "a0"], ["b", "b0"]);
    const address = await hosts.linkLocal("a", "a0");
    const script = `
      const [hostname] = args;
      const session = open();
      const buffer = session.registerBuffer(4096);
      const socket = udp(session, 0, hostname);
      await socket.connect({ hostname, port: socket.address.port });
      socket.writeAddress(buffer.slice(0, 28), { hostname, port: 9 });
      const { port } = socket.readAddress(buffer.slice(0, 28));
      const refused = [];
      try {
        udp(session, 0, hostname + "x");
      } catch (error) {
        refused.push(error.name, error.message);
      }
      console.log(JSON.stringify([port, refused]));
      await session.close();`;
    const hostname = `${address}%a0`;
    const [port, refused] = await hosts.see("a", script, hostname) as [
      number,
      string[],
    ];
    assertEquals([port, refused[0]], [9, "TypeError"]);
    assertEquals(refused[1]!.includes(`Invalid hostname "${hostname}x"`), true);
  },
);

hostsTest(
  "a link-local address is given back as by Deno's own sockets",
  2,
  async (hosts) => {
    await hosts.connect(["a", "a0"], ["b", "b0"]);
    const address = await hosts.linkLocal("a", "a0");
    const script = `${DENO}
      const hostname = args[0] + "%a0";
      const seen = [];
      for (const { connect, listen, listenDatagram } of [own, deno]) {
        const listener = listen({ hostname, port: 0 });
        const client = await connect({ hostname, port: listener.addr.port });
        const accepted = await listener.accept();
        const server = listenDatagram({ hostname: "::", port: 0 });
        const conn = listenDatagram({ hostname, port: 0 });
        await conn.send(data, { ...server.addr, hostname });
        const [, from] = await server.receive();
        await conn.send(data, { ...server.addr, hostname });
        let batched = from;
        if (server.receiveMany) {
          using batch = await server.receiveMany();
          for (const { addr } of batch) batched = addr;
        }
        seen.push(
          [listener.addr, client.localAddr, client.remoteAddr, accepted.localAddr,
            accepted.remoteAddr, conn.addr, from, batched].map((addr) => addr.hostname),
        );
        for (const open of [listener, client, accepted, server, conn]) open.close();
      }
      console.log(JSON.stringify(seen));`;
    const [seen, denos] = await hosts.see("a", script, address) as string[][];
    assertEquals(seen, new Array(8).fill(address));
    assertEquals(seen, denos);
  },
);

hostsTest(
  "an answer to a link-local address leaves where the question came from",
  2,
  async (hosts) => {
    for (const i of [0, 1, 2]) {
      await hosts.connect(["a", `a${i}`], ["b", `b${i}`]);
    }
    const [address, own] = [
      await hosts.linkLocal("a", "a1"),
      await hosts.linkLocal("b", "b1"),
    ];
    const server = hosts.see(
      "a",
      `
      const conn = listenDatagram({ hostname: "::", port: 7700 });
      const listener = listen({ hostname: "::", port: 7700 });
      const [data, from] = await conn.receive();
      await conn.send(data, from);
      using batch = await conn.receiveMany();
      await conn.sendMany(batch);
      const accepted = await listener.accept();
      // Back to who has connected: the client listens at its port, too.
      await conn.send(new Uint8Array([9]), accepted.remoteAddr);
      const addresses = [from.hostname, accepted.remoteAddr.hostname];
      console.log(JSON.stringify(addresses));
      for (const open of [conn, listener, accepted]) open.close();`,
    );
    const client = hosts.see(
      "b",
      `
      const [address, own] = args;
      const conn = listenDatagram({ hostname: own + "%b1", port: 7701 });
      const to = { hostname: address + "%b1", port: 7700 };
      // The server may not be there yet, or not at the next line.
      const ask = async (...data) => {
        for (;;) {
          await conn.send(new Uint8Array(data), to).catch(() => {});
          try {
            const signal = AbortSignal.timeout(200);
            const [answer] = await conn.receive(undefined, { signal });
            if (answer[0] === data[0]) return data[0];
          } catch (error) {
            if (error.name !== "TimeoutError") throw error;
          }
        }
      };
      const seen = [await ask(1), await ask(2)];
      const client = await connect({ ...to, localAddress: own + "%b1", localPort: 7701 });
      for (let last = 0; last !== 9;) {
        last = (await conn.receive())[0][0];
        if (last === 9) seen.push(last);
      }
      console.log(JSON.stringify(seen));
      client.close();
      conn.close();`,
      address,
      own,
    );
    assertEquals(await client, [1, 2, 9]);
    assertEquals(await server, [own, own]);
  },
);

hostsTest(
  "connect() is given up while a name is looked up, as Deno's own",
  1,
  async (hosts) => {
    await hosts.nameNothing("a");
    const seen = await hosts.see(
      "a",
      `${DENO}
      const seen = [];
      for (const { connect } of [own, deno]) {
        const controller = new AbortController();
        const { signal } = controller;
        const conn = connect({ hostname: "no.example", port: 1, signal });
        setTimeout(() => controller.abort(new Error("too slow")), 50);
        seen.push(await conn.catch((error) => error.message));
      }
      console.log(JSON.stringify(seen));
      Deno.exit(0);`,
    );
    assertEquals(seen, ["too slow", "too slow"]);
  },
);

hostsTest(
  "a worker may be terminated while names are looked up",
  1,
  async (hosts) => {
    await hosts.nameNothing("a");
    // The lookups end within a second, in memory of the worker that is gone.
    const options = "nameserver 10.99.0.2\noptions timeout:1 attempts:1\n";
    await hosts.name("a", options, "resolv.conf");
    const seen = await hosts.see(
      "a",
      `
      const [face] = args;
      const code = \`
        import { connect } from "\${face}";
        for (let i = 0; i < 20; i++) {
          connect({ hostname: i + ".example", port: 1 }).catch(() => {});
        }
        postMessage("asked");
      \`;
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      for (let i = 0; i < 3; i++) {
        const worker = new Worker(url, { type: "module" });
        await new Promise((resolve) => worker.onmessage = resolve);
        worker.terminate();
      }
      // Asked last, and answered last.
      const last = await connect({ hostname: "last.example", port: 1 })
        .catch((error) => error.name);
      console.log(JSON.stringify(last));`,
      new URL("../../mod.ts", import.meta.url).href,
    );
    assertEquals(seen, "Error");
  },
);
