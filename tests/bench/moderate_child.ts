/**
 * Answers questions over UDP, and listens for TCP connections meanwhile. From
 * one line that it is told to the next it serves: it prints the port, and in
 * the end the microseconds of CPU that it took.
 *
 *     deno run -A --unstable-net moderate_child.ts rio
 *
 * @module
 */
import process from "node:process";
import type { RioDatagramConn } from "../../mod.ts";
import { told } from "./child.ts";
import { ended, SIZE } from "./echo.ts";
import { type Kind, TCP, UDP } from "./kinds.ts";

const ANSWER = {
  rio() {
    const conn = UDP.rio();
    return { conn, served: answerBatches(conn) };
  },
  deno() {
    const conn = UDP.deno();
    return { conn, served: answerSingly(conn) };
  },
} as const;

const [kind] = Deno.args as [Kind];
const lines = told();
while (!(await lines.next()).done) {
  const listener = TCP[kind]();
  const accepted = listener.accept().catch(ended);
  const { conn, served } = ANSWER[kind]();
  const before = process.cpuUsage();
  console.log((conn.addr as Deno.NetAddr).port);
  await lines.next();
  const { user, system } = process.cpuUsage(before);
  console.log(user + system);
  conn.close();
  listener.close();
  await Promise.all([served.catch(ended), accepted]);
}
Deno.exit();

async function answerBatches(conn: RioDatagramConn): Promise<never> {
  for (;;) {
    using batch = await conn.receiveMany();
    await conn.sendMany(batch);
  }
}

async function answerSingly(conn: Deno.DatagramConn): Promise<never> {
  const buffer = new Uint8Array(SIZE);
  for (;;) {
    const [data, from] = await conn.receive(buffer);
    await conn.send(data, from);
  }
}
