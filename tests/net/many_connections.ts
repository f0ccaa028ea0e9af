/**
 * One side of many connections: a server that tells what they cost it, or its
 * clients. Each runs in a process of its own, started by the test beside it.
 *
 *     deno run -A --v8-flags=--expose-gc many_connections.ts server 1000
 *     deno run -A many_connections.ts client 1000 <port>
 */
import { connect, listen, RioSession, type RioTcpConn } from "../../mod.ts";

/** What the server tells at its end. */
export interface Report {
  /** Connections that were served while all were open. */
  served: number;
  /** Resident bytes of the process per connection, registered memory included. */
  bytesEach: number;
  /** Registrations while every connection waited for data. */
  slabs: number;
  /** What the session held when everything was closed. */
  leftover: number;
}

/** Connections that warm everything up before the measurement. */
export const WARM_UP = 500;

const library = Deno.env.get("RIO_LIBRARY");

/** V8's collector, as `--expose-gc` gives it. */
type Collect = (options: { type: string; flavor: string }) => void;
const { gc } = globalThis as { gc?: Collect };

async function serve(count: number): Promise<void> {
  using session = RioSession.open(library === undefined ? {} : { library });
  using listener = listen({
    hostname: "127.0.0.1",
    tcpBacklog: 4096,
    session,
  });
  console.log(listener.addr.port);
  const conns: RioTcpConn[] = [];
  let before = 0;
  const steps = new Map([[WARM_UP, Promise.withResolvers<void>()]]);
  steps.set(WARM_UP + count, Promise.withResolvers<void>());
  let served = 0;
  const echo = async (conn: RioTcpConn) => {
    const p = new Uint8Array(64);
    for (;;) {
      const size = await conn.read(p);
      if (size === null) break;
      await conn.write(p.subarray(0, size));
      steps.get(++served)?.resolve();
    }
    conn.close();
  };
  const echoes: Promise<void>[] = [];
  for (const [goal, { promise }] of steps) {
    while (conns.length < goal) {
      const conn = await listener.accept();
      conns.push(conn);
      echoes.push(echo(conn));
    }
    await promise;
    if (goal === WARM_UP) before = await resident();
  }
  const bytesEach = Math.round((await resident() - before) / count);
  const { buffers: slabs } = session.stats();
  console.log("served");
  await Promise.all(echoes);
  listener.close();
  const { buffers, sockets, completionQueues, outstanding } = session.stats();
  const report: Report = {
    served,
    bytesEach,
    slabs,
    leftover: buffers + sockets + completionQueues + outstanding,
  };
  console.log(JSON.stringify(report));
}

/** What the process occupies, when the garbage is gone. */
async function resident(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    gc?.({ type: "major", flavor: "last-resort" });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return Deno.memoryUsage().rss;
}

async function call(count: number, port: number): Promise<void> {
  const conns: RioTcpConn[] = [];
  const hello = new Uint8Array(16);
  while (conns.length < WARM_UP + count) {
    const conn = await connect({ port });
    conns.push(conn);
    await conn.write(hello);
    if (await conn.read(new Uint8Array(64)) !== hello.length) {
      throw new Error(`Connection ${conns.length} was not echoed`);
    }
  }
  console.log("connected");
  await Deno.stdin.read(new Uint8Array(1));
  for (const conn of conns) conn.close();
}

if (import.meta.main) {
  const [role, count, port] = Deno.args;
  if (role === "server") await serve(Number(count));
  else await call(Number(count), Number(port));
}
