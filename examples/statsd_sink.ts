/**
 * Takes StatsD metrics over UDP, and prints what they come to.
 *
 * ```sh
 * deno run --allow-ffi --allow-net examples/statsd_sink.ts
 * echo -n "visits:1|c" | nc -u -w1 127.0.0.1 8125
 * ```
 *
 * @module
 */
import { listenDatagram, type RioDatagramBatch } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  wholeNumber,
  write,
} from "./arguments.ts";

const HELP = `Sums up StatsD metrics: counters, gauges, timers, sets.

  --hostname IP   address to bind            [127.0.0.1]
  --port N        port to bind, 0 for any    [8125]
  --interval S    seconds between reports    [10]
  --buffer BYTES  the system's receive room  [4194304]
  --help          this text

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

/** NAME:VALUE|TYPE, with a sample rate and tags that may follow. */
const METRIC = /^([^:|]+):([^|]+)\|(c|g|ms|s)(?:\|@([\d.]+))?(?:\|#.*)?$/;

const flags = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "8125",
  interval: "10",
  buffer: "4194304",
});
const port = wholeNumber("--port", flags.port, [0, 65_535]);
const interval = wholeNumber("--interval", flags.interval, [1, 86_400]);
const buffer = wholeNumber("--buffer", flags.buffer, [1024, 0x7FFFFFFF]);

const counters = new Map<string, number>();
const gauges = new Map<string, number>();
const timers = new Map<string, number[]>();
const sets = new Map<string, Set<string>>();
const count = { datagrams: 0, metrics: 0, bad: 0 };

using conn = await openOrExit(() =>
  listenDatagram({
    hostname: flags.hostname,
    port,
    receiveBufferSize: buffer, // clients come in bursts
    datagramSize: 9000, // and send no more than that
  })
);
const stop = new AbortController();
using _ = onInterrupt(() => stop.abort());
write(
  `StatsD on ${conn.addr.hostname}:${conn.addr.port}, Ctrl-C ends\n`,
);
const reporting = setInterval(report, 1000 * interval);
const decoder = new TextDecoder();

while (!stop.signal.aborted) {
  try {
    using batch = await conn.receiveMany({ signal: stop.signal });
    takeAll(batch);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}
// Counted as well: what arrived before Ctrl-C.
for (;;) {
  using batch = conn.takeArrived();
  if (batch.length === 0) break;
  takeAll(batch);
}
clearInterval(reporting);
report();

function takeAll(batch: RioDatagramBatch): void {
  count.datagrams += batch.length;
  for (const { data } of batch) {
    for (const line of decoder.decode(data).split("\n")) take(line);
  }
}

/** Adds one metric to what is known. */
function take(line: string): void {
  if (line === "") return;
  const [, name = "", text = "", type, rate = "1"] = METRIC.exec(line) ?? [];
  const value = Number(text);
  const counted = value / Number(rate);
  if (type === undefined || (type !== "s" && !Number.isFinite(counted))) {
    count.bad++;
    return;
  }
  count.metrics++;
  if (type === "c") {
    counters.set(name, (counters.get(name) ?? 0) + counted);
  } else if (type === "g") {
    // With a sign it changes what the gauge shows.
    const before = /^[+-]/.test(text) ? gauges.get(name) ?? 0 : 0;
    gauges.set(name, before + value);
  } else if (type === "ms") {
    const values = timers.get(name);
    if (values) values.push(value);
    else timers.set(name, [value]);
  } else {
    sets.set(name, (sets.get(name) ?? new Set()).add(text));
  }
}

/** Prints what came since the last report; gauges keep their value. */
function report(): void {
  const rows: [name: string, value: string][] = [];
  for (const [name, sum] of counters) {
    rows.push([name, `${sum} (${(sum / interval).toFixed(1)}/s)`]);
  }
  for (const [name, value] of gauges) rows.push([name, String(value)]);
  for (const [name, values] of timers) {
    values.sort((a, b) => a - b);
    const at = (share: number) => values[Math.floor(share * values.length)];
    rows.push([name, `median ${at(0.5)} ms, 95 % ${at(0.95)} ms`]);
  }
  for (const [name, { size }] of sets) rows.push([name, `${size} different`]);
  rows.sort(([a], [b]) => a < b ? -1 : 1);
  const lines = rows.map(([name, value]) =>
    `  ${name.slice(0, 24).padEnd(24)} ${value}`.slice(0, 60)
  );
  const { datagrams, metrics, bad } = count;
  const { dropped } = conn.stats(); // since the start
  write(
    [
      `${metrics} metrics in ${datagrams} datagrams, ${bad} bad, ${
        dropped ?? "unknown"
      } dropped`,
      ...lines,
    ].join("\n") + "\n",
  );
  for (const map of [counters, timers, sets]) map.clear();
  Object.assign(count, { datagrams: 0, metrics: 0, bad: 0 });
}
