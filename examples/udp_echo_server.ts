/**
 * An echo server for any UDP client, until Ctrl-C.
 *
 * ```sh
 * deno run --allow-ffi --allow-net=127.0.0.1 examples/udp_echo_server.ts --port 7777
 * echo hello | nc -u -w1 127.0.0.1 7777
 * ```
 *
 * @module
 */
import { listenDatagram } from "../mod.ts";
import {
  onInterrupt,
  openOrExit,
  readArguments,
  saysClosed,
  wholeNumber,
} from "./arguments.ts";

const HELP = `Sends every datagram back to where it came from.

  --hostname IP   address to bind          [127.0.0.1]
  --port N        port to bind, 0 for any  [7777]
  --help          this text

Exit code 0 after Ctrl-C, 2 for a wrong argument.`;

const { hostname, port } = readArguments(HELP, {
  hostname: "127.0.0.1",
  port: "7777",
});
const number = wholeNumber("--port", port, [0, 65_535]);

using conn = await openOrExit(() => listenDatagram({ hostname, port: number }));
using _ = onInterrupt(() => conn.close());
console.log(
  `echoing UDP on ${conn.addr.hostname}:${conn.addr.port}, Ctrl-C ends`,
);

let echoed = 0;
for (;;) {
  try {
    // All that has arrived comes as one batch, and goes back as one.
    using batch = await conn.receiveMany();
    echoed += await conn.sendMany(batch);
  } catch (error) {
    if (saysClosed(error)) break;
    // A peer that cannot be answered is no reason to leave the others.
    console.error(String(error));
  }
}
console.log(`echoed ${echoed} datagrams`);
