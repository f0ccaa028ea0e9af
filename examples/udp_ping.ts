/**
 * Measures how long a UDP echo server takes to answer, and draws how the times
 * are distributed.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/udp_ping.ts
 * deno run --allow-ffi --allow-net examples/udp_ping.ts --hostname 127.0.0.1 --port 7777
 * ```
 *
 * @module
 */
import { listenDatagram, type RioDatagramConn } from "../mod.ts";
import {
  bar,
  columns,
  Drawing,
  onInterrupt,
  openOrExit,
  readArguments,
  saysClosed,
  wholeNumber,
} from "./arguments.ts";

const HELP = `Draws the round-trip times of a UDP echo server.

  --hostname HOST  the server                    [127.0.0.1]
  --port N         its port; 0: a server of its own      [0]
  --count N        datagrams to send                   [200]
  --interval MS    time between them                     [5]
  --size N         bytes of each, 4 to 65507            [64]
  --timeout MS     wait for the last answers          [1000]
  --help           this text

Exit code 0 if everything was answered, 1 if not, 2 for a
wrong argument, 130 after Ctrl-C.`;

const flags = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "0",
  count: "200",
  interval: "5",
  size: "64",
  timeout: "1000",
});
const count = wholeNumber("--count", flags.count, [1, 1_000_000]);
const interval = wholeNumber("--interval", flags.interval, [0, 60_000]);
const size = wholeNumber("--size", flags.size, [4, 65_507]);
const timeout = wholeNumber("--timeout", flags.timeout, [1, 60_000]);
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const { hostname } = flags;

/** Microseconds of each answer. */
const times: number[] = [];
const sentAt = new Float64Array(count);
let sent = 0;
let interrupted = false;

using server = port === 0 ? listenDatagram({ hostname: "127.0.0.1" }) : null;
if (server) echo(server);
using conn = await openOrExit(async () => {
  const any = hostname.includes(":") ? "::" : "0.0.0.0";
  const open = listenDatagram({ hostname: server ? "127.0.0.1" : any });
  await open.connect(server ? server.addr : { hostname, port });
  return open;
});
const { remoteAddress: peer } = conn.socket;
console.log(`pinging ${peer?.hostname}:${peer?.port}, ${size} bytes each`);

const drawing = new Drawing();
const redraw = setInterval(() => drawing.update(histogram()), 100);
const stop = new AbortController();
using _ = onInterrupt(() => {
  interrupted = true;
  stop.abort();
});
const answers = receiveAll(stop.signal);
await sendAll(stop.signal);
const late = setTimeout(() => stop.abort(), timeout);
await answers;
clearTimeout(late);
clearInterval(redraw);

drawing.finish(histogram());
console.log(summary());
Deno.exitCode = interrupted ? 130 : times.length === count ? 0 : 1;

async function sendAll(signal: AbortSignal): Promise<void> {
  const data = new Uint8Array(size);
  const view = new DataView(data.buffer);
  for (let i = 0; i < count && !signal.aborted; i++) {
    view.setUint32(0, i);
    sentAt[i] = performance.now();
    sent++;
    // A server that is not there yet refuses; that is a lost ping, no more.
    await conn.send(data).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

async function receiveAll(signal: AbortSignal): Promise<void> {
  const answered = new Set<number>();
  try {
    while (answered.size < count) {
      const [data] = await conn.receive(undefined, { signal });
      const now = performance.now();
      if (data.length !== size) continue;
      const i = new DataView(data.buffer, data.byteOffset).getUint32(0);
      if (i >= sent || answered.has(i)) continue;
      answered.add(i);
      times.push(1000 * (now - sentAt[i]!));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function echo(conn: RioDatagramConn): Promise<void> {
  try {
    for await (const [data, from] of conn) await conn.send(data, from);
  } catch (error) {
    if (!saysClosed(error)) throw error;
  }
}

/** Answers by powers of two of microseconds. */
function histogram(): string {
  if (times.length === 0) return "no answers";
  const buckets: number[] = [];
  for (const time of times) {
    const bucket = Math.max(0, Math.ceil(Math.log2(time)));
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  const most = Math.max(...buckets.filter((answers) => answers > 0));
  const first = buckets.findIndex((answers) => answers > 0);
  // What the limits and the figures leave.
  const cells = Math.max(5, Math.min(40, columns() - 25));
  return buckets.slice(first).keys().map((i) => {
    const answers = buckets[first + i] ?? 0;
    const limit = `≤ ${2 ** (first + i)} µs`.padStart(14);
    return `${limit} ${bar(answers / most, cells).padEnd(cells)} ${answers}`;
  }).toArray().join("\n");
}

function summary(): string {
  const lost = sent - times.length;
  const what = interrupted ? "without an answer yet" : "lost";
  const counts = `${sent} sent, ${times.length} answered, ${lost} ${what}`;
  if (times.length === 0) return counts;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0);
  return `${counts}; ` +
    `median ${at(0.5)} µs, 99 % ${at(0.99)} µs, longest ${at(1)} µs`;
}
