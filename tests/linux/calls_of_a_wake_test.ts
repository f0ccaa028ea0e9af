/**
 * How many functions of the package run for one wake: light load runs them cold,
 * where each has its price, and each is compiled for everybody who starts.
 */
import { assert, assertEquals } from "@std/assert";
import { runScript } from "../session/child.ts";
import { NOT_LINUX, skipped } from "../skip.ts";

/** Wakes that are counted, after as many that are not. */
const WAKES = 200;

/** Counts the calls while something is awaited, by the engine's own counters. */
const COUNT = `
import { Session } from "node:inspector";
import { listen } from ${
  JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
};

const hostname = "127.0.0.1";
const question = new Uint8Array(16);
const answer = new Uint8Array(64);
const any = { hostname, port: 0, transport: "udp" };

async function count(ask) {
  const session = new Session();
  session.connect();
  const post = (method, options) =>
    new Promise((resolve, reject) => {
      const ended = (error, result) => error ? reject(error) : resolve(result);
      session.post(method, options, ended);
    });
  const some = async () => {
    for (let i = 0; i < ${WAKES}; i++) {
      // Long enough for everybody to sleep.
      await new Promise((resolve) => setTimeout(resolve, 1));
      await ask();
    }
  };
  await post("Profiler.enable");
  await some();
  await post("Profiler.startPreciseCoverage", { callCount: true });
  await some();
  const { result } = await post("Profiler.takePreciseCoverage");
  const calls = result
    .filter(({ url }) => url.includes("/ffi/"))
    .flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0].count));
  console.log(calls.reduce((sum, count) => sum + count) / ${WAKES});
  Deno.exit();
}
`;

/** A server of the package, asked by Deno's own sockets. */
const SERVERS: Readonly<Record<string, { script: string; most: number }>> = {
  "a datagram that is answered": {
    script: `
const server = listenDatagram({ hostname });
const client = Deno.listenDatagram(any);
(async () => {
  for (;;) {
    using batch = await server.receiveMany();
    await server.sendMany(batch);
  }
})();
await count(async () => {
  await client.send(question, server.addr);
  await client.receive(answer);
});`,
    most: 130,
  },
  "a question of a connection that is answered": {
    script: `
const listener = listen({ hostname });
const { port } = listener.addr;
const client = await Deno.connect({ hostname, port });
const server = await listener.accept();
(async () => {
  const bytes = new Uint8Array(64);
  for (;;) await server.write(bytes.subarray(0, await server.read(bytes)));
})();
await count(async () => {
  await client.write(question);
  await client.read(answer);
});`,
    most: 150,
  },
  "a packet that a connected socket gives back": {
    script: `
const client = listenDatagram({ hostname });
const server = Deno.listenDatagram(any);
await client.connect(server.addr);
(async () => {
  for (;;) await server.send(...await server.receive());
})();
await count(async () => {
  await client.send(question);
  await client.receive(answer);
});`,
    most: 150,
  },
};

for (const [what, { script, most }] of Object.entries(SERVERS)) {
  const name = `${what} takes at most ${most} calls`;
  Deno.test({
    name,
    ignore: skipped(name, NOT_LINUX),
    async fn() {
      const { stdout, stderr } = await runScript(COUNT + script, {
        flags: ["-A", "--unstable-net"],
      });
      assertEquals(stderr, "");
      const calls = Number(stdout);
      assert(calls > 20 && calls <= most, `${calls} calls`);
      console.log(`${what}: ${calls} calls`);
    },
  });
}
