/**
 * Connections to an echo server, in a process of their own. For each line it is
 * told it has as many open as the line says, each with one request answered,
 * and prints a line.
 *
 *     deno run -A echo_clients.ts PORT
 *
 * @module
 */
import { told } from "./child.ts";
import { readFull, SIZE, writeFull } from "./echo.ts";

const [port] = Deno.args.map(Number);
const conns: Deno.Conn[] = [];
const request = new Uint8Array(SIZE);
for await (const line of told()) {
  const count = Number(line);
  while (conns.length > count) conns.pop()!.close();
  while (conns.length < count) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: port! });
    conns.push(conn);
    await writeFull(conn, request);
    await readFull(conn, request);
  }
  console.log(conns.length);
}
Deno.exit();
