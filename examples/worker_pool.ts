/**
 * A UDP server on several cores: workers that share one port.
 *
 * The system spreads peers over them, so that one peer always comes to the same
 * worker. Linux only: elsewhere `reusePort` is refused.
 *
 * ```sh
 * deno run --allow-ffi --allow-net --allow-read examples/worker_pool.ts --workers 2
 * echo -n hello | nc -u -w1 127.0.0.1 7777
 * ```
 *
 * @module
 */
import { listenDatagram } from "../mod.ts";
import {
  onInterrupt,
  readArguments,
  saysClosed,
  usage,
  wholeNumber,
  write,
} from "./arguments.ts";

const HELP = `Answers each datagram with its checksum, on several cores.

  --hostname IP  address to bind          [127.0.0.1]
  --port N       port to bind, 0 for any  [7777]
  --workers N    workers, 1 to 64         [2]
  --help         this text

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

/** What a worker is told: where to listen, or to end. */
type Order = { hostname: string; port: number } | "end";
/** What it answers: its port, why it has none, or what it did. */
type Report = { port: number } | { error: string } | { answered: number };

/** The scope of a worker; a program has none. */
const scope = "DedicatedWorkerGlobalScope" in globalThis
  ? globalThis as unknown as Worker
  : null;

if (scope) serve(scope);
else await main();

/** The program: starts the workers, and ends them. */
async function main(): Promise<void> {
  const flags = readArguments(HELP, {
    hostname: "127.0.0.1",
    port: "7777",
    workers: "2",
  });
  const { hostname } = flags;
  let port = wholeNumber("--port", flags.port, [0, 65_535]);
  const count = wholeNumber("--workers", flags.workers, [1, 64]);
  const workers: Worker[] = [];
  for (let i = 0; i < count; i++) {
    const worker = new Worker(import.meta.url, { type: "module" });
    workers.push(worker);
    const report = await ask(worker, { hostname, port });
    if ("error" in report) usage(report.error);
    // The first one may choose; the others share what it has.
    if ("port" in report) port = report.port;
  }
  const interrupted = Promise.withResolvers<void>();
  using _ = onInterrupt(interrupted.resolve);
  write(`${count} workers on ${hostname}:${port}, Ctrl-C ends\n`);
  await interrupted.promise;
  const reports = await Promise.all(
    workers.map((worker) => ask(worker, "end")),
  );
  for (const [i, report] of reports.entries()) {
    if (!("answered" in report)) continue;
    write(`worker ${i + 1} answered ${report.answered} datagrams\n`);
  }
}

/** Gives a worker an order, and waits for its report. */
async function ask(worker: Worker, order: Order): Promise<Report> {
  const { promise, resolve } = Promise.withResolvers<Report>();
  worker.onmessage = ({ data }: MessageEvent<Report>) => resolve(data);
  worker.postMessage(order);
  return await promise;
}

/** A worker: a socket of its own on the port of all. */
function serve(parent: Worker): void {
  let conn: ReturnType<typeof listenDatagram> | null = null;
  let serving = Promise.resolve(0);
  const tell = (report: Report) => parent.postMessage(report);
  parent.onmessage = async ({ data: order }: MessageEvent<Order>) => {
    if (order === "end") {
      conn?.close();
      tell({ answered: await serving });
      return close();
    }
    try {
      conn = listenDatagram({ ...order, reusePort: true });
      serving = answer(conn);
      tell({ port: conn.addr.port });
    } catch (error) {
      tell({ error: String(error) });
    }
  };
}

/** Answers until the socket is closed; gives how many. */
async function answer(
  conn: ReturnType<typeof listenDatagram>,
): Promise<number> {
  let answered = 0;
  for (;;) {
    try {
      using batch = await conn.receiveMany();
      answered += await conn.sendMany(
        Array.from(batch, ({ data, addr, local }) => ({
          data: new TextEncoder().encode(`${checksum(data)}\n`),
          addr,
          local,
        })),
      );
    } catch (error) {
      if (saysClosed(error)) return answered;
      console.error(String(error));
    }
  }
}

/** The work: FNV-1a, in place of what keeps your cores busy. */
function checksum(data: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of data) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
