/**
 * TCP with node:net in Deno, in the style of its events.
 *
 * @module
 */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Candidate } from "./harness.ts";

const HOST = "127.0.0.1";
const NAME = "node:net in Deno";

/** A connection with both its ends in this process. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

async function openPairs(count: number) {
  const waiting: ((server: Socket) => void)[] = [];
  const listener = createServer(
    { noDelay: true },
    (socket) => waiting.shift()!(socket),
  );
  await new Promise<void>((done) => listener.listen(0, HOST, done));
  const { port } = listener.address() as AddressInfo;
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const accepted = new Promise<Socket>((done) => waiting.push(done));
    const client = connect({ host: HOST, port, noDelay: true });
    pairs.push({ client, server: await accepted });
  }
  return {
    pairs,
    async close() {
      for (const { client } of pairs) client.end();
      await new Promise((done) => listener.close(done));
    },
  };
}

/** Bytes in one direction over one connection; one count is a chunk. */
export async function nodeBulk(chunk: number): Promise<Candidate> {
  const { pairs, close } = await openPairs(1);
  const { client, server } = pairs[0]!;
  const data = new Uint8Array(chunk);
  let left = 0;
  let arrived = () => {};
  server.on("data", ({ length }) => {
    if ((left -= length) === 0) arrived();
  });
  return {
    name: NAME,
    async run(count) {
      left = count * chunk;
      const all = new Promise<void>((resolve) => arrived = resolve);
      for (let i = 0; i < count; i++) {
        if (client.write(data)) continue;
        await new Promise((resolve) => client.once("drain", resolve));
      }
      await all;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Small requests, one in flight on each of many connections. */
export async function nodeMany(
  connections: number,
  size: number,
): Promise<Candidate> {
  const { pairs, close } = await openPairs(connections);
  const clients = pairs.map(({ client, server }) => {
    const state = { left: 0, arrived: () => {} };
    server.on("data", (data) => server.write(data));
    client.on("data", ({ length }) => {
      if ((state.left -= length) === 0) state.arrived();
    });
    const data = new Uint8Array(size);
    return () =>
      new Promise<void>((resolve) => {
        state.left = size;
        state.arrived = resolve;
        client.write(data);
      });
  });
  return {
    name: NAME,
    async run(count) {
      const each = Math.ceil(count / connections);
      await Promise.all(clients.map(async (trip) => {
        for (let i = 0; i < each; i++) await trip();
      }));
    },
    [Symbol.asyncDispose]: close,
  };
}
