/**
 * An echo server for any TCP client, until Ctrl-C.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/tcp_echo_server.ts --port 7777
 * echo hello | nc -N 127.0.0.1 7777
 * ```
 *
 * @module
 */
import { listen, type RioTcpConn } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  wholeNumber,
} from "./arguments.ts";

const HELP = `Sends everything back on every connection.

  --hostname IP   address to bind          [127.0.0.1]
  --port N        port to bind, 0 for any  [7777]
  --help          this text

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

const { hostname, port } = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "7777",
});
const number = wholeNumber("--port", port, [0, 65_535]);

const connections = new Map<RioTcpConn, Promise<void>>();
let served = 0;
let bytes = 0;

using listener = await openOrExit(() => listen({ hostname, port: number }));
using _ = onInterrupt(() => {
  listener.close();
  for (const conn of connections.keys()) conn[Symbol.dispose]();
});
console.log(
  `echoing TCP on ${listener.addr.hostname}:${listener.addr.port}, Ctrl-C ends`,
);

for await (const conn of listener) connections.set(conn, serve(conn));
await Promise.all(connections.values());
console.log(`echoed ${bytes} bytes on ${served} connections`);

/** Echoes until the peer ends; what breaks costs this connection only. */
async function serve(accepted: RioTcpConn): Promise<void> {
  using conn = accepted;
  served++;
  const p = new Uint8Array(65_536);
  try {
    for (;;) {
      const length = await conn.read(p);
      if (length === null) break;
      await conn.write(p.subarray(0, length));
      bytes += length;
    }
  } catch (error) {
    const quiet = error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.BrokenPipe ||
      error instanceof Deno.errors.Interrupted;
    if (!quiet) console.error(String(error));
  } finally {
    connections.delete(conn);
  }
}
