/**
 * Waits on sockets on which nothing arrives. For each line with a number of
 * milliseconds that it is told, it waits so long and prints what that took of a
 * core, in percent.
 *
 *     deno run -A --unstable-net idle_child.ts rio unreferenced 100
 *
 * @module
 */
import process from "node:process";
import { told } from "./child.ts";
import { ended, SIZE } from "./echo.ts";
import { type Kind, UDP } from "./kinds.ts";

/** Milliseconds after which what opening has started is over. */
const SETTLED = 500;

const [kind, way, count] = Deno.args as [Kind, string, string];
for (let i = 0; i < Number(count); i++) {
  const conn = UDP[kind]();
  conn.receive(new Uint8Array(SIZE)).catch(ended);
  if (way === "unreferenced") conn.unref();
}
await sleep(SETTLED);
for await (const line of told()) {
  const before = process.cpuUsage();
  const start = performance.now();
  await sleep(Number(line));
  const { user, system } = process.cpuUsage(before);
  const milliseconds = performance.now() - start;
  console.log((user + system) / 1000 / milliseconds * 100);
}
Deno.exit();

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
