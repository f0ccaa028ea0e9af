/**
 * Opens and closes UDP sockets, as each line says that it is told:
 *
 *     many COUNT MILLISECONDS  prints how many it opened in that time, and what
 *                              opening and closing took each, in microseconds
 *     churn COUNT              prints the line of `parseLine()`
 *
 *     deno run -A --unstable-net --v8-flags=--expose-gc open_child.ts rio
 *
 * @module
 */
import process from "node:process";
import { told } from "./child.ts";
import { SIZE } from "./echo.ts";
import { type Kind, UDP } from "./kinds.ts";

const [kind] = Deno.args as [Kind];
const data = new Uint8Array(SIZE);
const buffer = new Uint8Array(SIZE);
const open: () => Deno.DatagramConn = UDP[kind];
for await (const line of told()) {
  await collect();
  const [what, ...numbers] = line.split(" ");
  const [count, milliseconds] = numbers.map(Number) as [number, number];
  const work = what === "many" ? many(count, milliseconds) : churn(count);
  console.log((await work).join(" "));
}
Deno.exit();

async function many(count: number, milliseconds: number): Promise<number[]> {
  const conns: Pick<Deno.DatagramConn, "close">[] = [];
  const start = performance.now();
  while (conns.length < count && performance.now() - start < milliseconds) {
    conns.push(open());
  }
  // What opening puts off belongs to it.
  await turn();
  const opened = performance.now();
  for (const conn of conns) conn.close();
  await turn();
  const closed = performance.now();
  const each = (time: number) => time * 1000 / conns.length;
  return [conns.length, each(opened - start), each(closed - opened)];
}

async function churn(count: number): Promise<number[]> {
  const before = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const conn = open();
    await conn.send(data, conn.addr);
    await conn.receive(buffer);
    conn.close();
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return [count, seconds, user / 1e6, system / 1e6];
}

/** A turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets a round begin without what the one before it has left. */
async function collect(): Promise<void> {
  await turn();
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  await turn();
}
