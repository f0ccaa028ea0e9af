/**
 * TCP over loopback: bulk, and many connections.
 *
 * @module
 */
import { connect, listen, RioSession, rioSupport } from "../../mod.ts";
import { readFull, writeFull } from "./echo.ts";
import type { Candidate } from "./harness.ts";
import type { Limit } from "./limit.ts";
import { requestNames, tcpRequests } from "./tcp_requests.ts";
import { nodeBulk, nodeMany } from "./node_net.ts";

/** What both implementations have. */
interface Conn {
  read(p: Uint8Array): Promise<number | null>;
  write(p: Uint8Array): Promise<number>;
  setNoDelay(noDelay?: boolean): void;
  close(): void;
}

interface Listener extends AsyncIterable<Conn> {
  readonly addr: Deno.Addr;
  accept(): Promise<Conn>;
  close(): void;
}

interface Tcp {
  readonly name: string;
  connect(options: { hostname: string; port: number }): Promise<Conn>;
  listen(options: { hostname: string; port: number }): Listener;
}

const OURS: Tcp = { name: "connect and listen", connect, listen };
const DENO: Tcp = {
  name: "Deno.connect and Deno.listen",
  connect: (options) => Deno.connect(options),
  listen: (options) => Deno.listen(options),
};
/** Used until this process ends. */
let epoll: RioSession | undefined;

/** The same without io_uring, where it is not the best there is. */
function withoutUring(): Tcp[] {
  if (rioSupport().engine !== "io_uring") return [];
  const session = epoll ??= RioSession.open({ backend: "epoll" });
  return [{
    name: `${OURS.name}, epoll`,
    connect: (options) => connect({ ...options, session }),
    listen: (options) => listen({ ...options, session }),
  }];
}

/** The names of what serves many connections, this package first. */
export function tcpNames(): string[] {
  return [...here().map(({ name }) => name), ...requestNames()];
}

function here(): Tcp[] {
  return [OURS, DENO, ...withoutUring()];
}

/** Bytes of one write of the bulk candidates. */
const CHUNK = 65536;
/** Bytes of one small request. */
const REQUEST = 64;

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** Bytes in one direction over one connection; one count is 64 KiB. */
export async function tcpBulk(limit: Limit | null): Promise<Candidate[]> {
  const candidates = [
    await bulk(OURS),
    await bulk(DENO),
    await nodeBulk(CHUNK),
  ];
  for (const tcp of withoutUring()) candidates.push(await bulk(tcp));
  if (limit) {
    const c = limit.candidate("the limit: C, two threads", "tcp-bulk", CHUNK);
    candidates.push({ ...c, run: (count) => c.run(count * CHUNK) });
  }
  return candidates;
}

async function bulk(tcp: Tcp): Promise<Candidate> {
  const pair = await Pair.open(tcp);
  const data = new Uint8Array(CHUNK);
  const buffer = new Uint8Array(CHUNK);
  return {
    name: tcp.name,
    async run(count) {
      const read = async () => {
        for (let left = count * CHUNK; left > 0;) {
          left -= (await pair.server.read(buffer))!;
        }
      };
      const reading = read();
      for (let i = 0; i < count; i++) await writeFull(pair.client, data);
      await reading;
    },
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}

/** Small requests, one in flight on each of many connections. */
export async function tcpMany(connections: number): Promise<Candidate[]> {
  const candidates = [
    await many(OURS, connections),
    await many(DENO, connections),
    await nodeMany(connections, REQUEST),
  ];
  for (const tcp of withoutUring()) {
    candidates.push(await many(tcp, connections));
  }
  for (const name of requestNames()) {
    candidates.push(await tcpRequests(name, connections, REQUEST));
  }
  return candidates;
}

/** The same of one of {@linkcode tcpNames} alone. */
export function tcpManyOf(
  name: string,
  connections: number,
): Promise<Candidate> {
  if (requestNames().includes(name)) {
    return tcpRequests(name, connections, REQUEST);
  }
  const tcp = here().find((tcp) => tcp.name === name);
  if (tcp === undefined) throw new Error(`There is no "${name}" here`);
  return many(tcp, connections);
}

async function many(tcp: Tcp, connections: number): Promise<Candidate> {
  const listener = tcp.listen(LOCAL);
  const { port } = listener.addr as Deno.NetAddr;
  const pairs: [client: Conn, server: Conn][] = [];
  for (let i = 0; i < connections; i++) {
    const accepted = listener.accept();
    const client = await tcp.connect({ ...LOCAL, port });
    pairs.push([client, await accepted]);
  }
  for (const [, server] of pairs) echo(server);
  return {
    name: tcp.name,
    async run(count) {
      const each = Math.ceil(count / connections);
      await Promise.all(pairs.map(async ([client]) => {
        const data = new Uint8Array(REQUEST);
        for (let i = 0; i < each; i++) {
          await client.write(data);
          await readFull(client, data);
        }
      }));
    },
    async [Symbol.asyncDispose]() {
      for (const [client] of pairs) client.close();
      await listener.close();
    },
  };
}

/** A connection with both its ends in this process. */
class Pair implements AsyncDisposable {
  readonly client: Conn;
  readonly server: Conn;
  readonly #listener: Listener;

  private constructor(listener: Listener, client: Conn, server: Conn) {
    this.#listener = listener;
    this.client = client;
    this.server = server;
    client.setNoDelay();
    server.setNoDelay();
  }

  static async open(tcp: Tcp): Promise<Pair> {
    const listener = tcp.listen(LOCAL);
    const accepted = listener.accept();
    const { port } = listener.addr as Deno.NetAddr;
    const client = await tcp.connect({ ...LOCAL, port });
    return new Pair(listener, client, await accepted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of [this.client, this.server, this.#listener]) {
      try {
        await end.close();
      } catch (error) {
        // The benchmark closed it to end its peer.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
  }
}

/** Sends everything back, until the peer ends; then closes. */
async function echo(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(REQUEST);
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) break;
    await writeFull(conn, buffer.subarray(0, length));
  }
  conn.close();
}
