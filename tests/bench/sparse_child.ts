/**
 * Receives datagrams of `pace.c`: for each line with a count that it is told it
 * prints a port, and then p50 and p99 of the time from send to receive and the
 * CPU time of a wake, in microseconds.
 *
 *     deno run -A --unstable-net sparse_child.ts rio
 *
 * @module
 */
import process from "node:process";
import { told } from "./child.ts";
import { SIZE } from "./echo.ts";
import { percentiles } from "./harness.ts";
import { type Kind, UDP } from "./kinds.ts";
import { commonClock } from "./libc.ts";

const now = commonClock();
const [kind] = Deno.args as [Kind];
const buffer = new Uint8Array(SIZE);
const stamp = new DataView(buffer.buffer);
const lines = told();
for (let line = await lines.next(); !line.done;) {
  const next = lines.next();
  // Where the parent ends early, no datagram may come any more.
  next.then(({ done }) => done && Deno.exit());
  const conn = UDP[kind]();
  console.log((conn.addr as Deno.NetAddr).port);
  console.log((await receive(conn, Number(line.value))).join(" "));
  conn.close();
  line = await next;
}
Deno.exit();

async function receive(
  conn: Pick<Deno.DatagramConn, "receive">,
  count: number,
): Promise<number[]> {
  const latencies: number[] = [];
  // The first ends the wait for the sender's start.
  await conn.receive(buffer);
  const before = process.cpuUsage();
  while (latencies.length < count) {
    await conn.receive(buffer);
    latencies.push(Number(now() - stamp.getBigInt64(0, true)) / 1000);
  }
  const { user, system } = process.cpuUsage(before);
  const { p50, p99 } = percentiles(latencies);
  return [p50, p99, (user + system) / count];
}
